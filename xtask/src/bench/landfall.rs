//! The server under test, and what a user prepares on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use landfall_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::aws::{Account, ECS, LOGS, create_secret, credentials, element, text};
use super::http::Client;
use super::process::{self, Server, free_address};

/// Where it says that it is ready.
pub(crate) const HEALTH: &str = "/_landfall/health";

/// A running server with its administrator.
pub(super) struct Landfall {
    /// Calls of the administrator.
    pub(super) admin: Account,
    /// Dropped after the calls.
    pub(super) server: Server,
    program: PathBuf,
    data: PathBuf,
}

/// `landfall serve` on a data directory.
pub(crate) fn serve(program: &Path, data: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", &address.to_string(), "--data-dir"]).arg(data);
    command
}

impl Landfall {
    /// Starts a server on a directory of its own and waits until it is ready.
    pub(super) fn start(program: &Path, directory: &Path) -> Result<Self> {
        let (data, address) = (directory.join("data"), free_address()?);
        let mut server =
            Server::start("landfall serve", serve(program, &data, address), &directory.join("log"))?;
        let mut health = Client::new(address)?;
        server.wait(Duration::from_millis(2), || health.is_well(HEALTH))?;
        let keys = administrator(program, &data)?;
        Ok(Self { admin: Account::new(address, keys)?, server, program: program.to_owned(), data })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Keys of a new user whom IAM allows these actions, and no others, by an inline policy.
    pub(super) fn user(&mut self, name: &str, actions: &[&str]) -> Result<Credentials> {
        self.admin.iam("CreateUser", &[("UserName", name)])?;
        let policy = allow(actions).to_string();
        let parameters = [("UserName", name), ("PolicyName", "bench"), ("PolicyDocument", &policy)];
        self.admin.iam("PutUserPolicy", &parameters)?;
        let key = self.admin.iam("CreateAccessKey", &[("UserName", name)])?;
        Ok(credentials(element(&key, "AccessKeyId")?, element(&key, "SecretAccessKey")?))
    }

    /// What private images need: a secret with the registry's credential, an execution role that may read it, a cluster, a log
    /// group. Returns the ARNs of the role and of the secret.
    pub(super) fn prepare_tasks(&mut self, username: &str, password: &str) -> Result<(String, String)> {
        self.admin.json(ECS, "CreateCluster", &json!({ "clusterName": CLUSTER }))?;
        self.admin.json(LOGS, "CreateLogGroup", &json!({ "logGroupName": LOG_GROUP }))?;
        let value = json!({ "username": username, "password": password }).to_string();
        let secret = create_secret(&mut self.admin, "registry", &value)?;
        let secret = text(&secret, "/ARN")?.to_owned();
        let role = self.execution_role(&secret)?;
        Ok((role, secret))
    }

    fn execution_role(&mut self, secret: &str) -> Result<String> {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
        let parameters = [("RoleName", "execution"), ("AssumeRolePolicyDocument", &trust.to_string())];
        let role = self.admin.iam("CreateRole", &parameters)?;
        let managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
        self.admin.iam("AttachRolePolicy", &[("RoleName", "execution"), ("PolicyArn", managed)])?;
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret }] });
        let parameters =
            [("RoleName", "execution"), ("PolicyName", "registry"), ("PolicyDocument", &policy.to_string())];
        self.admin.iam("PutRolePolicy", &parameters)?;
        Ok(element(&role, "Arn")?.to_owned())
    }

    /// The start trace of a task.
    pub(super) fn explain(&self, task: &str) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(["explain", task, "--cluster", CLUSTER, "--json", "--data-dir"]).arg(&self.data);
        let text = process::output(command)?;
        serde_json::from_str(&text).context("`landfall explain --json` did not write JSON")
    }
}

/// The cluster of all tasks.
pub(super) const CLUSTER: &str = "bench";

/// The log group of all tasks.
pub(super) const LOG_GROUP: &str = "/ecs/bench";

fn allow(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

/// `landfall env` knows the keys of the administrator.
pub(crate) fn administrator(program: &Path, data: &Path) -> Result<Credentials> {
    let mut command = Command::new(program);
    command.args(["env", "--json", "--data-dir"]).arg(data);
    let environment: Value = serde_json::from_str(&process::output(command)?)?;
    Ok(credentials(text(&environment, "/AWS_ACCESS_KEY_ID")?, text(&environment, "/AWS_SECRET_ACCESS_KEY")?))
}
