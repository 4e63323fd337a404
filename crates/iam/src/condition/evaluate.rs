//! Whether a condition holds for a request.
//!
//! An absent key makes a positive operator false and a negated one true; `IfExists` and `ForAllValues` make it true,
//! `ForAnyValue` false. A negated operator holds if no value matches. A value that cannot be read as the operator's
//! type satisfies neither the operator nor its negation.

use super::operand::{Operand, parse_bool, parse_date, parse_number};
use super::{Base, Condition, Quantifier};
use crate::arn_match::ArnParts;
use crate::choices::Choice;
use crate::pattern::{Case, Pattern};
use crate::request::{Request, Target, Values};

/// What the values of a condition say to one value of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Match,
    NoMatch,
    /// One of the two sides has not the operator's type.
    Unreadable,
}

impl From<bool> for Verdict {
    fn from(matches: bool) -> Self {
        if matches { Self::Match } else { Self::NoMatch }
    }
}

impl Condition {
    pub(crate) fn holds(&self, target: &Target<'_>) -> bool {
        let values = target.request.values(&self.key);
        if self.operator.base == Base::Null {
            return self.asks_for_presence(values.is_none());
        }
        match values {
            None => self.holds_without_value(),
            Some(values) => self.holds_for(values, target),
        }
    }

    fn asks_for_presence(&self, absent: bool) -> bool {
        match &self.operand {
            Operand::Bool(wanted) => wanted.contains(&Some(absent)),
            _ => false,
        }
    }

    fn holds_without_value(&self) -> bool {
        match self.operator.quantifier {
            Quantifier::All => true,
            Quantifier::Any => self.operator.if_exists && Choice::IfExistsHoldsUnderForAnyValue.holds(),
            Quantifier::None => self.operator.if_exists || self.operator.negated,
        }
    }

    fn holds_for<'a>(&self, values: Values<'a>, target: &Target<'a>) -> bool {
        let accepts = |value: &'a str| match self.verdict(value, target) {
            Verdict::Match => !self.operator.negated,
            Verdict::NoMatch => self.operator.negated,
            Verdict::Unreadable => false,
        };
        match self.operator.quantifier {
            Quantifier::All => values.all(accepts),
            Quantifier::Any => !values.all(|value| !accepts(value)),
            Quantifier::None if values.len() > 1 && !Choice::SeveralValuesMatchWithoutSetOperator.holds() => {
                false
            }
            Quantifier::None => !values.all(|value| !accepts(value)),
        }
    }

    fn verdict<'a>(&self, value: &'a str, target: &Target<'a>) -> Verdict {
        let request = target.request;
        match &self.operand {
            Operand::Text(patterns) => self.text(patterns, value, request).into(),
            Operand::Arn(patterns) => {
                let arn = ArnParts::split(value);
                patterns.iter().any(|pattern| pattern.matches(arn.as_ref(), request) == Ok(true)).into()
            }
            Operand::Number(wanted) => match self.operator.base {
                Base::Numeric(comparison) => {
                    typed(wanted, parse_number(value), |want, have| comparison.holds(have, want))
                }
                _ => Verdict::Unreadable,
            },
            Operand::Date(wanted) => match self.operator.base {
                Base::Date(comparison) => {
                    typed(wanted, parse_date(value), |want, have| comparison.holds(have, want))
                }
                _ => Verdict::Unreadable,
            },
            Operand::Bool(wanted) => typed(wanted, parse_bool(value), |want, have| want == have),
            // Base64 as it is accepted here writes the same bytes in one way only: no need to decode the request's.
            Operand::Binary(wanted) => wanted.iter().flatten().any(|want| want.as_ref() == value).into(),
            Operand::Ip(wanted) => {
                typed(wanted, target.address(value), |network, address| network.contains(*address))
            }
        }
    }

    /// A variable without a value equals nothing: it is no match, which a negated operator turns into a match.
    fn text(&self, patterns: &[Pattern], value: &str, request: &Request<'_>) -> bool {
        if self.operator.base != Base::StringEqualsIgnoreCase {
            let matches = |pattern: &Pattern| pattern.matches(value, Case::Sensitive, request) == Ok(true);
            return patterns.iter().any(matches);
        }
        patterns.iter().any(|pattern| pattern.equals_ignoring_case(value, request) == Ok(true))
    }
}

