//! The demo's server: this binary again, as a user would start it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use landfall_api::ecs::{
    DescribeTasks, DescribeTasksRequest, DesiredStatus, ListClusters, ListClustersRequest, ListTasks,
    ListTasksRequest, StopTask, StopTaskRequest,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::client::{Client, Settings};
use crate::data_dir;
use crate::error::CliError;

/// A fresh data directory is ready within milliseconds; a busy machine gets more.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A container has 30 s to end, unless its definition says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(45);
const PERIOD: Duration = Duration::from_millis(5);

/// A server that runs until it is ended, or dropped.
#[derive(Debug)]
pub(super) struct DemoServer {
    child: Child,
    log: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) client: Client,
    /// From its start to its first answer.
    pub(super) ready_ms: u128,
}

impl DemoServer {
    /// Starts a server on a free port and waits until it is ready.
    pub(super) async fn start(dir: &Path) -> Result<Self, CliError> {
        let (data_dir, log) = (dir.join("data"), dir.join("server.log"));
        let began = Instant::now();
        let mut child = spawn(&data_dir, &log)
            .map_err(|error| CliError::new(format!("the demo's server cannot be started: {error}")))?;
        let ready = timeout(START_LIMIT, until_ready(&mut child, &data_dir)).await;
        let late =
            || CliError::new(format!("the demo's server was not ready within {} s", START_LIMIT.as_secs()));
        let client = ready.map_err(|_| late()).flatten().map_err(|error| with_log(error, &log))?;
        Ok(Self { child, log, data_dir, client, ready_ms: began.elapsed().as_millis() })
    }

    /// Stops the tasks that still run, then the server.
    pub(super) async fn end(&mut self) -> Result<(), CliError> {
        let stopped = timeout(STOP_LIMIT, self.stop_tasks()).await;
        self.terminate().await?;
        stopped.map_err(|_| CliError::new("the demo's tasks did not stop in time")).flatten()
    }

    /// Tasks outlive their server, so they go first; what they leave on the host is cleared by the server.
    async fn stop_tasks(&self) -> Result<(), CliError> {
        let clusters = self.client.call::<ListClusters>(ListClustersRequest::default()).await?;
        for cluster in clusters.cluster_arns.unwrap_or_default() {
            for task in self.tasks(&cluster, DesiredStatus::Running).await? {
                let input = StopTaskRequest { cluster: Some(cluster.clone()), task, reason: None };
                self.client.call::<StopTask>(input).await?;
            }
            while self.has_unfinished(&cluster).await? {
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    async fn tasks(&self, cluster: &str, desired_status: DesiredStatus) -> Result<Vec<String>, CliError> {
        let input = ListTasksRequest {
            cluster: Some(cluster.to_owned()),
            desired_status: Some(desired_status),
            ..ListTasksRequest::default()
        };
        Ok(self.client.call::<ListTasks>(input).await?.task_arns.unwrap_or_default())
    }

    async fn has_unfinished(&self, cluster: &str) -> Result<bool, CliError> {
        let mut tasks = self.tasks(cluster, DesiredStatus::Running).await?;
        tasks.extend(self.tasks(cluster, DesiredStatus::Stopped).await?);
        if tasks.is_empty() {
            return Ok(false);
        }
        let input = DescribeTasksRequest { cluster: Some(cluster.to_owned()), tasks, include: None };
        let described = self.client.call::<DescribeTasks>(input).await?.tasks.unwrap_or_default();
        Ok(described.iter().any(|task| task.last_status.as_deref() != Some("STOPPED")))
    }

    async fn terminate(&mut self) -> Result<(), CliError> {
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) else {
            return Ok(());
        };
        let signalled = kill_process(pid, Signal::TERM);
        signalled.map_err(|error| CliError::new(format!("the demo's server cannot be stopped: {error}")))?;
        match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(CliError::new(format!("the demo's server ended with {status}"))),
            Ok(Err(error)) => Err(CliError::new(format!("the end of the demo's server was missed: {error}"))),
            // Dropping the child kills it.
            Err(_) => Err(CliError::new("the demo's server did not end after SIGTERM and was killed")),
        }
    }

    /// Adds what the server said last to a failure.
    pub(super) fn with_log(&self, error: CliError) -> CliError {
        with_log(error, &self.log)
    }
}

fn spawn(data_dir: &Path, log: &Path) -> std::io::Result<Child> {
    let log = File::create(log)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("landfall").args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
    for (name, _) in std::env::vars_os() {
        // A user's settings are for the user's own server.
        if name.to_string_lossy().starts_with("LANDFALL_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Ctrl-C is for the demo, which ends the server after its tasks.
    command.process_group(0).kill_on_drop(true).spawn()
}

async fn until_ready(child: &mut Child, data_dir: &Path) -> Result<Client, CliError> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(CliError::new(format!("the demo's server ended with {status} before it was ready")));
        }
        if let Ok(file) = data_dir::read(data_dir) {
            let client = Client::new(Settings::of_file(file))?;
            if client.is_ready().await {
                return Ok(client);
            }
        }
        sleep(PERIOD).await;
    }
}

fn with_log(error: CliError, log: &Path) -> CliError {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default();
    last.iter().fold(error, |error, line| error.hint(format!("the server said: {line}")))
}
