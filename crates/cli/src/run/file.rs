//! A task definition in a file: the input of RegisterTaskDefinition, or the output of DescribeTaskDefinition.

use std::fs;
use std::io::Read;
use std::path::Path;

use landfall_api::ecs::{RegisterTaskDefinition, RegisterTaskDefinitionRequest};
use landfall_shape::{Kind, Operation, Schema, Shape};
use landfall_wire::json;
use serde_json::Value;

use crate::error::CliError;

/// What the service adds to a registered task definition and does not take back.
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// A file that was understood.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) request: RegisterTaskDefinitionRequest,
    /// Members that mean nothing, as paths: `containerDefinitions[0].comand`.
    pub(crate) unknown: Vec<String>,
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|error| {
        CliError::new(format!("cannot read `{}`: {error}", path.display()))
            .hint("expected a task definition as JSON; `aws ecs register-task-definition --generate-cli-skeleton` writes an empty one")
    })
}

/// Reads standard input to its end.
pub(crate) fn read_standard_input() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| CliError::new(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

/// Understands the text of a file.
pub(crate) fn parse(source: &str, text: &str) -> Result<Parsed, CliError> {
    let wrong = |reason: String| {
        CliError::new(format!("`{source}` is not a task definition: {reason}"))
            .hint("expected what `aws ecs register-task-definition --cli-input-json` takes")
    };
    let document: Value = serde_json::from_str(text).map_err(|error| wrong(format!("not JSON: {error}")))?;
    let members = unwrap(document).map_err(|reason| wrong(reason.to_owned()))?;
    let mut unknown = Vec::new();
    let schema = RegisterTaskDefinition::SCHEMA.input;
    find_unknown(schema, &members, "", &mut unknown);
    let value =
        json::decode(schema, members.to_string().as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let request = RegisterTaskDefinitionRequest::from_value(value).map_err(|error| {
        let guess =
            if unknown.is_empty() { String::new() } else { format!(" (unknown: {})", unknown.join(", ")) };
        wrong(format!("{error}{guess}"))
    })?;
    Ok(Parsed { request, unknown })
}

/// The members that RegisterTaskDefinition takes.
fn unwrap(document: Value) -> Result<Value, &'static str> {
    let Value::Object(mut members) = document else { return Err("expected an object") };
    let tags = members.get("tags").cloned();
    if let Some(Value::Object(described)) = members.remove("taskDefinition") {
        members = described;
        members.extend(tags.map(|tags| ("tags".to_owned(), tags)));
    }
    members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    Ok(Value::Object(members))
}

fn find_unknown(schema: &Schema, value: &Value, path: &str, unknown: &mut Vec<String>) {
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Object(object)) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match members.iter().find(|member| member.wire_name == name) {
                    Some(member) => find_unknown(member.schema, value, &path, unknown),
                    None => unknown.push(path),
                }
            }
        }
        (Kind::List { member, .. }, Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                find_unknown(member, value, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse("task.json", text).unwrap_err().to_string()
    }

    #[test]
    fn an_input_is_read_as_it_is() {
        let parsed =
            parse("f", r#"{"family": "web", "containerDefinitions": [{"name": "a", "image": "b"}]}"#)
                .unwrap();
        assert_eq!(parsed.request.family, "web");
        assert_eq!(parsed.request.container_definitions[0].image.as_deref(), Some("b"));
        assert!(parsed.unknown.is_empty());
    }

    #[test]
    fn a_description_is_taken_too() {
        let text = r#"{"taskDefinition": {"taskDefinitionArn": "arn", "revision": 3, "status": "ACTIVE", "family": "web",
            "containerDefinitions": [], "requiresAttributes": [{"name": "x"}], "registeredAt": "2026-11-23T02:30:41Z"},
            "tags": [{"key": "k", "value": "v"}]}"#;
        let parsed = parse("f", text).unwrap();
        assert_eq!(parsed.request.family, "web");
        assert_eq!(parsed.request.tags.unwrap()[0].key.as_deref(), Some("k"));
        assert!(parsed.unknown.is_empty(), "{:?}", parsed.unknown);
    }

    #[test]
    fn what_means_nothing_is_named() {
        let text = r#"{"family": "web", "cpus": 1, "containerDefinitions": [{"comand": [], "logConfiguration": {"logDriver": "awslogs", "options": {"any": "thing"}}}]}"#;
        assert_eq!(parse("f", text).unwrap().unknown, ["cpus", "containerDefinitions[0].comand"]);
    }

    #[test]
    fn mistakes_are_explained() {
        let all =
            ["{", "[]", "null", r#"{"family": 3}"#, r#"{"familly": "typo", "containerDefinitions": []}"#];
        insta::assert_snapshot!(all.map(message).join("\n"));
    }
}
