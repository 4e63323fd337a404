//! The `Condition` element: operators, their modifiers, and how they read the context of a request.

mod evaluate;
mod operand;
mod operator;

pub(crate) use operand::{Operand, parse_address, parse_date};
pub(crate) use operator::{Base, Operator, Quantifier};

use crate::document;

/// Whether AWS knows a condition operator of this name; the spelling is exact.
pub fn is_condition_operator(name: &str) -> bool {
    Operator::parse(name).is_some()
}

/// One operator with one key and its values, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) key: Box<str>,
    operand: Operand,
    /// The values as written, for traces.
    pub(crate) values: Box<[String]>,
}

impl Condition {
    pub(crate) fn compile(condition: &document::Condition, variables: bool) -> Self {
        Self {
            operator: condition.operator.clone(),
            key: condition.key.as_str().into(),
            operand: Operand::compile(condition.operator.base, &condition.values, variables),
            values: condition.values.clone().into(),
        }
    }
}
