//! The calls of the story: each is shown as the command that a user would type, then made.

use std::time::Duration;

use landfall_api::{ecs, iam, logs, secretsmanager};
use landfall_shape::Operation;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::documents::{
    CLUSTER, CONTAINER, FAMILY, GROUP, MANAGED_POLICY, POLICY, ROLE, SECRET, read_secret, task_definition,
    trust,
};
use crate::client::Client;
use crate::demo::registry::PrivateRegistry;
use crate::demo::shown;
use crate::error::CliError;
use crate::explain::{self, TaskName};
use crate::run::file;
use crate::terminal::Style;

const SUBNET: &str = "subnet-12345678";
/// A task of the demo ends within seconds; a busy machine gets more.
const TASK_LIMIT: Duration = Duration::from_secs(90);
const LOG_LIMIT: Duration = Duration::from_secs(5);
const PERIOD: Duration = Duration::from_millis(50);

/// Makes the calls of the story.
pub(super) struct Calls<'a> {
    client: &'a Client,
}

/// A task that has stopped.
#[derive(Debug)]
pub(super) struct Stopped(ecs::Task);

impl<'a> Calls<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> &Client {
        self.client
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, CliError> {
        Ok(self.client.call::<O>(input).await?)
    }

    pub(super) async fn create_secret(&self, registry: &PrivateRegistry) -> Result<String, CliError> {
        // The password is random and gone in a moment, but nobody should see how to print one.
        let masked = json!({"username": registry.user, "password": "…"}).to_string();
        let words = ["aws", "secretsmanager", "create-secret", "--name", SECRET, "--secret-string", &masked];
        shown::command(&words)?;
        let value = json!({"username": registry.user, "password": registry.password.expose()});
        let input = secretsmanager::CreateSecretRequest {
            name: SECRET.to_owned(),
            secret_string: Some(value.to_string().into()),
            ..Default::default()
        };
        let arn = known(self.call::<secretsmanager::CreateSecret>(input).await?.arn, "the secret's ARN")?;
        shown::answer(&arn)?;
        Ok(arn)
    }

    pub(super) async fn describe_secret(&self) -> Result<String, CliError> {
        let input = secretsmanager::DescribeSecretRequest { secret_id: SECRET.to_owned() };
        known(self.call::<secretsmanager::DescribeSecret>(input).await?.arn, "the secret's ARN")
    }

    pub(super) async fn create_role(&self) -> Result<String, CliError> {
        let trust = trust().to_string();
        let words =
            ["aws", "iam", "create-role", "--role-name", ROLE, "--assume-role-policy-document", &trust];
        shown::command(&words)?;
        let input = iam::CreateRoleRequest {
            role_name: ROLE.to_owned(),
            assume_role_policy_document: trust,
            ..Default::default()
        };
        let arn = self.call::<iam::CreateRole>(input).await?.role.arn;
        shown::answer(&arn)?;
        Ok(arn)
    }

    pub(super) async fn attach_role_policy(&self) -> Result<(), CliError> {
        shown::command(&[
            "aws",
            "iam",
            "attach-role-policy",
            "--role-name",
            ROLE,
            "--policy-arn",
            MANAGED_POLICY,
        ])?;
        let input = iam::AttachRolePolicyRequest {
            role_name: ROLE.to_owned(),
            policy_arn: MANAGED_POLICY.to_owned(),
        };
        self.call::<iam::AttachRolePolicy>(input).await.map(drop)
    }

    pub(super) async fn put_role_policy(&self, secret: &str) -> Result<(), CliError> {
        let document = read_secret(secret).to_string();
        let words = ["aws", "iam", "put-role-policy", "--role-name", ROLE, "--policy-name", POLICY];
        shown::command(&[&words[..], &["--policy-document", &document]].concat())?;
        let input = iam::PutRolePolicyRequest {
            role_name: ROLE.to_owned(),
            policy_name: POLICY.to_owned(),
            policy_document: document,
        };
        self.call::<iam::PutRolePolicy>(input).await.map(drop)
    }

    pub(super) async fn delete_role_policy(&self) -> Result<(), CliError> {
        shown::command(&["aws", "iam", "delete-role-policy", "--role-name", ROLE, "--policy-name", POLICY])?;
        let input =
            iam::DeleteRolePolicyRequest { role_name: ROLE.to_owned(), policy_name: POLICY.to_owned() };
        self.call::<iam::DeleteRolePolicy>(input).await.map(drop)
    }

    pub(super) async fn create_cluster(&self) -> Result<(), CliError> {
        shown::command(&["aws", "ecs", "create-cluster", "--cluster-name", CLUSTER])?;
        let input =
            ecs::CreateClusterRequest { cluster_name: Some(CLUSTER.to_owned()), ..Default::default() };
        self.call::<ecs::CreateCluster>(input).await.map(drop)
    }

    pub(super) async fn create_log_group(&self) -> Result<(), CliError> {
        shown::command(&["aws", "logs", "create-log-group", "--log-group-name", GROUP])?;
        let input = logs::CreateLogGroupRequest { log_group_name: GROUP.to_owned(), ..Default::default() };
        self.call::<logs::CreateLogGroup>(input).await.map(drop)
    }

    pub(super) async fn register(&self, image: &str, secret: &str, role: &str) -> Result<(), CliError> {
        let definition = task_definition(image, secret, role, self.client.region());
        shown::command(&["cat", "task.json"])?;
        shown::answer(&pretty(&definition))?;
        shown::command(&["aws", "ecs", "register-task-definition", "--cli-input-json", "file://task.json"])?;
        let parsed = file::parse("task.json", &definition.to_string())?;
        let registered = self.call::<ecs::RegisterTaskDefinition>(parsed.request).await?.task_definition;
        let arn = registered.and_then(|definition| definition.task_definition_arn);
        shown::answer(&known(arn, "the task definition's ARN")?)
    }

    /// `aws ecs run-task`, then `aws ecs wait tasks-stopped`.
    pub(super) async fn run_and_wait(&self) -> Result<Stopped, CliError> {
        let arn = self.run_task().await?;
        shown::command(&["aws", "ecs", "wait", "tasks-stopped", "--cluster", CLUSTER, "--tasks", &arn])?;
        let stopped = timeout(TASK_LIMIT, self.until_stopped(&arn)).await;
        stopped
            .map_err(|_| CliError::new(format!("the task did not stop within {} s", TASK_LIMIT.as_secs())))?
    }

    async fn run_task(&self) -> Result<String, CliError> {
        let network = format!("awsvpcConfiguration={{subnets=[{SUBNET}],assignPublicIp=ENABLED}}");
        let words = ["aws", "ecs", "run-task", "--cluster", CLUSTER, "--task-definition", FAMILY];
        shown::command(
            &[&words[..], &["--launch-type", "FARGATE", "--network-configuration", &network]].concat(),
        )?;
        let answer = self.call::<ecs::RunTask>(run_request()).await?;
        let task = answer.tasks.unwrap_or_default().into_iter().next();
        let arn = known(task.and_then(|task| task.task_arn), "a task")?;
        shown::answer(&arn)?;
        Ok(arn)
    }

    async fn until_stopped(&self, arn: &str) -> Result<Stopped, CliError> {
        loop {
            let input = ecs::DescribeTasksRequest {
                cluster: Some(CLUSTER.to_owned()),
                tasks: vec![arn.to_owned()],
                include: None,
            };
            let answer = self.call::<ecs::DescribeTasks>(input).await?;
            let task = known(answer.tasks.unwrap_or_default().into_iter().next(), "the task")?;
            if task.last_status.as_deref() == Some("STOPPED") {
                return Ok(Stopped(task));
            }
            sleep(PERIOD).await;
        }
    }

    /// `aws logs get-log-events`.
    pub(super) async fn show_log(&self, task: &Stopped) -> Result<(), CliError> {
        let stream = format!("demo/{CONTAINER}/{}", task.id());
        let words =
            ["aws", "logs", "get-log-events", "--log-group-name", GROUP, "--log-stream-name", &stream];
        shown::command(&[&words[..], &["--query", "events[].message"]].concat())?;
        let lines = timeout(LOG_LIMIT, self.until_logged(&stream)).await;
        let lines = lines
            .map_err(|_| CliError::new("the container's output did not arrive in CloudWatch Logs"))??;
        shown::answer(&lines.join("\n"))
    }

    /// The last line may arrive a moment after the task's end.
    async fn until_logged(&self, stream: &str) -> Result<Vec<String>, CliError> {
        loop {
            let input = logs::GetLogEventsRequest {
                log_group_name: Some(GROUP.to_owned()),
                log_stream_name: stream.to_owned(),
                start_from_head: Some(true),
                ..Default::default()
            };
            let events = self.call::<logs::GetLogEvents>(input).await?.events.unwrap_or_default();
            let lines: Vec<String> = events.into_iter().filter_map(|event| event.message).collect();
            if lines.last().is_some_and(|line| line == "done") {
                return Ok(lines);
            }
            sleep(PERIOD).await;
        }
    }

    pub(super) fn show_stopped_reason(&self, task: &Stopped) -> Result<(), CliError> {
        let words = ["aws", "ecs", "describe-tasks", "--cluster", CLUSTER, "--tasks", task.id()];
        shown::command(&[&words[..], &["--query", "tasks[].[stopCode,stoppedReason]"]].concat())?;
        shown::answer(&pretty(&json!([[task.stop_code(), task.stopped_reason()]])))
    }
}

