//! What a content check can see of a secret's text, without its values.
//!
//! Of a JSON object stay the names of its members (start traces show those, too), which kind each value is and whether it
//! is empty; of other JSON which kind it is; of a text that is not JSON where it stops being JSON. Every check that
//! `ecs::launch` makes of a text finds in its stand-in what it finds in the text itself.

use serde_json::value::RawValue;

use crate::ecs::launch::Mend;
use crate::ecs::launch::credential;
use crate::ecs::launch::json::{self, Document, NotJson};

/// A text that stands for a secret.
pub fn stand_in(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let plain = of_text(text);
    match mends(&plain) == mends(text) {
        true => plain,
        false => unmendable(text),
    }
}

fn mends(text: &str) -> Vec<Mend> {
    credential::read(Some(text)).mends
}

/// Where a replacement in the text would go wrong, as in one that has a key twice, it has to go wrong in what stands for it.
fn unmendable(text: &str) -> String {
    match json::read(text) {
        Ok(Document::Object(members)) => object(&members, in_escapes),
        _ => "'".to_owned(),
    }
}

fn in_escapes(name: &str) -> String {
    let escaped: Vec<_> = name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", escaped.concat())
}

fn plainly(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn of_text(text: &str) -> String {
    match json::read(text) {
        Ok(Document::Object(members)) => object(&members, plainly),
        Ok(Document::Null) => "null".to_owned(),
        Ok(Document::Other(kind)) => of_kind(kind).to_owned(),
        Err(why) => in_quotes(text).unwrap_or_else(|| not_json(&why)),
    }
}

fn object(members: &[(String, &RawValue)], key: fn(&str) -> String) -> String {
    let member = |(name, value): &(String, &RawValue)| format!("{}:{}", key(name), stand_in_of(value));
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

/// A value of the same kind; one that is not understood, such as half a surrogate pair, by one that is not either.
fn stand_in_of(value: &RawValue) -> &'static str {
    let kind = json::kind(value);
    match (kind, serde_json::from_str::<serde_json::Value>(value.get())) {
        ("string", Ok(value)) if value.as_str() == Some("") => r#""""#,
        (_, Ok(_)) => of_kind(kind),
        ("string", Err(_)) => r#""\ud800""#,
        ("number", Err(_)) => "1e999",
        ("array", Err(_)) => r#"["\ud800"]"#,
        (_, Err(_)) => r#"{"":"\ud800"}"#,
    }
}

fn of_kind(kind: &str) -> &'static str {
    match kind {
        "object" => "{}",
        "array" => "[]",
        "string" => r#""x""#,
        "null" => "null",
        "bool" => "true",
        _ => "0",
    }
}

/// What a shell left its quotes around is told as that, if it would be right without them.
fn in_quotes(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let stands = match json::read(inner) {
        Ok(Document::Object(members)) => object(&members, plainly),
        _ => return None,
    };
    (!inner.contains('\'') && !stands.contains('\'')).then(|| format!("'{stands}'"))
}

/// A text that is no JSON for the same reason.
fn not_json(why: &NotJson) -> String {
    match why {
        NotJson::Unfinished => "{".to_owned(),
        NotJson::Start => "x".to_owned(),
        NotJson::Quote => "'".to_owned(),
        NotJson::Character(_) => {
            let same = |text: &&&str| json::read(text).err().as_ref() == Some(why);
            WRONG.iter().find(same).unwrap_or(&"[x").to_string()
        }
    }
}

