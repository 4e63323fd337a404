//! JSON text to values, guided by a schema, in one pass without an intermediate tree.

use std::fmt;

use landfall_shape::{Kind, Member, Schema, Structure, TimestampFormat, Value};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::DecodeError;
use crate::scalar::{self, MapBuilder};

pub(super) fn decode(schema: &'static Schema, body: &[u8]) -> Result<Value, DecodeError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::new("the body is not UTF-8"))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed(schema).deserialize(&mut deserializer).map_err(|error| explain(&error))?;
    deserializer.end().map_err(|error| explain(&error))?;
    value.ok_or_else(|| DecodeError::new("expected a JSON object, not null"))
}

/// Our own sentences lose the position that serde_json puts behind them; its own keep it, because it helps to find a
/// missing comma.
fn explain(error: &serde_json::Error) -> DecodeError {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(sentence) if error.is_data() => DecodeError::new(sentence),
        _ => DecodeError::new(format!("invalid JSON: {text}")),
    }
}

/// Reads what stands next as a value of a schema. `None` is JSON's null.
#[derive(Clone, Copy)]
struct Seed(&'static Schema);

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Option<Value>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed {
    /// What the schema is called in AWS's sentences about conversion.
    fn target(self) -> &'static str {
        match self.0.kind {
            Kind::Structure { .. } => "a Structure",
            Kind::List { .. } => "a List",
            Kind::Map { .. } => "a Map",
            Kind::String { .. } => "a String",
            Kind::Blob { .. } => "a Blob",
            Kind::Boolean => "a Boolean",
            Kind::Integer { .. } => "an Integer",
            Kind::Long { .. } => "a Long",
            Kind::Double { .. } => "a Double",
            Kind::Timestamp { .. } => "milliseconds since epoch",
        }
    }

    fn mismatch<E: Error>(self, token: &str) -> E {
        E::custom(format_args!("{token} can not be converted to {}", self.target()))
    }

    fn whole_number<E: Error>(self, number: i64) -> Result<Option<Value>, E> {
        match self.0.kind {
            Kind::Long { .. } => Ok(Some(Value::Integer(number))),
            Kind::Integer { .. } if i32::try_from(number).is_ok() => Ok(Some(Value::Integer(number))),
            Kind::Integer { .. } => Err(self.mismatch("NUMBER_VALUE")),
            _ => self.number(number as f64),
        }
    }

    fn number<E: Error>(self, number: f64) -> Result<Option<Value>, E> {
        let value = match self.0.kind {
            Kind::Double { .. } => Some(Value::Double(number)),
            Kind::Timestamp { .. } => scalar::timestamp_from_seconds(number).map(Value::Timestamp),
            _ => None,
        };
        value.map(Some).ok_or_else(|| self.mismatch("NUMBER_VALUE"))
    }

    fn text(self, text: String) -> Option<Value> {
        match self.0.kind {
            Kind::String { .. } => Some(scalar::string(self.0, text)),
            Kind::Blob { .. } => scalar::base64_decode(&text).map(|bytes| scalar::blob(self.0, bytes)),
            Kind::Double { .. } => scalar::special_double(&text).map(Value::Double),
            Kind::Timestamp { format: Some(TimestampFormat::UnixTimestamp) | None } => None,
            Kind::Timestamp { format: Some(format) } => {
                scalar::parse_timestamp(&text, format).map(Value::Timestamp)
            }
            _ => None,
        }
    }
}

/// A float without fraction that an `i64` holds exactly.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}

impl<'de> Visitor<'de> for Seed {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.target())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        match self.0.kind {
            Kind::Boolean => Ok(Some(Value::Boolean(flag))),
            _ => Err(self.mismatch(if flag { "TRUE_VALUE" } else { "FALSE_VALUE" })),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.whole_number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.whole_number(number),
            Err(_) => self.number(number as f64),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        match (&self.0.kind, whole(number)) {
            (Kind::Integer { .. } | Kind::Long { .. }, Some(number)) => self.whole_number(number),
            _ => self.number(number),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        self.text(text).map(Some).ok_or_else(|| self.mismatch("STRING_VALUE"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let Kind::List { member, .. } = self.0.kind else {
            return Err(A::Error::custom("Start of list found where not expected"));
        };
        let mut values = Vec::new();
        while let Some(element) = elements.next_element_seed(Seed(member))? {
            values.push(element.ok_or_else(|| Seed(member).mismatch::<A::Error>("NULL_VALUE"))?);
        }
        Ok(Some(Value::List(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        match self.0.kind {
            Kind::Structure { members } => structure(members, entries).map(Some),
            Kind::Map { value, .. } => map(value, entries).map(Some),
            _ => Err(A::Error::custom("Start of structure or map found where not expected.")),
        }
    }
}

fn map<'de, A: MapAccess<'de>>(schema: &'static Schema, mut entries: A) -> Result<Value, A::Error> {
    let mut builder = MapBuilder::default();
    while let Some(key) = entries.next_key::<String>()? {
        if let Some(value) = entries.next_value_seed(Seed(schema))? {
            builder.insert(key, value);
        }
    }
    Ok(builder.finish())
}

fn structure<'de, A: MapAccess<'de>>(members: &'static [Member], mut entries: A) -> Result<Value, A::Error> {
    let mut slots: Vec<Option<Value>> = Vec::new();
    slots.resize_with(members.len(), || None);
    while let Some(found) = entries.next_key_seed(MemberName(members))? {
        match found.and_then(|at| Some((members.get(at)?, slots.get_mut(at)?))) {
            Some((member, slot)) => *slot = entries.next_value_seed(Seed(member.schema))?,
            None => drop(entries.next_value::<IgnoredAny>()?),
        }
    }
    let mut structure = Structure::new();
    for (member, value) in members.iter().zip(slots) {
        structure.push_some(member.name, value);
    }
    Ok(Value::Structure(structure))
}

/// Finds a key among a structure's members without keeping the text.
struct MemberName(&'static [Member]);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|member| member.wire_name == name))
    }
}
