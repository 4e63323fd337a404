use landfall_base::Timestamp;
use landfall_shape::Shape as _;
use landfall_wire::json;
use serde_json::{Value, json};

use super::*;
use crate::testing::{account, region};

fn read(document: &Value) -> api::RegisterTaskDefinitionRequest {
    let schema = &api::schema::REGISTER_TASK_DEFINITION_REQUEST;
    let value = json::decode(schema, document.to_string().as_bytes()).unwrap();
    api::RegisterTaskDefinitionRequest::from_value(value).unwrap()
}

/// Sets members of a document by JSON pointers; `null` removes.
fn with(mut document: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(members), Value::Null) => drop(members.remove(key)),
            (Value::Object(members), value) => drop(members.insert(key.to_owned(), value.clone())),
            (Value::Array(items), value) => items.push(value.clone()),
            (other, _) => panic!("{pointer} is in {other}"),
        }
    }
    document
}

fn bridge() -> Value {
    json!({"family": "app", "containerDefinitions": [{"name": "web", "image": "app:1", "memory": 64}]})
}

fn fargate() -> Value {
    json!({
        "family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "executionRoleArn": "exec", "containerDefinitions": [{"name": "web", "image": "app:1"}]
    })
}

struct Case {
    base: fn() -> Value,
    changes: Vec<(&'static str, Value)>,
    text: &'static str,
    /// AWS's own sentence, seen in public; the others follow its style.
    sure: bool,
}

fn case(base: fn() -> Value, member: &'static str, value: Value, text: &'static str, sure: bool) -> Case {
    Case { base, changes: vec![(member, value)], text, sure }
}

fn second(container: Value) -> (&'static str, Value) {
    ("/containerDefinitions/-", container)
}

fn task_cases() -> Vec<Case> {
    vec![
        case(bridge, "/family", json!(""), "Family should not be null or empty.", false),
        case(bridge, "/family", json!("a b"), "Family contains invalid characters.", true),
        case(bridge, "/containerDefinitions", json!([]), "Container list cannot be empty.", true),
        case(bridge, "/networkMode", json!("vpc"), "Invalid network mode: vpc.", false),
        case(bridge, "/cpu", json!("much"), "Invalid 'cpu' setting for task.", true),
        case(bridge, "/memory", json!("1.3 MB"), "Invalid 'memory' setting for task.", false),
        case(bridge, "/requiresCompatibilities", json!(["MOON"]), "Invalid compatibility: MOON.", false),
        case(
            bridge,
            "/ephemeralStorage",
            json!({"sizeInGiB": 20}),
            "Invalid setting for ephemeral storage. Size must be between 21 GiB and 200 GiB.",
            false,
        ),
        case(fargate, "/networkMode", json!("bridge"), "Fargate only supports network mode ‘awsvpc’.", true),
        case(fargate, "/networkMode", Value::Null, "Fargate only supports network mode ‘awsvpc’.", true),
        case(fargate, "/cpu", Value::Null, "Fargate requires that 'cpu' be defined at the task level.", true),
        case(
            fargate,
            "/memory",
            Value::Null,
            "Fargate requires that 'memory' be defined at the task level.",
            true,
        ),
        case(fargate, "/memory", json!("3072"), "No Fargate configuration exists for given values.", true),
        case(
            fargate,
            "/volumes",
            json!([{"name": "v", "host": {"sourcePath": "/x"}}]),
            "Fargate compatible task definitions do not support sourcePath",
            true,
        ),
        case(
            fargate,
            "/placementConstraints",
            json!([{"type": "memberOf", "expression": "x"}]),
            "Fargate compatible task definitions do not support constraints",
            true,
        ),
        case(bridge, "/volumes", json!([{"host": {}}]), "Volume.name should not be null or empty.", false),
        case(
            bridge,
            "/volumes",
            json!([{"name": "v", "host": {"sourcePath": ""}}]),
            "host.sourcePath should not be blank.",
            true,
        ),
        case(
            bridge,
            "/volumes",
            json!([{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}}}]),
            "EFS IAM authorization requires TransitEncryption to be enabled",
            true,
        ),
    ]
}

