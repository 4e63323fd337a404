//! Values to JSON text.

use landfall_base::Timestamp;
use landfall_shape::{Kind, Schema, Structure, TimestampFormat, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::scalar;

/// Writes a value. Without a schema (error members) members keep their model names and times are epoch seconds.
pub(super) fn encode(schema: Option<&'static Schema>, value: &Value) -> Vec<u8> {
    // Writing to memory with string keys cannot fail; should that ever change, an empty structure is still JSON.
    serde_json::to_vec(&Typed { schema, value }).unwrap_or_else(|_| b"{}".to_vec())
}

/// A value beside its schema, if there is one.
pub(super) struct Typed<'a> {
    pub(super) schema: Option<&'static Schema>,
    pub(super) value: &'a Value,
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Boolean(flag) => serializer.serialize_bool(*flag),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Double(number) => double(*number, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::SensitiveString(text) => serializer.serialize_str(text.expose()),
            Value::Blob(bytes) => serializer.serialize_str(&scalar::base64_encode(bytes)),
            Value::SensitiveBlob(bytes) => serializer.serialize_str(&scalar::base64_encode(bytes.expose())),
            Value::Timestamp(moment) => timestamp(self.schema, *moment, serializer),
            Value::List(values) => list(self.schema, values, serializer),
            Value::Map(entries) => map(self.schema, entries, serializer),
            Value::Structure(members) => structure(self.schema, members, serializer),
        }
    }
}

fn double<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(number)
    } else {
        serializer.serialize_str(&scalar::format_double(number))
    }
}

fn timestamp<S: Serializer>(
    schema: Option<&'static Schema>,
    moment: Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match schema.map(|schema| &schema.kind) {
        Some(Kind::Timestamp {
            format: Some(format @ (TimestampFormat::Iso8601 | TimestampFormat::Rfc822)),
        }) => serializer.serialize_str(&scalar::format_timestamp(moment, *format)),
        _ if moment.millis() % 1000 == 0 => serializer.serialize_i64(moment.whole_seconds()),
        _ => serializer.serialize_f64(moment.seconds()),
    }
}

fn list<S: Serializer>(
    schema: Option<&'static Schema>,
    values: &[Value],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let schema = schema.and_then(|schema| match schema.kind {
        Kind::List { member, .. } => Some(member),
        _ => None,
    });
    let mut sequence = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        sequence.serialize_element(&Typed { schema, value })?;
    }
    sequence.end()
}

fn map<S: Serializer>(
    schema: Option<&'static Schema>,
    entries: &[(String, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let schema = schema.and_then(|schema| match schema.kind {
        Kind::Map { value, .. } => Some(value),
        _ => None,
    });
    let mut object = serializer.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        object.serialize_entry(key, &Typed { schema, value })?;
    }
    object.end()
}

fn structure<S: Serializer>(
    schema: Option<&'static Schema>,
    structure: &Structure,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    for (name, value) in structure.iter() {
        let member = match schema.map(|schema| &schema.kind) {
            Some(Kind::Structure { members }) => members.iter().find(|member| member.name == name),
            _ => None,
        };
        let key = member.map_or(name, |member| member.wire_name);
        object.serialize_entry(key, &Typed { schema: member.map(|member| member.schema), value })?;
    }
    object.end()
}
