//! Between values and Rust types.

use landfall_base::{Sensitive, Timestamp};

use crate::Value;

/// A Rust type that stands for a shape.
pub trait Shape: Sized {
    /// Reads the type from a value.
    ///
    /// # Errors
    /// The value is of another kind, or a required member is absent. After constraint validation neither happens for
    /// input from outside.
    fn from_value(value: Value) -> Result<Self, ShapeError>;

    /// Writes the type as a value.
    fn into_value(self) -> Value;
}

/// A value does not have the shape that a type needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A value of one kind where another is needed.
    #[error("expected {expected}")]
    Kind {
        /// The kind that is needed.
        expected: &'static str,
    },
    /// A required member is absent.
    #[error("`{0}` is required")]
    Missing(&'static str),
}

macro_rules! scalar {
    ($type:ty, $variant:ident, $expected:literal) => {
        impl Shape for $type {
            fn from_value(value: Value) -> Result<Self, ShapeError> {
                match value {
                    Value::$variant(value) => Ok(value),
                    _ => Err(ShapeError::Kind { expected: $expected }),
                }
            }

            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        }
    };
}

scalar!(bool, Boolean, "a boolean");
scalar!(i64, Integer, "an integer");
scalar!(f64, Double, "a number");
scalar!(String, String, "a string");
scalar!(Sensitive<String>, SensitiveString, "a string");
scalar!(Sensitive<Vec<u8>>, SensitiveBlob, "a blob");
scalar!(Timestamp, Timestamp, "a timestamp");

/// Bytes, as a `blob` shape has them. A type of its own, because `Vec<T>` is a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blob(pub Vec<u8>);

impl Shape for Blob {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        match value {
            Value::Blob(bytes) => Ok(Self(bytes)),
            _ => Err(ShapeError::Kind { expected: "a blob" }),
        }
    }

    fn into_value(self) -> Value {
        Value::Blob(self.0)
    }
}

impl Shape for i32 {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        match value {
            Value::Integer(value) => {
                Self::try_from(value).map_err(|_| ShapeError::Kind { expected: "a 32-bit integer" })
            }
            _ => Err(ShapeError::Kind { expected: "an integer" }),
        }
    }

    fn into_value(self) -> Value {
        Value::Integer(self.into())
    }
}

impl<T: Shape> Shape for Box<T> {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        T::from_value(value).map(Box::new)
    }

    fn into_value(self) -> Value {
        T::into_value(*self)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        match value {
            Value::List(values) => values.into_iter().map(T::from_value).collect(),
            _ => Err(ShapeError::Kind { expected: "a list" }),
        }
    }

    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}

/// A map in the order received. AWS's maps have string keys; enumerations as keys are strings here too.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// The value of `key`, if present.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<T> FromIterator<(String, T)> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<T: Shape> Shape for Entries<T> {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        match value {
            Value::Map(entries) => {
                let read = |(key, value)| Ok((key, T::from_value(value)?));
                entries.into_iter().map(read).collect::<Result<_, _>>().map(Self)
            }
            _ => Err(ShapeError::Kind { expected: "a map" }),
        }
    }

    fn into_value(self) -> Value {
        Value::Map(self.0.into_iter().map(|(key, value)| (key, value.into_value())).collect())
    }
}
