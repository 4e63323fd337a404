//! Task definitions and Lightsail deployments in the output of `terraform show -json`, of a plan or of a state.

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_api::lightsail::CreateContainerServiceDeployment;
use landfall_shape::Operation as _;
use serde_json::{Map, Value, json};

use super::input::{Found, Kind};
use super::shape::fit;

/// What is in a plan, or in a state.
pub(super) fn found(document: &Value) -> Vec<Found> {
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
            out.push(task_definition(resource));
        }
        if resource["type"] == "aws_lightsail_container_service_deployment_version" {
            out.push(deployment(resource));
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        self::module(child, out);
    }
}

fn task_definition(resource: &Value) -> Found {
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
    Found {
        kind: Kind::TaskDefinition,
        name,
        definition: fit(RegisterTaskDefinition::SCHEMA.input, members.into()),
        open,
    }
}

/// `aws_lightsail_container_service_deployment_version`: containers and endpoint are blocks there.
fn deployment(resource: &Value) -> Found {
    let values = &resource["values"];
    let name = resource["address"].as_str().unwrap_or("aws_lightsail_container_service_deployment_version");
    let service = values["service_name"].as_str().unwrap_or_default().to_owned();
    let mut open = Vec::new();
    if service.is_empty() {
        open.push("`service_name` is not known before it is applied".to_owned());
    }
    let mut containers = Map::new();
    for block in values["container"].as_array().into_iter().flatten() {
        let mut container = Map::new();
        for (from, to) in
            [("image", "image"), ("command", "command"), ("environment", "environment"), ("ports", "ports")]
        {
            if !block[from].is_null() {
                container.insert(to.to_owned(), block[from].clone());
            }
        }
        let name = block["container_name"].as_str().unwrap_or_default();
        containers.insert(name.to_owned(), container.into());
    }
    let mut definition = json!({"serviceName": service, "containers": containers});
    let endpoint = &values["public_endpoint"][0];
    if endpoint.is_object() {
        definition["publicEndpoint"] = json!({"containerName": endpoint["container_name"],
            "containerPort": endpoint["container_port"], "healthCheck": endpoint["health_check"][0]});
    }
    let definition = fit(CreateContainerServiceDeployment::SCHEMA.input, definition);
    Found { kind: Kind::Deployment(service), name: name.to_owned(), definition, open }
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
        let found = found(&document);
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.open.len())).collect();
        assert_eq!(names, [("aws_ecs_task_definition.a", 0), ("module.m.aws_ecs_task_definition.b", 1)]);
        let expected = json!({"family": "f", "executionRoleArn": "arn:aws:iam::111122223333:role/exec", "cpu": "256",
            "networkMode": "awsvpc", "runtimePlatform": {"cpuArchitecture": "ARM64"}, "volumes": [{"name": "v"}],
            "containerDefinitions": [{"name": "app", "image": "x", "memory": 64}]});
        assert_eq!(found[0].definition, expected);
    }

    #[test]
    fn a_deployment_is_read_from_its_blocks() {
        let document = json!({"values": {"root_module": {"resources": [{"address": "d", "mode": "managed",
            "type": "aws_lightsail_container_service_deployment_version", "values": {"service_name": "web",
                "container": [{"container_name": "app", "image": "nginx:1", "command": [], "environment": {"A": "1"},
                    "ports": {"80": "HTTP"}}],
                "public_endpoint": [{"container_name": "app", "container_port": 80,
                    "health_check": [{"path": "/", "timeout_seconds": 2}]}]}}]}}});
        let found = found(&document);
        assert_eq!(found[0].kind, Kind::Deployment("web".to_owned()));
        let expected = json!({"serviceName": "web",
            "containers": {"app": {"image": "nginx:1", "command": [], "environment": {"A": "1"}, "ports": {"80": "HTTP"}}},
            "publicEndpoint": {"containerName": "app", "containerPort": 80,
                "healthCheck": {"path": "/", "timeoutSeconds": 2}}});
        assert_eq!(found[0].definition, expected);
    }
}
