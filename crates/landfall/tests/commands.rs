//! What a user of the binary sees, against a scripted server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::sync::Mutex;

use serde_json::{Value, json};
use support::{Fake, landfall, seen};

const TASK: &str = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef";

/// One container that writes two lines and ends with `code`; the cluster `default` is missing at first.
fn ecs(code: i32) -> impl Fn(&str, &Value) -> (u16, Value) + Send + Sync {
    let statuses = Mutex::new(vec!["STOPPED", "RUNNING", "PENDING", "PROVISIONING"]);
    let cluster = Mutex::new(false);
    move |operation, input| match operation {
        "RegisterTaskDefinition" | "DescribeTaskDefinition" => (200, json!({"taskDefinition": definition()})),
        "RunTask" if !*cluster.lock().unwrap() => {
            (400, json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."}))
        }
        "CreateCluster" => {
            *cluster.lock().unwrap() = true;
            (200, json!({}))
        }
        "RunTask" => {
            assert_eq!(input["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "ENABLED");
            assert_eq!(input["launchType"], "FARGATE");
            (200, json!({"tasks": [{"taskArn": TASK, "lastStatus": "PROVISIONING"}]}))
        }
        "DescribeTasks" => {
            let mut statuses = statuses.lock().unwrap();
            let status = if statuses.len() > 1 { statuses.pop().unwrap() } else { "STOPPED" };
            (200, json!({"tasks": [task(status, code)]}))
        }
        "DescribeTaskStart" => (200, trace()),
        "GetLogEvents" => (200, events(input)),
        other => (400, json!({"__type": "UnknownOperationException", "message": other})),
    }
}

fn definition() -> Value {
    let options = json!({"awslogs-group": "/g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"});
    json!({
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1",
        "family": "web",
        "revision": 1,
        "networkMode": "awsvpc",
        "compatibilities": ["EC2", "FARGATE"],
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{
            "name": "app",
            "essential": true,
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }],
    })
}

fn task(status: &str, code: i32) -> Value {
    let mut task = json!({"taskArn": TASK, "lastStatus": status, "containers": [{"name": "app"}]});
    if status == "STOPPED" {
        task["stopCode"] = "EssentialContainerExited".into();
        task["stoppedReason"] = "Essential container in task exited".into();
        task["containers"][0]["exitCode"] = code.into();
    }
    task
}

fn trace() -> Value {
    let pull = json!({"layersDone": 1, "layersTotal": 2, "bytesDone": 1024, "bytesTotal": 4096});
    json!({"taskArn": TASK, "lastStatus": "PENDING", "steps": [], "pull": pull})
}

fn events(input: &Value) -> Value {
    assert_eq!(input["logStreamName"], "p/app/0123456789abcdef0123456789abcdef");
    if input["nextToken"] == "end" {
        return json!({"events": [], "nextForwardToken": "end"});
    }
    json!({"events": [{"message": "one"}, {"message": "two"}], "nextForwardToken": "end"})
}

#[test]
fn run_follows_a_file_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("task.json");
    std::fs::write(&file, r#"{"family": "web", "containerDefinitions": [], "cups": 1, "revision": 4}"#)
        .unwrap();
    let output = Fake::start(ecs(7)).landfall(&["run", file.to_str().unwrap(), "--follow"]);
    insta::assert_snapshot!(seen(&output).replace(file.to_str().unwrap(), "task.json"));
}

#[test]
fn run_waits_and_answers_in_json() {
    insta::assert_snapshot!(seen(&Fake::start(ecs(0)).landfall(&["run", "web", "--wait", "--json"])));
}

#[test]
fn run_without_waiting_prints_the_arn() {
    insta::assert_snapshot!(seen(&Fake::start(ecs(0)).landfall(&["run", "web:1"])));
}

#[test]
fn run_tells_why_a_task_did_not_start() {
    let output = Fake::start(|operation, input| match operation {
        "DescribeTasks" => (
            200,
            json!({"tasks": [{
                "taskArn": TASK,
                "lastStatus": "STOPPED",
                "stopCode": "TaskFailedToStart",
                "stoppedReason": "ResourceInitializationError: unable to pull registry auth",
                "containers": [{"name": "app"}],
            }]}),
        ),
        "RunTask" => (200, json!({"tasks": [{"taskArn": TASK}]})),
        "DescribeTaskStart" => (200, failed_trace()),
        other => ecs(0)(other, input),
    })
    .landfall(&["run", "web", "--wait"]);
    insta::assert_snapshot!(seen(&output));
}

fn failed_trace() -> Value {
    json!({
        "taskArn": TASK,
        "lastStatus": "STOPPED",
        "stopCode": "TaskFailedToStart",
        "stoppedReason": "ResourceInitializationError: unable to pull registry auth",
        "steps": [{
            "name": "registry credential",
            "container": "app",
            "principal": "arn:aws:sts::000000000000:assumed-role/exec/1",
            "action": "secretsmanager:GetSecretValue",
            "resource": "arn:aws:secretsmanager:us-east-1:000000000000:secret:r",
            "startedAt": 1795401041.5,
            "durationMs": 2,
            "result": "failed",
            "detail": "AccessDeniedException",
            "decision": r#"{"allowed":false,"layer":"identity","deciding":null}"#,
            "hint": "allow it",
        }],
    })
}

#[test]
fn run_names_what_it_did_not_find() {
    let refuse = |_: &str, _: &Value| {
        (400, json!({"__type": "ClientException", "message": "Unable to describe task definition."}))
    };
    insta::assert_snapshot!(seen(&Fake::start(refuse).landfall(&["run", "nothing"])));
}

#[test]
fn explain_finds_a_task_by_the_beginning_of_its_id() {
    let fake = Fake::start(|operation, input| match operation {
        "ListClusters" => {
            (200, json!({"clusterArns": ["arn:aws:ecs:us-east-1:000000000000:cluster/default"]}))
        }
        "ListTasks" if input["desiredStatus"] == "STOPPED" => (200, json!({"taskArns": [TASK]})),
        "ListTasks" => (200, json!({"taskArns": []})),
        "DescribeTaskStart" => {
            assert_eq!(input["task"], TASK);
            (200, failed_trace())
        }
        other => (400, json!({"__type": other})),
    });
    insta::assert_snapshot!(seen(&fake.landfall(&["explain", "0123"])));
    assert_eq!(seen(&fake.landfall(&["explain", TASK])), seen(&fake.landfall(&["explain", "0123456"])));
    let json: Value = serde_json::from_slice(&fake.landfall(&["explain", "0123", "--json"]).stdout).unwrap();
    assert_eq!(json["steps"][0]["outcome"], json!({"result": "failed", "detail": "AccessDeniedException"}));
    assert_eq!(json["steps"][0]["decision"]["allowed"], false);
    insta::assert_snapshot!(seen(&fake.landfall(&["explain", "feed"])));
}

#[test]
fn accounts_are_created_and_listed() {
    let fake = Fake::start(|operation, input| match operation {
        "CreateAccount" if input["accountId"] == "111122223333" => (
            400,
            json!({"__type": "AccountAlreadyExistsException", "message": "The account 111122223333 already exists."}),
        ),
        "CreateAccount" => (
            200,
            json!({"accountId": input["accountId"], "userArn": "arn:u", "accessKeyId": "AKIA", "secretAccessKey": "s"}),
        ),
        _ => (200, json!({"accounts": [{"accountId": "000000000000", "createdAt": 1795401041}]})),
    });
    insta::assert_snapshot!(
        [
            ["account", "create", "444455556666"].as_slice(),
            &["account", "create", "444455556666", "--json"],
            &["account", "create", "111122223333"],
            &["account", "create", "12"],
            &["account", "list"],
            &["account", "list", "--json"],
        ]
        .map(|arguments| format!("$ landfall {}\n{}", arguments.join(" "), seen(&fake.landfall(arguments))))
        .join("\n")
    );
}

#[test]
fn env_reads_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let client = json!({"endpoint": "http://127.0.0.1:4566", "region": "us-east-1", "account": "000000000000",
        "access_key_id": "AKIAEXAMPLE", "secret_access_key": "a/b+c"});
    std::fs::write(dir.path().join("client.json"), client.to_string()).unwrap();
    let home = [("HOME", path)];
    let shown = |arguments: &[&str]| seen(&landfall(arguments, &home)).replace(path, "DIR");
    insta::assert_snapshot!(
        [
            shown(&["env", "--data-dir", path]),
            shown(&["env", "--data-dir", path, "--json"]),
            shown(&["env", "--data-dir", path, "--profile", "local"]),
            shown(&["env", "--data-dir", "/nonexistent/dir"]),
            shown(&["env"]),
        ]
        .join("\n")
    );
    let read = |name: &str| std::fs::read_to_string(dir.path().join(".aws").join(name)).unwrap();
    assert_eq!(read("config"), "[profile local]\nendpoint_url = http://127.0.0.1:4566\nregion = us-east-1\n");
    assert_eq!(
        read("credentials"),
        "[local]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = a/b+c\n"
    );
}

#[test]
fn a_profile_is_enough_to_be_a_client() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(".aws")).unwrap();
    let home = dir.path().to_str().unwrap();
    let none = landfall(&["account", "list"], &[("HOME", home), ("AWS_PROFILE", "local")]);
    insta::assert_snapshot!(seen(&none).replace(home, "HOME"));
}

#[test]
fn a_shim_is_no_command() {
    let output = landfall(&["shim"], &[]);
    assert_eq!(output.status.code(), Some(64));
}
