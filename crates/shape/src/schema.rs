//! Schemas: what the service models say about shapes, as static data.

/// A shape of a service model with its constraints.
#[derive(Debug)]
pub struct Schema {
    /// The shape's name in the model.
    pub name: &'static str,
    /// Values must not reach logs, errors or `Debug`.
    pub sensitive: bool,
    /// What kind of shape it is.
    pub kind: Kind,
}

/// The kinds of shapes, each with the constraints the model gives. Lengths of strings count characters, those of blobs
/// bytes, those of lists and maps entries.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure {
        /// In the model's order.
        members: &'static [Member],
    },
    /// A sequence.
    List {
        /// The element's shape.
        member: &'static Schema,
        /// Name of an element in XML and query form, `member` unless the model says otherwise.
        member_name: &'static str,
        /// Without a wrapping element in query form.
        flattened: bool,
        /// Fewest elements.
        min: Option<u64>,
        /// Most elements.
        max: Option<u64>,
    },
    /// Entries by key.
    Map {
        /// The key's shape.
        key: &'static Schema,
        /// The value's shape.
        value: &'static Schema,
        /// Fewest entries.
        min: Option<u64>,
        /// Most entries.
        max: Option<u64>,
    },
    /// Text.
    String {
        /// Fewest characters.
        min: Option<u64>,
        /// Most characters.
        max: Option<u64>,
        /// Regular expression that the whole text must match, in the model's words: messages show it so, and
        /// [`crate::regex_of_pattern`] makes it fit for `regex`.
        pattern: Option<&'static str>,
        /// The values of an enumeration; empty if it is not one.
        values: &'static [&'static str],
    },
    /// Bytes.
    Blob {
        /// Fewest bytes.
        min: Option<u64>,
        /// Most bytes.
        max: Option<u64>,
    },
    /// True or false.
    Boolean,
    /// 32-bit signed.
    Integer {
        /// Smallest value.
        min: Option<i64>,
        /// Largest value.
        max: Option<i64>,
    },
    /// 64-bit signed.
    Long {
        /// Smallest value.
        min: Option<i64>,
        /// Largest value.
        max: Option<i64>,
    },
    /// 32-bit or 64-bit floating point.
    Double {
        /// Smallest value.
        min: Option<f64>,
        /// Largest value.
        max: Option<f64>,
    },
    /// A moment.
    Timestamp {
        /// How the model wants it written, where it departs from the protocol's default.
        format: Option<TimestampFormat>,
    },
}

impl Kind {
    /// Text without constraints.
    pub const STRING: Self = Self::String { min: None, max: None, pattern: None, values: &[] };
    /// A 32-bit number without constraints.
    pub const INTEGER: Self = Self::Integer { min: None, max: None };
    /// A 64-bit number without constraints.
    pub const LONG: Self = Self::Long { min: None, max: None };
    /// A floating point number without constraints.
    pub const DOUBLE: Self = Self::Double { min: None, max: None };
    /// A moment in the protocol's own format.
    pub const TIMESTAMP: Self = Self::Timestamp { format: None };

    /// An enumeration with these values.
    pub const fn enumeration(values: &'static [&'static str]) -> Self {
        Self::String { min: None, max: None, pattern: None, values }
    }
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since the epoch as a number.
    UnixTimestamp,
    /// ISO 8601 with `Z`.
    Iso8601,
    /// RFC 9110 date.
    Rfc822,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The model's name, which [`crate::Structure`] uses.
    pub name: &'static str,
    /// The name on the wire.
    pub wire_name: &'static str,
    /// Must be present.
    pub required: bool,
    /// Clients fill it with a random token when the user gives none.
    pub idempotency_token: bool,
    /// The member's shape.
    pub schema: &'static Schema,
}

impl Schema {
    /// A shape that may be shown.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, sensitive: false, kind }
    }

    /// A shape whose values must not be shown.
    pub const fn sensitive(name: &'static str, kind: Kind) -> Self {
        Self { name, sensitive: true, kind }
    }
}

impl Member {
    /// A member that may be absent.
    pub const fn optional(name: &'static str, schema: &'static Schema) -> Self {
        Self { name, wire_name: name, required: false, idempotency_token: false, schema }
    }

    /// A member that must be present.
    pub const fn required(name: &'static str, schema: &'static Schema) -> Self {
        Self { required: true, ..Self::optional(name, schema) }
    }

    /// The same member under another name on the wire.
    #[must_use]
    pub const fn on_wire_as(self, wire_name: &'static str) -> Self {
        Self { wire_name, ..self }
    }

    /// The same member as an idempotency token.
    #[must_use]
    pub const fn as_idempotency_token(self) -> Self {
        Self { idempotency_token: true, ..self }
    }
}
