//! Values as RegisterTaskDefinition takes them, from formats that spell names and numbers otherwise: CloudFormation begins
//! names with capitals, Terraform writes `container_definitions` and leaves `null`.

use landfall_shape::{Kind, Schema};
use serde_json::{Map, Value};

/// Puts a value into the form that a schema asks for, as far as there is no doubt: names of members by their letters,
/// text for numbers and numbers for text. Keys of maps stay as they are, and so does what the schema does not know.
pub(super) fn fit(schema: &Schema, value: Value) -> Value {
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Object(object)) => {
            let mut out = Map::new();
            for (name, value) in object.into_iter().filter(|(_, value)| !value.is_null()) {
                match members.iter().find(|member| same(member.wire_name, &name)) {
                    Some(member) => out.insert(member.wire_name.to_owned(), fit(member.schema, value)),
                    None => out.insert(name, value),
                };
            }
            out.into()
        }
        (Kind::List { member, .. }, Value::Array(items)) => {
            items.into_iter().map(|item| fit(member, item)).collect::<Vec<_>>().into()
        }
        (Kind::Map { value: inner, .. }, Value::Object(object)) => {
            object.into_iter().map(|(key, value)| (key, fit(inner, value))).collect::<Map<_, _>>().into()
        }
        (Kind::Integer { .. } | Kind::Long { .. }, Value::String(text)) => match text.trim().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
        (Kind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        (Kind::String { .. }, Value::Number(number)) => number.to_string().into(),
        (Kind::String { .. }, Value::Bool(flag)) => flag.to_string().into(),
        (_, value) => value,
    }
}

/// `executionRoleArn`, `ExecutionRoleArn` and `execution_role_arn` are one name.
fn same(wire: &str, given: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|it| *it != '_').map(|it| it.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    wire == given || letters(wire) == letters(given)
}