fn container_cases() -> Vec<Case> {
    vec![
        case(
            bridge,
            "/containerDefinitions/0/name",
            Value::Null,
            "Container.name should not be null or empty.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/name",
            json!("a b"),
            "Container.name contains invalid characters.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/image",
            json!(""),
            "Container.image should not be null or empty.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/memory",
            Value::Null,
            "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/memory",
            json!(3),
            "Invalid 'memory' setting for container 'web'.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/memory",
            json!(1024),
            "The 'memory' setting for container 'web' is greater than for the task.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/cpu",
            json!(512),
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/essential",
            json!(false),
            "Task definition doesn't have any essential container.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/portMappings",
            json!([{"hostPort": 80}]),
            "Invalid 'containerPort' setting for container 'web'.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/portMappings",
            json!([{"containerPort": 80, "hostPort": 81}]),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/portMappings",
            json!([{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}]),
            "TCP host port '80' is mapped multiple times in task.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/mountPoints",
            json!([{"sourceVolume": "v", "containerPath": "/v"}]),
            "Unknown volume 'v'.",
            false,
        ),
        case(
            bridge,
            "/containerDefinitions/0/ulimits",
            json!([{"name": "nofile", "softLimit": 2, "hardLimit": 1}]),
            "Soft limit exceeds hard limit for ulimit nofile",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/stopTimeout",
            json!(1),
            "Granular stop timeout on container 'web' must be at least 2 seconds.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/stopTimeout",
            json!(121),
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/restartPolicy",
            json!({"enabled": true, "restartAttemptPeriod": 5}),
            "Invalid 'restartAttemptPeriod' setting for container 'web'. It must be between 60 and 1800 seconds.",
            false,
        ),
        case(
            bridge,
            "/containerDefinitions/0/healthCheck",
            json!({"command": ["CMD-SHELL", "true"], "interval": 1}),
            "Invalid 'healthCheck.interval' setting for container 'web'. It must be between 5 and 300.",
            false,
        ),
        case(
            fargate,
            "/containerDefinitions/0/privileged",
            json!(true),
            "Fargate compatible task definitions do not support privileged",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/linuxParameters",
            json!({"sharedMemorySize": 64}),
            "Fargate compatible task definitions do not support sharedMemorySize",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/linuxParameters",
            json!({"capabilities": {"add": ["FLY"]}}),
            "Invalid capability 'FLY' for container 'web'.",
            false,
        ),
    ]
}

fn credential_cases() -> Vec<Case> {
    let without_role = |member: &'static str, value: Value, text: &'static str| Case {
        base: fargate,
        changes: vec![("/executionRoleArn", Value::Null), (member, value)],
        text,
        sure: true,
    };
    vec![
        without_role(
            "/containerDefinitions/0/repositoryCredentials",
            json!({"credentialsParameter": "registry"}),
            "Private repository authentication requires that the task definition specify a value for executionRoleArn.",
        ),
        without_role(
            "/containerDefinitions/0/secrets",
            json!([{"name": "A", "valueFrom": "a"}]),
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ),
        without_role(
            "/containerDefinitions/0/image",
            json!("123456789012.dkr.ecr.us-east-1.amazonaws.com/app"),
            "Fargate requires task definition to have execution role ARN to support ECR images.",
        ),
        without_role(
            "/containerDefinitions/0/logConfiguration",
            awslogs(),
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ),
        case(
            fargate,
            "/containerDefinitions/0/repositoryCredentials",
            json!({"credentialsParameter": "my secret"}),
            "The repository credentials parameter specified for container 'web' is invalid. Parameter names can include \
             up to 255 (uppercase and lowercase), numbers, hyphens, and underscores are allowed. Spaces are not allowed.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/secrets",
            json!([{"name": "A", "valueFrom": "name:key::"}]),
            "The Systems Manager parameter name specified for secret A is invalid.",
            true,
        ),
        case(
            fargate,
            "/containerDefinitions/0/logConfiguration",
            json!({"logDriver": "awslogs", "options": {"awslogs-group": "g"}}),
            "Log driver awslogs requires options: awslogs-region, awslogs-group",
            true,
        ),
        case(
            bridge,
            "/containerDefinitions/0/environment",
            json!([{"name": "", "value": "1"}]),
            "Container.environment.name should not be null or empty.",
            false,
        ),
        case(
            bridge,
            "/containerDefinitions/0/environment",
            json!([{"name": "A=B", "value": "1"}]),
            "Container.environment.name contains invalid characters.",
            false,
        ),
        case(
            fargate,
            "/containerDefinitions/0/ulimits",
            json!([{"name": "nproc", "softLimit": 1, "hardLimit": 1}]),
            "Fargate compatible task definitions do not support ulimits other than nofile",
            false,
        ),
        case(
            fargate,
            "/containerDefinitions/0/logConfiguration",
            json!({"logDriver": "json-file"}),
            "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
            true,
        ),
        Case {
            base: fargate,
            changes: vec![
                ("/containerDefinitions/0/environment", json!([{"name": "A", "value": "1"}])),
                ("/containerDefinitions/0/secrets", json!([{"name": "A", "valueFrom": "a"}])),
            ],
            text: "The secret name must be unique and not shared with any new or existing environment variables set on \
                   the container, such as 'A'.",
            sure: true,
        },
    ]
}

