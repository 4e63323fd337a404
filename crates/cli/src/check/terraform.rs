//! Task definitions and Lightsail deployments in the output of `terraform show -json`, of a plan or of a state.

mod references;
mod role;

use std::collections::BTreeSet;

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_api::lightsail::CreateContainerServiceDeployment;
use landfall_shape::Operation as _;
use serde_json::{Map, Value, json};

use self::role::{execution_role, given_to};
use super::input::{Found, Kind, Place};
use super::planned::Planned;
use super::shape::fit;
use super::unknown::{Created, Creates};

/// What is in a plan, or in a state.
pub(super) fn found(document: &Value, place: &Place) -> Vec<Found> {
    let planned = document["planned_values"].is_object();
    let values = if planned { &document["planned_values"] } else { &document["values"] };
    let reader =
        Reader { document, planned, creates: Creates { file: "plan", resources: created(document), place } };
    let mut out = Vec::new();
    reader.module(&values["root_module"], &mut out);
    out
}

/// What the plan itself creates. What a state has, and what a plan leaves or changes, is there.
fn created(document: &Value) -> Vec<(Created, String)> {
    let mut out = Vec::new();
    for resource in document["resource_changes"].as_array().into_iter().flatten() {
        let change = &resource["change"];
        if !change["actions"].as_array().into_iter().flatten().any(|it| it == "create") {
            continue;
        }
        let Some(kind) = resource["type"].as_str().and_then(Created::of_type) else { continue };
        let name =
            if kind == Created::Bucket { &change["after"]["bucket"] } else { &change["after"]["name"] };
        out.extend(name.as_str().map(|name| (kind, name.to_owned())));
    }
    out
}

struct Reader<'a> {
    document: &'a Value,
    /// A plan, not a state.
    planned: bool,
    creates: Creates<'a>,
}

impl Reader<'_> {
    fn module(&self, module: &Value, out: &mut Vec<Found>) {
        for resource in module["resources"].as_array().into_iter().flatten() {
            if resource["type"] == "aws_ecs_task_definition" && resource["mode"] != "data" {
                let mut found = task_definition(resource, &|name| self.is_unknown(resource, name));
                found.role = execution_role(self.document, resource, self.creates.place);
                if found.role.is_some() {
                    found.open.retain(|it| *it != not_known("execution_role_arn"));
                }
                self.creates.settle(&mut found);
                if let Some(name) = found.existing_role(self.creates.place) {
                    found.planned = given_to(self.document, name);
                }
                out.push(found);
            }
            if resource["type"] == "aws_lightsail_container_service_deployment_version" {
                out.push(deployment(resource));
            }
        }
        for child in module["child_modules"].as_array().into_iter().flatten() {
            self.module(child, out);
        }
    }

    /// Plans say what is only known after they are applied; one that says nothing about a resource lacks the value.
    fn is_unknown(&self, resource: &Value, name: &str) -> bool {
        let changes = self.document["resource_changes"].as_array();
        let change = changes.into_iter().flatten().find(|it| it["address"] == resource["address"]);
        match change {
            Some(change) => change["change"]["after_unknown"][name] == true,
            None => self.planned && name == "execution_role_arn" && resource["values"].get(name).is_none(),
        }
    }
}

/// Members of a task definition that are values, under their names in a plan and in the API.
const VALUES: [(&str, &str); 10] = [
    ("family", "family"),
    ("execution_role_arn", "executionRoleArn"),
    ("task_role_arn", "taskRoleArn"),
    ("cpu", "cpu"),
    ("memory", "memory"),
    ("network_mode", "networkMode"),
    ("requires_compatibilities", "requiresCompatibilities"),
    ("pid_mode", "pidMode"),
    ("ipc_mode", "ipcMode"),
    ("enable_fault_injection", "enableFaultInjection"),
];
/// Members that are blocks or documents in a plan.
const BLOCKS: [(&str, &str); 4] = [
    ("container_definitions", "containerDefinitions"),
    ("runtime_platform", "runtimePlatform"),
    ("ephemeral_storage", "ephemeralStorage"),
    ("volume", "volumes"),
];

/// Blocks of which there is one at most.
const SINGLE: [(&str, &str); 3] = [
    ("runtime_platform", "runtimePlatform"),
    ("ephemeral_storage", "ephemeralStorage"),
    ("proxy_configuration", "proxyConfiguration"),
];
/// What is Terraform's own, or does not change whether a task starts.
const OF_TERRAFORM: [&str; 12] = [
    "arn",
    "arn_without_revision",
    "container_definitions",
    "id",
    "placement_constraints",
    "region",
    "revision",
    "skip_destroy",
    "tags",
    "tags_all",
    "timeouts",
    "track_latest",
];

