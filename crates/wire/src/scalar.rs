//! Scalars as text: what the JSON, form and XML codecs share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{Sensitive, Timestamp};
use landfall_shape::{Kind, Schema, TimestampFormat, Value};

/// The years 1 to 9999, in seconds since the epoch: what ISO 8601 can write.
const SECONDS: std::ops::RangeInclusive<f64> = -62_135_596_800.0..=253_402_300_799.999;

pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads epoch seconds, rounded to the millisecond: `1.7e9 + 0.123` has no exact binary form.
pub(crate) fn timestamp_from_seconds(seconds: f64) -> Option<Timestamp> {
    SECONDS.contains(&seconds).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64))
}

pub(crate) fn format_timestamp(moment: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::UnixTimestamp => format_double(moment.seconds()),
        TimestampFormat::Iso8601 => moment.iso8601(),
        TimestampFormat::Rfc822 => moment.http_date(),
    }
}

pub(crate) fn parse_timestamp(text: &str, format: TimestampFormat) -> Option<Timestamp> {
    let moment = match format {
        TimestampFormat::UnixTimestamp => timestamp_from_seconds(text.parse().ok()?),
        TimestampFormat::Iso8601 => Timestamp::parse_iso8601(text),
        TimestampFormat::Rfc822 => parse_http_date(text),
    };
    moment.filter(|moment| SECONDS.contains(&moment.seconds()))
}

pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
}

/// AWS's names for what JSON has no number for.
pub(crate) fn format_double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        value.to_string()
    }
}

pub(crate) fn special_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A scalar as forms and XML write it; `None` for lists, maps and structures.
pub(crate) fn to_text(schema: &Schema, value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Double(value) => format_double(*value),
        Value::String(text) => text.clone(),
        Value::SensitiveString(text) => text.expose().clone(),
        Value::Blob(bytes) => base64_encode(bytes),
        Value::SensitiveBlob(bytes) => base64_encode(bytes.expose()),
        Value::Timestamp(moment) => format_timestamp(*moment, text_format(schema)),
        Value::List(_) | Value::Map(_) | Value::Structure(_) => return None,
    })
}

fn text_format(schema: &Schema) -> TimestampFormat {
    match schema.kind {
        Kind::Timestamp { format: Some(format) } => format,
        _ => TimestampFormat::Iso8601,
    }
}

/// Reads a scalar from a form or XML; `None` if the text is not of the schema's kind.
pub(crate) fn from_text(schema: &Schema, text: String) -> Option<Value> {
    match &schema.kind {
        Kind::String { .. } => Some(string(schema, text)),
        Kind::Blob { .. } => base64_decode(&text).map(|bytes| blob(schema, bytes)),
        Kind::Boolean => boolean(&text).map(Value::Boolean),
        Kind::Integer { .. } => text.parse::<i32>().ok().map(|value| Value::Integer(value.into())),
        Kind::Long { .. } => text.parse().ok().map(Value::Integer),
        Kind::Double { .. } => double(&text).map(Value::Double),
        Kind::Timestamp { .. } => parse_timestamp(&text, text_format(schema)).map(Value::Timestamp),
        Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. } => None,
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn double(text: &str) -> Option<f64> {
    special_double(text).or_else(|| text.parse().ok().filter(|value: &f64| value.is_finite()))
}

pub(crate) fn string(schema: &Schema, text: String) -> Value {
    if schema.sensitive { Value::SensitiveString(Sensitive::new(text)) } else { Value::String(text) }
}

pub(crate) fn blob(schema: &Schema, bytes: Vec<u8>) -> Value {
    if schema.sensitive { Value::SensitiveBlob(Sensitive::new(bytes)) } else { Value::Blob(bytes) }
}

/// Adds an entry to a map under construction; a repeated key replaces the earlier value.
///
/// The index is what keeps a body with a hundred thousand keys from costing their square.
#[derive(Default)]
pub(crate) struct MapBuilder {
    entries: Vec<(String, Value)>,
    index: std::collections::HashMap<String, usize>,
}

impl MapBuilder {
    pub(crate) fn insert(&mut self, key: String, value: Value) {
        let next = self.entries.len();
        let at = *self.index.entry(key.clone()).or_insert(next);
        match self.entries.get_mut(at) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
    }

    pub(crate) fn finish(self) -> Value {
        Value::Map(self.entries)
    }
}