fn awslogs() -> Value {
    json!({"logDriver": "awslogs", "options":
        {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}})
}

fn dependency_cases() -> Vec<Case> {
    let on = |name: &str, condition: &str| json!([{"containerName": name, "condition": condition}]);
    let side = json!({"name": "side", "image": "side", "memory": 4});
    let both = |changes: Vec<(&'static str, Value)>, text| Case { base: bridge, changes, text, sure: true };
    vec![
        both(
            vec![("/containerDefinitions/0/dependsOn", on("nope", "START"))],
            "Cannot depend on container + 'nope' because it does not exist",
        ),
        both(
            vec![second(side.clone()), ("/containerDefinitions/0/dependsOn", on("side", "SUCCESS"))],
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        ),
        both(
            vec![second(side.clone()), ("/containerDefinitions/0/dependsOn", on("side", "HEALTHY"))],
            "A dependency container with HEALTHY condition must have health check configured",
        ),
        both(
            vec![
                second(side.clone()),
                ("/containerDefinitions/0/dependsOn", on("side", "START")),
                ("/containerDefinitions/1/dependsOn", on("web", "START")),
            ],
            "Container dependsOn contains a cycle",
        ),
        Case {
            base: bridge,
            changes: vec![second(json!({"name": "web", "image": "x", "memory": 4}))],
            text: "Container.name must be unique. Duplicate name: 'web'.",
            sure: false,
        },
    ]
}

#[test]
fn what_aws_refuses() {
    let all = [task_cases(), container_cases(), credential_cases(), dependency_cases()];
    let all: Vec<Case> = all.into_iter().flatten().collect();
    assert!(all.iter().filter(|case| case.sure).count() >= 30, "most texts are AWS's own");
    for case in all {
        let error = check(&read(&with((case.base)(), &case.changes))).expect_err(case.text);
        assert_eq!((error.code, error.message.as_str()), ("ClientException", case.text));
    }
}

#[test]
fn eleven_containers_are_too_many() {
    let containers: Vec<Value> =
        (0..11).map(|n| json!({"name": format!("c{n}"), "image": "x", "memory": 4})).collect();
    let error = check(&read(&with(bridge(), &[("/containerDefinitions", json!(containers))]))).unwrap_err();
    assert_eq!(error.message, "Too many containers: a task definition has at most 10.");
}

#[test]
fn what_is_accepted() {
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:a/b-AbCdEf";
    for document in [
        bridge(),
        fargate(),
        with(fargate(), &[("/cpu", json!("1 vCPU")), ("/memory", json!("2 GB"))]),
        with(
            fargate(),
            &[("/containerDefinitions/0/repositoryCredentials", json!({"credentialsParameter": arn}))],
        ),
        with(
            fargate(),
            &[("/containerDefinitions/0/repositoryCredentials", json!({"credentialsParameter": "a/b"}))],
        ),
        with(
            fargate(),
            &[(
                "/containerDefinitions/0/secrets",
                json!([{"name": "A", "valueFrom": format!("{arn}:key::")}, {"name": "B", "valueFrom": "/prod/db"}]),
            )],
        ),
        with(fargate(), &[("/containerDefinitions/0/logConfiguration", awslogs())]),
        with(
            bridge(),
            &[(
                "/containerDefinitions/0/ulimits",
                json!([{"name": "core", "softLimit": -1, "hardLimit": -1}]),
            )],
        ),
        with(bridge(), &[("/pidMode", json!("host")), ("/networkMode", json!("host"))]),
    ] {
        assert_eq!(check(&read(&document)), Ok(()), "{document}");
    }
}

#[test]
fn sizes_are_read_in_every_spelling() {
    for (text, expected) in
        [("256", Some(256)), ("1 vCPU", Some(1024)), (".25 vcpu", Some(256)), ("0", None), ("-1", None)]
    {
        assert_eq!(task_cpu(text).ok(), expected, "{text}");
    }
    for (text, expected) in
        [("512", Some(512)), ("2 GB", Some(2048)), ("0.5GB", Some(512)), ("NaN GB", None), ("", None)]
    {
        assert_eq!(task_memory(text).ok(), expected, "{text}");
    }
}

#[test]
fn fargate_sizes() {
    for (cpu, memory, expected) in [
        (256, 2048, true),
        (256, 4096, false),
        (512, 4096, true),
        (1024, 2048, true),
        (1024, 1024, false),
        (4096, 30 * 1024, true),
        (8192, 17 * 1024, false),
        (8192, 20 * 1024, true),
        (16384, 120 * 1024, true),
        (300, 1024, false),
    ] {
        assert_eq!(is_fargate_size(cpu, memory), expected, "{cpu} {memory}");
    }
}

fn filled(document: &Value) -> Value {
    let definition =
        fill(read(document), "arn:aws:iam::111122223333:root".to_owned(), Timestamp::from_millis(0));
    let body = json::encode(&api::schema::TASK_DEFINITION, &definition.unwrap().into_value());
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn what_is_filled_in() {
    let document = with(
        fargate(),
        &[
            ("/cpu", json!(".25 vCPU")),
            ("/containerDefinitions/0/portMappings", json!([{"containerPort": 80}])),
            ("/containerDefinitions/0/healthCheck", json!({"command": ["CMD", "true"]})),
            ("/volumes", json!([{"name": "v"}])),
        ],
    );
    let expected = json!({
        "family": "app", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "executionRoleArn": "exec", "status": "ACTIVE",
        "containerDefinitions": [{
            "name": "web", "image": "app:1", "cpu": 0, "essential": true, "environment": [], "mountPoints": [],
            "volumesFrom": [], "systemControls": [],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}
        }],
        "volumes": [{"name": "v", "host": {}}], "placementConstraints": [],
        "compatibilities": ["EC2", "MANAGED_INSTANCES", "FARGATE"],
        "requiresAttributes": [
            {"name": "ecs.capability.container-health-check"},
            {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.29"},
            {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"},
            {"name": "ecs.capability.task-eni"}
        ],
        "registeredAt": 0, "registeredBy": "arn:aws:iam::111122223333:root"
    });
    let mut filled = filled(&document);
    filled["registeredAt"] = json!(0);
    assert_eq!(filled, expected);
}

#[test]
fn a_dynamic_port_stays_zero() {
    let document =
        with(bridge(), &[("/containerDefinitions/0/portMappings", json!([{"containerPort": 80}]))]);
    let filled = filled(&document);
    assert_eq!(filled["containerDefinitions"][0]["portMappings"][0]["hostPort"], 0);
    assert_eq!(filled["compatibilities"], json!(["EXTERNAL", "EC2"]));
    assert!(filled.get("networkMode").is_none());
}

#[test]
fn attributes_follow_from_what_is_used() {
    let document = with(
        fargate(),
        &[
            ("/taskRoleArn", json!("task")),
            ("/containerDefinitions/0/logConfiguration", awslogs()),
            ("/containerDefinitions/0/image", json!("123456789012.dkr.ecr.us-east-1.amazonaws.com/app")),
            ("/containerDefinitions/0/repositoryCredentials", json!({"credentialsParameter": "a"})),
            ("/containerDefinitions/0/secrets", json!([{"name": "A", "valueFrom": "a"}])),
        ],
    );
    let names: Vec<Value> = filled(&document)["requiresAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    for name in [
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
        "ecs.capability.execution-role-awslogs",
        "com.amazonaws.ecs.capability.ecr-auth",
        "ecs.capability.execution-role-ecr-pull",
        "ecs.capability.private-registry-authentication.secretsmanager",
        "ecs.capability.secrets.ssm.environment-variables",
        "com.amazonaws.ecs.capability.task-iam-role",
        "ecs.capability.task-eni",
    ] {
        assert_eq!(names.iter().filter(|it| *it == name).count(), 1, "{name}");
    }
}

#[test]
fn role_names_become_arns() {
    let (account, region) = (account(), region());
    let home = crate::ecs::names::Home { account: &account, region: &region };
    for (given, expected) in [
        ("exec", Some("arn:aws:iam::111122223333:role/exec")),
        ("/a/b/exec", Some("arn:aws:iam::111122223333:role/a/b/exec")),
        ("arn:aws:iam::444455556666:role/x", Some("arn:aws:iam::444455556666:role/x")),
        ("arn:aws:iam::111122223333:user/x", None),
        ("two words", None),
        ("/", None),
    ] {
        let completed = complete_role(given, home).ok().map(|arn| arn.to_string());
        assert_eq!(completed.as_deref(), expected, "{given}");
    }
}
