//! What tests of launches set up: an installation with real services, roles, secrets, task definitions and tasks.

use landfall_acs::{ContainerState, Desired, LaunchKind};
use landfall_api::ecs as api;
use landfall_api::{iam, logs, secretsmanager as secrets};
use landfall_shape::{Operation, Shape};
use landfall_wire::json;

use crate::ecs::names::Home;
use crate::ecs::node::put_task;
use crate::ecs::record::{Container, TASK_DEFINITIONS, Task, TaskDefinition, TaskStatus};
use crate::pipe::Caller;
use crate::s3::tests::{archive, make_bucket, put_in};
use crate::stored::Stored;
use crate::testing::{START, TestInstallation, account, region, root};

pub(crate) const TASK_ID: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/exec";
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// An installation under test.
pub(crate) struct Stage {
    pub(crate) it: TestInstallation,
}

impl Stage {
    /// With the role `exec`, which trusts ECS tasks and may do nothing.
    pub(crate) fn new() -> Self {
        let stage = Self { it: TestInstallation::new(crate::TABLES) };
        stage.role("exec", TRUST);
        stage
    }

    pub(crate) fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> O::Output {
        self.it.call.call::<O>(caller, input).result.unwrap()
    }

    pub(crate) fn role(&self, name: &str, trust: &str) {
        let input = iam::CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..Default::default()
        };
        self.call::<iam::CreateRole>(&root(), input);
    }

    pub(crate) fn trust(&self, trust: &str) {
        self.trust_of("exec", trust);
    }

    pub(crate) fn trust_of(&self, role: &str, trust: &str) {
        let input = iam::UpdateAssumeRolePolicyRequest {
            role_name: role.to_owned(),
            policy_document: trust.to_owned(),
        };
        self.call::<iam::UpdateAssumeRolePolicy>(&root(), input);
    }

    /// Lets `exec` do these actions with everything.
    pub(crate) fn allow(&self, actions: &[&str]) {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Launch", "Effect": "Allow", "Action": actions, "Resource": "*"}
        ]});
        self.policy("launch", &document.to_string());
    }

    pub(crate) fn policy(&self, name: &str, document: &str) {
        let input = iam::PutRolePolicyRequest {
            role_name: "exec".to_owned(),
            policy_name: name.to_owned(),
            policy_document: document.to_owned(),
        };
        self.call::<iam::PutRolePolicy>(&root(), input);
    }

    /// Makes a secret and answers its ARN.
    pub(crate) fn secret(&self, name: &str, value: &str) -> String {
        let input = secrets::CreateSecretRequest {
            name: name.to_owned(),
            secret_string: (!value.is_empty()).then(|| value.into()),
            client_request_token: Some(landfall_base::random::uuid()),
            ..Default::default()
        };
        self.call::<secrets::CreateSecret>(&root(), input).arn.unwrap()
    }

    pub(crate) fn log_group(&self, name: &str) {
        let input = logs::CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() };
        self.call::<logs::CreateLogGroup>(&root(), input);
    }

    /// Puts an environment file into the bucket `files`.
    pub(crate) fn file(&self, key: &str, bytes: &[u8]) {
        if crate::s3::buckets::region_of(&self.it.call.installation().store.view(), "files").is_none() {
            make_bucket(&self.it, "files");
        }
        put_in(&self.it, "files", key, bytes);
    }

    /// Such a file in an archive.
    pub(super) fn archived_file(&self, key: &str, bytes: &[u8]) {
        self.file(key, bytes);
        archive(&self.it, "files", key);
    }

    /// The messages of a stream.
    pub(crate) fn messages(&self, group: &str, stream: &str) -> Vec<String> {
        let input = logs::GetLogEventsRequest {
            log_group_name: Some(group.to_owned()),
            log_stream_name: stream.to_owned(),
            start_from_head: Some(true),
            ..Default::default()
        };
        let events = self.call::<logs::GetLogEvents>(&root(), input).events.unwrap_or_default();
        events.into_iter().filter_map(|event| event.message).collect()
    }

    /// Stores a task of this definition, that was just made.
    pub(crate) fn task(&self, definition: &api::TaskDefinition, launch: LaunchKind) -> Task {
        let task = task(definition, launch);
        let row = TaskDefinition { definition: Stored(definition.clone()), tags: Vec::new() };
        let store = &self.it.call.installation().store;
        let written = store.write("test", |tx| -> Result<(), landfall_store::StoreError> {
            tx.put(&TASK_DEFINITIONS, &(&task.account, &task.region, "app", 1u32), &row);
            put_task(tx, &task);
            Ok(())
        });
        written.map_err(landfall_store::WriteError::flatten).unwrap();
        task
    }
}

/// A task definition from its `containerDefinitions`.
pub(crate) fn definition(containers: &serde_json::Value) -> api::TaskDefinition {
    let document = serde_json::json!({"family": "app", "revision": 1, "executionRoleArn": ROLE,
        "containerDefinitions": containers});
    let value = json::decode(&api::schema::TASK_DEFINITION, document.to_string().as_bytes()).unwrap();
    api::TaskDefinition::from_value(value).unwrap()
}

/// A task row of a definition.
pub(crate) fn task(definition: &api::TaskDefinition, launch: LaunchKind) -> Task {
    let (account, region) = (account(), region());
    let containers = definition.container_definitions.iter().flatten().map(container).collect();
    Task {
        arn: Home { account: &account, region: &region }.task("default", TASK_ID).to_string(),
        id: TASK_ID.to_owned(),
        account,
        region,
        cluster: "default".to_owned(),
        family: "app".to_owned(),
        revision: 1,
        launch,
        capacity_provider: None,
        platform_version: None,
        container_instance: None,
        group: "family:app".to_owned(),
        started_by: None,
        overrides: Stored::default(),
        execution_role_arn: definition.execution_role_arn.clone(),
        task_role_arn: definition.task_role_arn.clone(),
        cpu: None,
        memory: None,
        ephemeral_storage: None,
        enable_execute_command: false,
        drops_log_lines: true,
        network: None,
        desired: Desired::Running,
        last_status: TaskStatus::Pending,
        stop_code: None,
        stopped_reason: None,
        created_at: START,
        connectivity_at: None,
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        version: 1,
        containers,
        tags: Vec::new(),
    }
}

fn container(definition: &api::ContainerDefinition) -> Container {
    let name = definition.name.clone().unwrap();
    Container {
        id: format!("id-of-{name}"),
        name,
        image: definition.image.clone().unwrap_or_default(),
        image_digest: None,
        runtime_id: None,
        state: ContainerState::Pending,
        health: None,
        exit_code: None,
        reason: None,
        network_bindings: Vec::new(),
        cpu: 0,
        memory: None,
        memory_reservation: None,
        essential: true,
    }
}
