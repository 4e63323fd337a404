//! YAML as JSON, with CloudFormation's short forms spelled out: `!Ref x` is `{"Ref": "x"}`, `!Sub x` `{"Fn::Sub": "x"}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// Deepest nesting that is followed.
const DEEPEST: usize = 100;

/// Reads the first document.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let first = documents.first().ok_or("it is empty")?;
    convert(first, DEEPEST).ok_or_else(|| "it is nested too deeply, or has keys that are no text".to_owned())
}

fn convert(node: &Yaml<'_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match node {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(flag) => (*flag).into(),
            Scalar::Integer(number) => (*number).into(),
            Scalar::FloatingPoint(number) => number.into_inner().into(),
            Scalar::String(text) => text.as_ref().into(),
        },
        Yaml::Representation(text, ..) => text.as_ref().into(),
        Yaml::Sequence(items) => {
            items.iter().map(|item| convert(item, depth)).collect::<Option<Vec<_>>>()?.into()
        }
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                object.insert(key_text(&convert(key, depth)?)?, convert(value, depth)?);
            }
            object.into()
        }
        Yaml::Tagged(tag, inner) => function(&tag.suffix, convert(inner, depth)?),
        Yaml::Alias(_) | Yaml::BadValue => return None,
    })
}

fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn function(name: &str, argument: Value) -> Value {
    match (name, &argument) {
        ("Ref" | "Condition", _) => json!({name: argument}),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        _ => {
            let name = format!("Fn::{name}");
            json!({name: argument})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_spelled_out() {
        let text =
            "a: !Ref R\nb: !Sub '${R}-x'\nc: !GetAtt Role.Arn\nd: !Join [':', [a, !Ref B]]\ne: 5\nf: '5'\n";
        let expected = json!({
            "a": {"Ref": "R"}, "b": {"Fn::Sub": "${R}-x"}, "c": {"Fn::GetAtt": ["Role", "Arn"]},
            "d": {"Fn::Join": [":", ["a", {"Ref": "B"}]]}, "e": 5, "f": "5"
        });
        assert_eq!(read(text).unwrap(), expected);
        assert!(read("").is_err() && read("a: [").is_err());
    }
}
