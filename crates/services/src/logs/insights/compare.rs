//! Values against each other.

use std::cmp::Ordering;

use super::ast::Comparison;
use super::value::Value;

/// Numbers by size when both are numbers, texts by their characters otherwise; what is missing comes first.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return left.total_cmp(&right);
    }
    left.written().cmp(&right.written())
}

/// Whether a comparison holds. With something missing only `!=` does.
pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> bool {
    if matches!(left, Value::Missing) || matches!(right, Value::Missing) {
        return comparison == Comparison::NotEqual && left != right;
    }
    let order = order(left, right);
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
