//! JSON as Go's `encoding/json` reads it, as far as that shows: the container agent and Fargate decode secrets with it.
//! Nothing in here puts a value into an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON document, one level deep. Borrows from the text: no further copy of a secret is made.
#[derive(Debug)]
pub(crate) enum Document<'a> {
    /// Members in order, repeated ones included.
    Object(Vec<(String, &'a RawValue)>),
    /// `null`, which Go takes for an object without members.
    Null,
    /// Something else, as Go calls it.
    Other(&'static str),
}

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotJson {
    /// It ends too early.
    Unfinished,
    /// It cannot begin like this.
    Start,
    /// It begins with the quote that a shell left. AWS's sentence shows the character, which this once tells nothing.
    Quote,
    /// A character is wrong where Go says.
    Character(&'static str),
}

impl fmt::Display for NotJson {
    /// Go's sentence, without the character of the secret that Go would show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => f.write_str("unexpected end of JSON input"),
            Self::Start => f.write_str("invalid character looking for beginning of value"),
            Self::Quote => f.write_str(r"invalid character '\'' looking for beginning of value"),
            Self::Character(place) => write!(f, "invalid character {place}"),
        }
    }
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Document<'_>, NotJson> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    match kind(raw) {
        "object" => {
            let members: Members<'_> =
                serde_json::from_str(raw.get()).map_err(|error| not_json(text, &error))?;
            Ok(Document::Object(members.0))
        }
        "null" => Ok(Document::Null),
        other => Ok(Document::Other(other)),
    }
}

/// What a value is, in Go's words.
pub(crate) fn kind(raw: &RawValue) -> &'static str {
    match raw.get().bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b'n') => "null",
        Some(b't' | b'f') => "bool",
        _ => "number",
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> NotJson {
    let start = text.trim_start().chars().next();
    match start {
        _ if error.is_eof() => NotJson::Unfinished,
        Some('\'') => NotJson::Quote,
        Some(first) if !"{[\"-0123456789tfn".contains(first) => NotJson::Start,
        _ => NotJson::Character(place(&error.to_string())),
    }
}

/// Where Go would say that a character is wrong, by what our parser says.
fn place(said: &str) -> &'static str {
    const PLACES: [(&str, &str); 9] = [
        ("trailing characters", "after top-level value"),
        ("key must be a string", "looking for beginning of object key string"),
        ("trailing comma", "looking for beginning of object key string"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("control character", "in string literal"),
        ("invalid escape", "in string escape code"),
        ("invalid number", "in numeric literal"),
    ];
    let found = PLACES.iter().find(|(ours, _)| said.contains(ours));
    found.map_or("looking for beginning of value", |(_, place)| place)
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_told_without_its_content() {
        for (text, expected) in [
            ("", NotJson::Unfinished),
            ("{\"username\":\"hun", NotJson::Unfinished),
            ("hunter2", NotJson::Start),
            ("'{}'", NotJson::Quote),
            ("{\"a\":1} hunter2", NotJson::Character("after top-level value")),
            ("{hunter2:1}", NotJson::Character("looking for beginning of object key string")),
            ("{\"a\" hunter2}", NotJson::Character("after object key")),
            ("{\"a\":1 \"hunter2\"}", NotJson::Character("after object key:value pair")),
            ("[1 hunter2]", NotJson::Character("after array element")),
            ("{\"a\":hunter2}", NotJson::Character("looking for beginning of value")),
            (r#""\hunter2""#, NotJson::Character("in string escape code")),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
            assert!(!expected.to_string().contains("hunter"));
        }
    }

    #[test]
    fn repeated_members_are_kept() {
        let Ok(Document::Object(members)) = read(r#" {"a":1,"a":[{"b":2}],"c":null} "#) else {
            panic!("an object");
        };
        let members: Vec<_> = members.iter().map(|(key, raw)| (key.as_str(), kind(raw))).collect();
        assert_eq!(members, [("a", "number"), ("a", "array"), ("c", "null")]);
    }
}