/// A block, with those in it of which there is one at most: a plan has lists of them. Lists of text are lists.
fn single_blocks(block: &Value) -> Value {
    let Value::Object(members) = block else { return block.clone() };
    let member = |(name, value): (&String, &Value)| {
        let value = match value.as_array().map(Vec::as_slice) {
            Some([one]) if one.is_object() => single_blocks(one),
            Some([]) => return None,
            _ if value == "" => return None,
            _ => value.clone(),
        };
        Some((name.clone(), value))
    };
    members.iter().filter_map(member).collect::<Map<_, _>>().into()
}

/// Properties are a map in a plan, and pairs in the API.
fn name_properties(proxy: &mut Map<String, Value>) {
    if let Some(Value::Object(properties)) = proxy.get("properties") {
        let pairs = properties.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        proxy.insert("properties".to_owned(), pairs);
    }
}

/// What the plan has and nobody here reads.
fn not_read(values: &Value) -> Vec<String> {
    let known = |name: &str| {
        VALUES.iter().chain(&BLOCKS).chain(&SINGLE).any(|(from, _)| *from == name)
            || OF_TERRAFORM.contains(&name)
    };
    let all = values.as_object().into_iter().flatten();
    let unread = all.filter(|(name, value)| !known(name) && !is_empty(value));
    unread.map(|(name, _)| format!("`{name}` is not looked at")).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn not_known(member: &str) -> String {
    format!("`{member}` is not known before it is applied")
}

fn task_definition(resource: &Value, is_unknown: &dyn Fn(&str) -> bool) -> Found {
    let name = resource["address"].as_str().unwrap_or("aws_ecs_task_definition").to_owned();
    let values = &resource["values"];
    let (mut open, mut unknown) = (Vec::new(), BTreeSet::new());
    let containers =
        values["container_definitions"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut members = Map::new();
    for (from, to) in VALUES {
        let value = &values[from];
        if !value.is_null() && *value != "" {
            members.insert(to.to_owned(), value.clone());
        }
    }
    for (from, to) in SINGLE {
        let block = &values[from][0];
        if block.is_object() {
            members.insert(to.to_owned(), single_blocks(block));
        }
    }
    if let Some(Value::Object(proxy)) = members.get_mut("proxyConfiguration") {
        name_properties(proxy);
    }
    let constraints = values["placement_constraints"].as_array().filter(|all| !all.is_empty());
    members.extend(constraints.map(|all| ("placementConstraints".to_owned(), all.clone().into())));
    let volumes: Vec<Value> = values["volume"].as_array().into_iter().flatten().map(volume).collect();
    if !volumes.is_empty() {
        members.insert("volumes".to_owned(), volumes.into());
    }
    open.extend(not_read(values));
    for (from, to) in VALUES.into_iter().chain(BLOCKS) {
        let lacks_containers = from == "container_definitions" && values[from].is_null();
        if lacks_containers || is_unknown(from) {
            unknown.insert(to.to_owned());
            open.push(not_known(from));
        }
    }
    members.insert("containerDefinitions".to_owned(), containers.unwrap_or_else(|| json!([])));
    Found {
        kind: Kind::TaskDefinition,
        name,
        definition: fit(RegisterTaskDefinition::SCHEMA.input, members.into()),
        open,
        unknown,
        role: None,
        planned: Planned::default(),
    }
}

/// `aws_lightsail_container_service_deployment_version`: containers and endpoint are blocks there.
fn deployment(resource: &Value) -> Found {
    let values = &resource["values"];
    let name = resource["address"].as_str().unwrap_or("aws_lightsail_container_service_deployment_version");
    let service = values["service_name"].as_str().unwrap_or_default().to_owned();
    let mut open = Vec::new();
    if service.is_empty() {
        open.push(not_known("service_name"));
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
    Found {
        kind: Kind::Deployment(service),
        name: name.to_owned(),
        definition,
        open,
        unknown: BTreeSet::new(),
        role: None,
        planned: Planned::default(),
    }
}

fn volume(block: &Value) -> Value {
    let mut volume = single_blocks(block);
    let Some(members) = volume.as_object_mut() else { return volume };
    members.retain(|_, value| !value.is_null());
    let host = members.remove("host_path");
    if let Some(path) = host.as_ref().and_then(Value::as_str) {
        members.insert("host".to_owned(), json!({"sourcePath": path}));
    }
    if members.get("configure_at_launch") == Some(&Value::Bool(false)) {
        members.remove("configure_at_launch");
    }
    volume
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    #[test]
    fn what_the_plan_creates_and_does_not_know() {
        let task = |address: &str, values: Value| json!({"address": address, "mode": "managed", "type": "aws_ecs_task_definition", "values": values});
        let change = |address: &str, kind: &str, action: &str, after: Value, unknown: Value| {
            json!({"address": address, "type": kind, "change":
                {"actions": [action], "after": after, "after_unknown": unknown}})
        };
        let container = json!([{"name": "app", "image": "x", "memory": 64,
            "secrets": [{"name": "A", "valueFrom": "/new"}, {"name": "B", "valueFrom": "/old"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/logs"}}}]);
        let document = json!({
        "planned_values": {"root_module": {"resources": [
            task("a", json!({"family": "a", "container_definitions": container.to_string()})),
            task("b", json!({"family": "b", "execution_role_arn": "arn:aws:iam::111122223333:role/there"})),
        ]}},
        "resource_changes": [
            change("a", "aws_ecs_task_definition", "create", json!({}), json!({"execution_role_arn": true, "cpu": true})),
            change("b", "aws_ecs_task_definition", "create", json!({}), json!({"container_definitions": true, "arn": true})),
            change("p", "aws_ssm_parameter", "create", json!({"name": "/new"}), json!({})),
            change("q", "aws_ssm_parameter", "no-op", json!({"name": "/old"}), json!({})),
            change("l", "aws_cloudwatch_log_group", "create", json!({"name": "/logs"}), json!({})),
        ]});
        let found = found(&document, &place());
        assert_eq!(
            found[0].open,
            [
                "`execution_role_arn` is not known before it is applied",
                "`cpu` is not known before it is applied",
                "what the execution role may do: the execution role is not known yet. What it would fetch was looked at with your own permissions",
                "the parameter `/new` is created by this plan: not looked at",
                "the log group `/logs` is created by this plan: not looked at",
            ]
        );
        let unknown = |at: usize| found[at].unknown.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!((unknown(0), unknown(1)), (vec!["cpu", "executionRoleArn"], vec!["containerDefinitions"]));
        let blank = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:landfall-unknown-AAAAAA";
        let container = &found[0].definition["containerDefinitions"][0];
        let expected = json!([{"name": "A", "valueFrom": blank}, {"name": "B", "valueFrom": "/old"}]);
        assert_eq!(container["secrets"], expected);
        assert_eq!(container["logConfiguration"]["options"]["awslogs-group"], "landfall-unknown");
        assert_eq!(
            found[1].definition,
            json!({
            "family": "b", "executionRoleArn": "arn:aws:iam::111122223333:role/there", "containerDefinitions":
                [{"name": "landfall-unknown", "image": "127.0.0.1:1/landfall-unknown:1", "memory": 6}]})
        );
    }

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
        let found = found(&document, &place());
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.open.len())).collect();
        assert_eq!(names, [("aws_ecs_task_definition.a", 0), ("module.m.aws_ecs_task_definition.b", 1)]);
        let expected = json!({"family": "f", "executionRoleArn": "arn:aws:iam::111122223333:role/exec", "cpu": "256",
            "networkMode": "awsvpc", "runtimePlatform": {"cpuArchitecture": "ARM64"}, "volumes": [{"name": "v"}],
            "containerDefinitions": [{"name": "app", "image": "x", "memory": 64}]});
        assert_eq!(found[0].definition, expected);
    }

    #[test]
    fn every_block_is_read_or_told() {
        let document = json!({"values": {"root_module": {"resources": [{"address": "t", "mode": "managed",
            "type": "aws_ecs_task_definition", "values": {"family": "f", "container_definitions": "[]", "arn": "x",
                "tags_all": {"a": "b"}, "new_block": [{"a": 1}], "new_flag": false, "enable_fault_injection": true,
                "volume": [
                    {"name": "a", "host_path": "", "configure_at_launch": false, "efs_volume_configuration": [
                        {"file_system_id": "fs-1", "root_directory": "/", "transit_encryption_port": null,
                            "authorization_config": [{"access_point_id": "ap", "iam": "ENABLED"}]}]},
                    {"name": "b", "docker_volume_configuration": [
                        {"autoprovision": null, "driver": "local", "driver_opts": {"o": "x"}, "scope": "task"}]}],
                "placement_constraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
                "proxy_configuration": [{"container_name": "envoy", "type": "APPMESH", "properties": {"A": "1"}}]}}]}}});
        let found = found(&document, &place());
        assert_eq!(found[0].open, ["`new_block` is not looked at"]);
        let expected = json!({"family": "f", "containerDefinitions": [], "enableFaultInjection": true,
            "volumes": [
                {"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/",
                    "authorizationConfig": {"accessPointId": "ap", "iam": "ENABLED"}}},
                {"name": "b", "dockerVolumeConfiguration":
                    {"driver": "local", "driverOpts": {"o": "x"}, "scope": "task"}}],
            "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
            "proxyConfiguration": {"containerName": "envoy", "type": "APPMESH",
                "properties": [{"name": "A", "value": "1"}]}});
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
        let found = found(&document, &place());
        assert_eq!(found[0].kind, Kind::Deployment("web".to_owned()));
        let expected = json!({"serviceName": "web",
            "containers": {"app": {"image": "nginx:1", "command": [], "environment": {"A": "1"}, "ports": {"80": "HTTP"}}},
            "publicEndpoint": {"containerName": "app", "containerPort": 80,
                "healthCheck": {"path": "/", "timeoutSeconds": 2}}});
        assert_eq!(found[0].definition, expected);
    }
}