fn typed<W, H>(wanted: &[Option<W>], have: Option<H>, test: impl Fn(&W, &H) -> bool) -> Verdict
where
    W: PartialEq,
{
    let Some(have) = have else { return Verdict::Unreadable };
    if wanted.iter().flatten().any(|want| test(want, &have)) {
        return Verdict::Match;
    }
    if wanted.iter().any(Option::is_none) { Verdict::Unreadable } else { Verdict::NoMatch }
}

#[cfg(test)]
mod tests {
    use crate::condition::{Condition, Operator};
    use crate::request::{Request, Target};
    use crate::{Context, Principal, document};

    fn holds(operator: &str, wanted: &[&str], actual: Option<&[&str]>) -> bool {
        let condition = document::Condition {
            operator: Operator::parse(operator).unwrap(),
            key: "t:key".into(),
            values: wanted.iter().map(|value| (*value).to_owned()).collect(),
        };
        let (principal, mut context) = (Principal::anonymous(), Context::new());
        if let Some(values) = actual {
            context.set_all("T:Key", values.iter().copied());
        }
        let request = Request {
            principal: &principal,
            action: "a:b",
            resource: "*",
            resource_account: None,
            context: &context,
        };
        Condition::compile(&condition, true).holds(&Target::new(&request, false))
    }

    #[test]
    fn absent_keys() {
        let table = [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringEqualsIfExists", true),
            ("StringNotEqualsIfExists", true),
            ("NumericLessThan", false),
            ("NotIpAddress", true),
            ("Bool", false),
            ("ForAllValues:StringEquals", true),
            ("ForAllValues:StringNotEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
        ];
        for (operator, expected) in table {
            assert_eq!(holds(operator, &["1"], None), expected, "{operator}");
            assert_eq!(holds(operator, &["1"], Some(&[])), expected, "{operator} with an empty list");
        }
        assert!(holds("Null", &["true"], None) && !holds("Null", &["false"], None));
        assert!(!holds("Null", &["true"], Some(&["x"])) && holds("Null", &["False"], Some(&["x"])));
    }

    #[test]
    fn one_value() {
        let table = [
            ("StringEquals", "a*", "a*", true),
            ("StringEquals", "a*", "ab", false),
            ("StringNotEquals", "a", "b", true),
            ("StringEqualsIgnoreCase", "Ärger", "äRGER", true),
            ("StringLike", "a?c*", "abcd", true),
            ("StringNotLike", "a*", "ab", false),
            ("NumericEquals", "10.0", "10", true),
            ("NumericNotEquals", "10", "ten", false),
            ("NumericNotEquals", "ten", "10", false),
            ("NumericGreaterThanEquals", "5", "5", true),
            ("NumericLessThan", "5", "5", false),
            ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:01Z", true),
            ("Bool", "true", "TRUE", true),
            ("BinaryEquals", "QUI=", "QUI=", true),
            ("BinaryEquals", "QUI=", "QUJD", false),
            ("IpAddress", "10.0.0.0/8", "10.200.0.1", true),
            ("NotIpAddress", "10.0.0.0/8", "::1", true),
            ("NotIpAddress", "10.0.0.0/8", "nowhere", false),
            ("ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", true),
            ("ArnNotEquals", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", false),
            ("ArnEquals", "arn:aws:s3:::b", "no-arn", false),
        ];
        for (operator, wanted, actual, expected) in table {
            assert_eq!(holds(operator, &[wanted], Some(&[actual])), expected, "{operator} {wanted} {actual}");
        }
    }

    #[test]
    fn several_values() {
        let two: Option<&[&str]> = Some(&["a", "x"]);
        assert!(!holds("StringEquals", &["a", "x"], two));
        assert!(!holds("ForAllValues:StringEquals", &["a"], two));
        assert!(holds("ForAllValues:StringEquals", &["a", "x", "y"], two));
        assert!(holds("ForAnyValue:StringEquals", &["a"], two));
        assert!(holds("ForAnyValue:StringNotEquals", &["a"], two));
        assert!(!holds("ForAllValues:StringNotEquals", &["a"], two));
        assert!(holds("StringNotEquals", &["b", "c"], Some(&["a"])));
        assert!(!holds("StringNotEquals", &["b", "a"], Some(&["a"])));
    }
}
