//! What fields and expressions are worth.

use std::borrow::Cow;

/// A value. Fields that are not there are [`Value::Missing`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    #[default]
    Missing,
    Number(f64),
    Text(String),
    Truth(bool),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As it is written in results; `None` when it is missing.
    pub(super) fn written(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Missing => return None,
            Self::Number(number) => Cow::Owned(written(*number)),
            Self::Text(text) => Cow::Borrowed(text),
            // Functions that answer with a truth answer with 1 and 0.
            Self::Truth(truth) => Cow::Borrowed(if *truth { "1" } else { "0" }),
        })
    }

    /// The number it is or that its text is.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => number(text),
            Self::Truth(truth) => Some(f64::from(u8::from(*truth))),
            Self::Missing => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Truth(truth) => *truth,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => text == "true" || number(text).is_some_and(|number| number != 0.0),
            Self::Missing => false,
        }
    }

    /// As the value of a JSON document is seen. `None` for objects and arrays, whose members have names of their own.
    pub(super) fn of_json(value: &serde_json::Value) -> Option<Self> {
        Some(match value {
            serde_json::Value::Null => Self::Missing,
            serde_json::Value::Bool(truth) => Self::text(if *truth { "true" } else { "false" }),
            serde_json::Value::Number(number) => Self::text(number.to_string()),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => return None,
        })
    }
}

impl From<Option<f64>> for Value {
    fn from(number: Option<f64>) -> Self {
        number.filter(|number| number.is_finite()).map_or(Self::Missing, Self::Number)
    }
}

/// A finite decimal number; not the names of numbers that Rust also reads.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_decimal && number.is_finite())
}

fn written(number: f64) -> String {
    if number == 0.0 { "0".to_owned() } else { format!("{number}") }
}
