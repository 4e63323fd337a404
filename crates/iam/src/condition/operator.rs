//! Names of condition operators (IAM JSON policy elements: condition operators).

/// An operator with its modifiers taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operator {
    /// As written.
    pub(crate) name: Box<str>,
    pub(crate) quantifier: Quantifier,
    pub(crate) base: Base,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

/// `ForAllValues:` or `ForAnyValue:` before the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    None,
    All,
    Any,
}

/// What is compared, and how, without negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Comparison),
    Date(Comparison),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }

    fn parse(suffix: &str) -> Option<(Self, bool)> {
        Some(match suffix {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::LessOrEqual, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::GreaterOrEqual, false),
            _ => return None,
        })
    }
}

impl Operator {
    /// `None` for a name that AWS does not know; the spelling is exact.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::None, name),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (base, negated) = base(rest)?;
        if base == Base::Null && (if_exists || quantifier != Quantifier::None) {
            return None;
        }
        Some(Self { name: name.into(), quantifier, base, negated, if_exists })
    }
}

fn base(name: &str) -> Option<(Base, bool)> {
    Some(match name {
        "StringEquals" => (Base::StringEquals, false),
        "StringNotEquals" => (Base::StringEquals, true),
        "StringEqualsIgnoreCase" => (Base::StringEqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Base::StringEqualsIgnoreCase, true),
        "StringLike" => (Base::StringLike, false),
        "StringNotLike" => (Base::StringLike, true),
        "Bool" => (Base::Bool, false),
        "BinaryEquals" => (Base::Binary, false),
        "IpAddress" => (Base::Ip, false),
        "NotIpAddress" => (Base::Ip, true),
        "ArnEquals" | "ArnLike" => (Base::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Base::Arn, true),
        "Null" => (Base::Null, false),
        _ => return comparison(name),
    })
}

fn comparison(name: &str) -> Option<(Base, bool)> {
    if let Some(suffix) = name.strip_prefix("Numeric") {
        let (comparison, negated) = Comparison::parse(suffix)?;
        return Some((Base::Numeric(comparison), negated));
    }
    let (comparison, negated) = Comparison::parse(name.strip_prefix("Date")?)?;
    Some((Base::Date(comparison), negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_taken_apart() {
        let operator = Operator::parse("ForAnyValue:StringNotLikeIfExists").unwrap();
        assert_eq!(
            (operator.quantifier, operator.base, operator.negated, operator.if_exists),
            (Quantifier::Any, Base::StringLike, true, true)
        );
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in ["", "StringEqual", "stringequals", "For:StringEquals", "NullIfExists", "NumericLike"] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
