//! A parsed query.

use regex::Regex;

use super::aggregate::Aggregate;
use super::function::Function;
use super::value::Value;

/// A query: commands, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Fields(Vec<Named>),
    Display(Vec<Named>),
    Filter(Expr),
    Parse(Parse),
    Stats { aggregates: Vec<Named>, calls: Vec<(Aggregate, Vec<Expr>)>, by: Vec<Named> },
    Sort(Vec<(Expr, bool)>),
    Limit(usize),
    Dedup(Vec<Expr>),
}

/// An expression and the column it makes.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) expr: Expr,
}

/// What `parse` takes apart, how, and the names of the parts.
#[derive(Debug, Clone)]
pub(super) struct Parse {
    pub(super) source: Expr,
    pub(super) regex: Regex,
    /// By number of the group.
    pub(super) names: Vec<(usize, String)>,
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Literal(Value),
    Field(String),
    /// The value of a call in `stats`, by its place there.
    Aggregated(usize),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(char, Box<Expr>, Box<Expr>),
    Contains(Box<Expr>, Box<Expr>),
    Matches(Box<Expr>, Regex),
    In(Box<Expr>, Vec<Expr>),
    Call(Function, Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
