//! CloudWatch Logs Insights: its query language (CloudWatch Logs user guide, "CloudWatch Logs Insights language query
//! syntax"), without I/O. [`Query::parse`] reads a query, [`Execution`] is given events one by one and then says what
//! the query finds.

mod aggregate;
mod ast;
mod compare;
mod event;
mod execute;
mod function;
mod glob;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;
mod time;
mod value;

pub(super) use ast::Query;
pub(super) use event::{Event, discovered_fields};
pub(super) use execute::{Execution, Row, Wants};
pub(super) use lexer::SyntaxError;
pub(super) use time::timestamp;
