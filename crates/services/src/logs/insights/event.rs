//! An event as a query sees it.

use std::cell::OnceCell;

use super::time::timestamp;
use super::value::Value;

/// Fields of a JSON message that are discovered, at most (user guide, "Supported logs and discovered fields").
const DISCOVERED: usize = 200;

/// An event and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) time: i64,
    pub(crate) ingested: i64,
    pub(crate) message: String,
    pub(crate) stream: std::sync::Arc<str>,
    /// Account and group.
    pub(crate) log: std::sync::Arc<str>,
    /// What GetLogRecord finds it with.
    pub(crate) pointer: String,
    json: OnceCell<Option<serde_json::Value>>,
}

impl Event {
    pub(crate) fn new(
        (time, ingested): (i64, i64),
        message: String,
        (log, stream): (std::sync::Arc<str>, std::sync::Arc<str>),
        pointer: String,
    ) -> Self {
        Self { time, ingested, message, stream, log, pointer, json: OnceCell::new() }
    }

    pub(super) fn field(&self, name: &str) -> Value {
        match name {
            "@message" => Value::text(&self.message),
            "@timestamp" => Value::text(timestamp(self.time)),
            "@ingestionTime" => Value::text(timestamp(self.ingested)),
            "@logStream" => Value::text(&*self.stream),
            "@log" => Value::text(&*self.log),
            "@ptr" => Value::text(&self.pointer),
            _ => self.json().and_then(|json| find(json, name)).unwrap_or_default(),
        }
    }

    fn json(&self) -> Option<&serde_json::Value> {
        let parse = || {
            // A message may have a prefix before its JSON; only whole ones are read here, as on AWS.
            let text = self.message.trim();
            text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
        };
        self.json.get_or_init(parse).as_ref()
    }
}

/// A member by its path: `a.b.0`. Keys that hold a dot themselves are found too.
fn find(json: &serde_json::Value, path: &str) -> Option<Value> {
    let member = |key: &str| match json {
        serde_json::Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        json => json.get(key),
    };
    if let Some(found) = member(path) {
        return Value::of_json(found).or_else(|| Some(Value::text(found.to_string())));
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (key, rest) = path.split_at_checked(at)?;
        find(member(key)?, rest.get(1..)?)
    })
}

/// Names and texts of the fields that are discovered in a message.
pub(crate) fn discovered_fields(message: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(json @ serde_json::Value::Object(_)) = serde_json::from_str(message.trim()) {
        flatten(&json, "", &mut found);
    }
    found
}

fn flatten(json: &serde_json::Value, path: &str, found: &mut Vec<(String, String)>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match json {
        _ if found.len() >= DISCOVERED => {}
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(key, value)| flatten(value, &join(key), found));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| flatten(value, &join(&at.to_string()), found));
        }
        value => {
            if let Some(text) =
                Value::of_json(value).and_then(|value| value.written().map(std::borrow::Cow::into_owned))
            {
                found.push((path.to_owned(), text));
            }
        }
    }
}