fn run_request() -> ecs::RunTaskRequest {
    let network = ecs::AwsVpcConfiguration {
        subnets: vec![SUBNET.to_owned()],
        assign_public_ip: Some(ecs::AssignPublicIp::Enabled),
        ..Default::default()
    };
    ecs::RunTaskRequest {
        cluster: Some(CLUSTER.to_owned()),
        task_definition: FAMILY.to_owned(),
        launch_type: Some(ecs::LaunchType::Fargate),
        network_configuration: Some(ecs::NetworkConfiguration { awsvpc_configuration: Some(network) }),
        ..Default::default()
    }
}

fn known<T>(value: Option<T>, what: &str) -> Result<T, CliError> {
    value.ok_or_else(|| CliError::new(format!("the server answered without {what}")))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

impl Stopped {
    fn arn(&self) -> &str {
        self.0.task_arn.as_deref().unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.arn().rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn name(&self) -> TaskName {
        TaskName { cluster: Some(CLUSTER.to_owned()), task: self.arn().to_owned() }
    }

    pub(super) fn stopped_reason(&self) -> &str {
        self.0.stopped_reason.as_deref().unwrap_or_default()
    }

    fn stop_code(&self) -> &str {
        self.0.stop_code.as_ref().map(ecs::TaskStopCode::as_str).unwrap_or_default()
    }

    pub(super) fn failed_to_start(&self) -> bool {
        self.0.stop_code == Some(ecs::TaskStopCode::TaskFailedToStart)
    }

    /// From RunTask to running, where it ran.
    pub(super) fn start_ms(&self) -> Option<i64> {
        Some(self.0.started_at?.millis() - self.0.created_at?.millis())
    }

    /// The demo's container ends with 0 unless something is wrong with this host or with Landfall.
    pub(super) async fn must_have_succeeded(&self, calls: &Calls<'_>) -> Result<(), CliError> {
        let containers = self.0.containers.as_deref().unwrap_or_default();
        if containers.iter().all(|container| container.exit_code == Some(0)) {
            return Ok(());
        }
        if let Ok(start) = explain::describe(calls.client, &self.name()).await {
            shown::formatted(&explain::task_text(&start, Style::stdout()))?;
        }
        Err(CliError::new(format!("the demo's task did not end well: {}", self.stopped_reason()))
            .hint("`landfall doctor` says what this host lacks"))
    }
}
