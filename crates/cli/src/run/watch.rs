//! Watching a task until it has stopped.

use std::time::Duration;

use landfall_api::ecs::{DescribeTasks, DescribeTasksRequest, Task};

use super::logs::Follower;
use super::progress::Progress;
use super::start::Started;
use crate::client::Client;
use crate::error::CliError;
use crate::explain;

/// How often the server is asked.
const PERIOD: Duration = Duration::from_millis(200);
/// Rounds without a new line after which a stopped task's output is taken to be complete.
const QUIET_ROUNDS: u32 = 2;

/// Watches a task until it has stopped; prints its output on the way if `follow` says so.
pub(super) async fn until_stopped(
    client: &Client,
    started: &Started,
    follow: bool,
) -> Result<Task, CliError> {
    let mut progress = Progress::new();
    let mut follower = follow.then(|| Follower::new(client, started));
    loop {
        let task = describe(client, started).await?;
        let status = task.last_status.as_deref().unwrap_or_default();
        if status == "STOPPED" {
            progress.end();
            drain(follower.as_mut(), &task).await?;
            return Ok(task);
        }
        progress.status(status);
        show_pull(client, started, &mut progress, status).await;
        print_new(follower.as_mut(), &mut progress, &task).await?;
        tokio::time::sleep(PERIOD).await;
    }
}

async fn describe(client: &Client, started: &Started) -> Result<Task, CliError> {
    let input = DescribeTasksRequest {
        cluster: Some(started.cluster.clone()),
        tasks: vec![started.arn.clone()],
        include: None,
    };
    let answer = client.call::<DescribeTasks>(input).await?;
    let task = answer.tasks.unwrap_or_default().into_iter().next();
    task.ok_or_else(|| CliError::new(format!("the server knows no task `{}` any more", started.arn)))
}

/// Progress is a courtesy: whoever may run a task may lack the permission to see its start trace.
async fn show_pull(client: &Client, started: &Started, progress: &mut Progress, status: &str) {
    if !["PROVISIONING", "PENDING"].contains(&status) {
        return;
    }
    if let Ok(start) = explain::describe(client, &started.name()).await
        && let Some(pull) = start.pull
    {
        progress.pull(&pull);
    }
}

async fn print_new(
    follower: Option<&mut Follower>,
    progress: &mut Progress,
    task: &Task,
) -> Result<(), CliError> {
    let Some(follower) = follower else { return Ok(()) };
    if task.last_status.as_deref() == Some("RUNNING") {
        progress.end();
    }
    follower.print_new(task).await.map(drop)
}

/// Prints the rest. Lines may arrive a moment after the task's end.
async fn drain(follower: Option<&mut Follower>, task: &Task) -> Result<(), CliError> {
    let Some(follower) = follower else { return Ok(()) };
    let mut quiet = 0;
    while quiet < QUIET_ROUNDS {
        quiet = if follower.print_new(task).await? { 0 } else { quiet + 1 };
        if quiet < QUIET_ROUNDS {
            tokio::time::sleep(PERIOD).await;
        }
    }
    Ok(())
}
