//! Text as Go's `fmt` writes it with `%v`: how a member of a secret becomes an environment variable.

use serde_json::Value;

/// A JSON value, decoded into Go's `interface{}`, as text: strings as they are, numbers as 64-bit floats, objects as Go
/// maps. Not JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => float(number.as_f64().unwrap_or_default()),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<_> =
                members.into_iter().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// `%v` of a float64: the shortest digits that read back, with an exponent below 1e-4 and from 1e+06 on.
fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number == 0.0 || (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_prints() {
        for (json, expected) in [
            (r#""text""#, "text"),
            ("5", "5"),
            ("5.50", "5.5"),
            ("-0.25", "-0.25"),
            ("123456", "123456"),
            ("1234567", "1.234567e+06"),
            ("1e21", "1e+21"),
            ("0.00001", "1e-05"),
            ("true", "true"),
            ("null", "<nil>"),
            (r#"{"b":1,"a":"x"}"#, "map[a:x b:1]"),
            (r#"[1,"two",[]]"#, "[1 two []]"),
        ] {
            assert_eq!(text(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }
}