/// Texts that are no JSON: one for each place where a character can be wrong.
const WRONG: [&str; 9] = ["[x", "1 x", "{x", "{\"a\" x", "{\"a\":1 x", "[1 x", "\"\n", "\"\\x", "1.x"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that checks see: the error or the members with their kinds, and what a credential check says.
    fn seen(text: &str) -> String {
        let document = match json::read(text) {
            Ok(Document::Object(members)) => {
                let kinds = members.iter().map(|(name, raw)| {
                    let readable = serde_json::from_str::<serde_json::Value>(raw.get()).is_ok();
                    (name.clone(), json::kind(raw), readable)
                });
                format!("{:?}", kinds.collect::<Vec<_>>())
            }
            Ok(Document::Null) => "null".to_owned(),
            Ok(Document::Other(kind)) => kind.to_owned(),
            Err(why) => why.to_string(),
        };
        let finding = credential::read(Some(text));
        let result = finding.result.map(|_| "a credential");
        format!("{document} {result:?} {:?} {:?}", finding.notes, finding.mends)
    }

    #[test]
    fn checks_see_the_same() {
        for text in [
            "",
            " ",
            "hunter2",
            "hunter2 and\nmore",
            r#"{"username":"hunter2","password":"hunter2"}"#,
            r#" {"username" : "hunter2", "password": ""} "#,
            r#"{"user":"hunter2","password":"hunter2"}"#,
            r#"{"username":"hunter2"}"#,
            r#"{"username":["hunter2"],"password":{"hunter2":1},"Username":null}"#,
            r#"{"username":"hunter2","password":20987}"#,
            r#"{"username":"hunter2","password":"\ud800hunter2"}"#,
            r#"{"username":"hunter2","password":1e4000}"#,
            r#"{"a":["\ud800hunter2"],"b":{"c":"\ud800hunter2"},"c":true}"#,
            r#"'{"username":"hunter2","password":"hunter2"}'"#,
            r#"'{"user":"hunter2","password":"hunter2"}'"#,
            "'{\"user\":\"hunter2\",\n\"password\":\"hunter2\"}'",
            r#"{"nested":{"user":"hunter2"},"user":"hunter2","pass":"hunter2"}"#,
            r#"{"us\u0065r":"hunter2","password":"hunter2"}"#,
            "{\"username\":\"hunter2\",\"password\":\n20987}",
            "{\"\\\n",
            "'hunter2'",
            "'it''s hunter2'",
            "null",
            "20987",
            "true",
            r#""hunter2""#,
            r#"["hunter2"]"#,
            r#"{"username":"hunter2","password":"hunter2",}"#,
            r#"{"username":"hunter2" "password":"hunter2"}"#,
            "{\"username\":\"hunter2\",\n\"password\":hunter2}",
            "{\"username\":\"hunter2\",\n\"password\":\"hunter2\n\"}",
            "{\"username\":\"hunter2\"} hunter2",
            r#"{"hunter2\ud800":1}"#,
            "{'username':'hunter2'}",
            "truehunter2",
            "20987hunter2",
            "[hunter2]",
            "{\"username\":\"hun",
            r#"{"a":1,"a":"hunter2","a":{}}"#,
        ] {
            let stands = stand_in(text);
            assert_eq!(seen(&stands), seen(text), "{text} as {stands}");
            let keys = matches!(json::read(text), Ok(Document::Object(_)));
            assert!(keys || !stands.contains("hunter"), "{text} as {stands}");
            assert!(!stands.contains("20987"), "{text} as {stands}");
        }
    }

    proptest! {
        #[test]
        fn checks_see_the_same_of_anything(text in "[\\PC\n'\"{}\\[\\]:,0-9a-z \\\\]{0,40}") {
            let stands = stand_in(&text);
            prop_assert_eq!(seen(&stands), seen(&text), "{}", stands);
        }

        #[test]
        fn and_of_objects_with_something_wrong(
            names in prop::collection::vec("[a-z]{1,8}", 0..5), value in "\\PC{0,10}", cut in 0..120usize, odd in "[\\PC\n]{0,2}",
        ) {
            let members: Vec<String> = names.iter().map(|name| format!("{name:?}: {value:?}")).collect();
            let mut text = format!("{{{}}}", members.join(",\n "));
            let at = text.char_indices().map(|(at, _)| at).take(cut + 1).last().unwrap_or(0);
            text.insert_str(at, &odd);
            let stands = stand_in(&text);
            prop_assert_eq!(seen(&stands), seen(&text), "{}", stands);
        }
    }
}
