//! Task definitions in the output of `terraform show -json`, of a plan or of a state.

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_shape::Operation as _;
use serde_json::{Map, Value, json};

use super::input::Found;
use super::shape::fit;

/// The task definitions of a plan, or of a state.
pub(super) fn task_definitions(document: &Value) -> Vec<Found> {
    let values = if document["planned_values"].is_object() {
        &document["planned_values"]
    } else {
        &document["values"]
    };
    let mut out = Vec::new();
    module(&values["root_module"], &mut out);
    out
}

fn module(module: &Value, out: &mut Vec<Found>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if resource["type"] == "aws_ecs_task_definition" && resource["mode"] != "data" {
            out.push(found(resource));
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        self::module(child, out);
    }
}

fn found(resource: &Value) -> Found {
    let name = resource["address"].as_str().unwrap_or("aws_ecs_task_definition").to_owned();
    let values = &resource["values"];
    let mut open = Vec::new();
    let containers =
        values["container_definitions"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if containers.is_none() {
        open.push("`container_definitions` is not known before it is applied".to_owned());
    }
    let mut members = Map::new();
    for (from, to) in [
        ("family", "family"),
        ("execution_role_arn", "executionRoleArn"),
        ("task_role_arn", "taskRoleArn"),
        ("cpu", "cpu"),
        ("memory", "memory"),
        ("network_mode", "networkMode"),
        ("requires_compatibilities", "requiresCompatibilities"),
        ("pid_mode", "pidMode"),
        ("ipc_mode", "ipcMode"),
    ] {
        let value = &values[from];
        if !value.is_null() && *value != "" {
            members.insert(to.to_owned(), value.clone());
        }
    }
    for (from, to) in [("runtime_platform", "runtimePlatform"), ("ephemeral_storage", "ephemeralStorage")] {
        let block = &values[from][0];
        if block.is_object() {
            members.insert(to.to_owned(), block.clone());
        }
    }
    let volumes: Vec<Value> = values["volume"].as_array().into_iter().flatten().map(volume).collect();
    if !volumes.is_empty() {
        members.insert("volumes".to_owned(), volumes.into());
    }
    if values["execution_role_arn"].is_null() && resource_is_unknown(resource, "execution_role_arn") {
        open.push("`execution_role_arn` is not known before it is applied".to_owned());
    }
    members.insert("containerDefinitions".to_owned(), containers.unwrap_or_else(|| json!([])));
    Found { name, definition: fit(RegisterTaskDefinition::SCHEMA.input, members.into()), open }
}

/// A value that a plan lacks is not in `values` at all; one that is not set is `null`.
fn resource_is_unknown(resource: &Value, name: &str) -> bool {
    resource["values"].as_object().is_some_and(|values| !values.contains_key(name))
}

fn volume(block: &Value) -> Value {
    let mut volume = json!({"name": block["name"]});
    if let Some(path) = block["host_path"].as_str().filter(|path| !path.is_empty()) {
        volume["host"] = json!({"sourcePath": path});
    }
    volume
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_all_modules() {
        let containers = r#"[{"name":"app","image":"x","memory":"64","environment":null}]"#;
        let resource = |address: &str, containers: Value| {
            json!({"address": address, "mode": "managed", "type": "aws_ecs_task_definition", "values": {
                "family": "f", "cpu": "256", "execution_role_arn": "arn:aws:iam::111122223333:role/exec", "network_mode": "awsvpc",
                "container_definitions": containers, "volume": [{"name": "v", "host_path": ""}], "task_role_arn": null,
                "runtime_platform": [{"cpu_architecture": "ARM64", "operating_system_family": null}]}})
        };
        let document = json!({"format_version": "1.2", "planned_values": {"root_module": {
            "resources": [resource("aws_ecs_task_definition.a", containers.into())],
            "child_modules": [{"resources": [resource("module.m.aws_ecs_task_definition.b", Value::Null)]}]}}});
        let found = task_definitions(&document);
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.open.len())).collect();
        assert_eq!(names, [("aws_ecs_task_definition.a", 0), ("module.m.aws_ecs_task_definition.b", 1)]);
        let expected = json!({"family": "f", "executionRoleArn": "arn:aws:iam::111122223333:role/exec", "cpu": "256",
            "networkMode": "awsvpc", "runtimePlatform": {"cpuArchitecture": "ARM64"}, "volumes": [{"name": "v"}],
            "containerDefinitions": [{"name": "app", "image": "x", "memory": 64}]});
        assert_eq!(found[0].definition, expected);
    }
}
