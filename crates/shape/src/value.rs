//! Values of any shape.

use std::fmt;

use landfall_base::{Sensitive, Timestamp};

use crate::{Shape, ShapeError};

/// A value of any shape of a service model. Absent members are absent, never null.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `boolean`
    Boolean(bool),
    /// `integer` and `long`
    Integer(i64),
    /// `float` and `double`
    Double(f64),
    /// `string` and enumerations
    String(String),
    /// `string` whose shape is marked sensitive
    SensitiveString(Sensitive<String>),
    /// `blob`, decoded
    Blob(Vec<u8>),
    /// `blob` whose shape is marked sensitive, decoded
    SensitiveBlob(Sensitive<Vec<u8>>),
    /// `timestamp`
    Timestamp(Timestamp),
    /// `list`
    List(Vec<Value>),
    /// `map`, in the order received
    Map(Vec<(String, Value)>),
    /// `structure`
    Structure(Structure),
}

/// A structure's present members, by their model names.
#[derive(Clone, Default, PartialEq)]
pub struct Structure {
    members: Vec<(&'static str, Value)>,
}

impl Structure {
    /// A structure without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A structure without members, with room for `members`.
    pub fn with_capacity(members: usize) -> Self {
        Self { members: Vec::with_capacity(members) }
    }

    /// The structure that a value must be.
    ///
    /// # Errors
    /// The value is of another kind.
    pub fn of(value: Value) -> Result<Self, ShapeError> {
        match value {
            Value::Structure(structure) => Ok(structure),
            _ => Err(ShapeError::Kind { expected: "a structure" }),
        }
    }

    /// Takes a member that must be present.
    ///
    /// # Errors
    /// The member is absent or of another kind.
    pub fn required<T: Shape>(&mut self, name: &'static str) -> Result<T, ShapeError> {
        self.optional(name)?.ok_or(ShapeError::Missing(name))
    }

    /// Takes a member that may be absent.
    ///
    /// # Errors
    /// The member is of another kind.
    pub fn optional<T: Shape>(&mut self, name: &'static str) -> Result<Option<T>, ShapeError> {
        self.take(name).map(T::from_value).transpose()
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.members.iter().position(|(member, _)| *member == name)?;
        Some(self.members.swap_remove(index).1)
    }

    /// Adds a member from its type.
    pub fn put<T: Shape>(&mut self, name: &'static str, member: T) {
        self.push(name, member.into_value());
    }

    /// Adds a member from its type, if there is one.
    pub fn put_some<T: Shape>(&mut self, name: &'static str, member: Option<T>) {
        self.push_some(name, member.map(T::into_value));
    }

    /// Adds a member. `name` is the member's name in the model.
    pub fn push(&mut self, name: &'static str, value: Value) {
        self.members.push((name, value));
    }

    /// Adds a member if there is a value for it.
    pub fn push_some(&mut self, name: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// The member's value, if present.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// Present members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.members.iter().map(|(name, value)| (*name, value))
    }
}

impl IntoIterator for Structure {
    type Item = (&'static str, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl fmt::Debug for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
            Self::SensitiveString(value) => value.fmt(f),
            Self::Blob(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::SensitiveBlob(value) => value.fmt(f),
            Self::Timestamp(value) => fmt::Debug::fmt(value, f),
            Self::List(values) => f.debug_list().entries(values).finish(),
            Self::Map(entries) => f.debug_map().entries(entries.iter().map(|(k, v)| (k, v))).finish(),
            Self::Structure(structure) => structure.fmt(f),
        }
    }
}
