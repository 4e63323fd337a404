//! The story: a private image as an ECS task, a permission that is taken away, and the way back.

mod calls;
mod documents;

use serde_json::json;

use self::calls::Calls;
use super::registry::PrivateRegistry;
use super::server::DemoServer;
use super::shown;
use crate::error::CliError;
use crate::explain;
use crate::terminal::Style;

/// What was measured on the way.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) server_ready_ms: u128,
    /// From RunTask to the first process of the container.
    pub(super) first_start_ms: Option<i64>,
    pub(super) second_start_ms: Option<i64>,
}

/// Tells the story to its end.
pub(super) async fn tell(server: &DemoServer, registry: &PrivateRegistry) -> Result<Times, CliError> {
    introduce(server, registry)?;
    let calls = Calls::new(&server.client);
    prepare(&calls, registry).await?;
    let first_start_ms = runs(&calls).await?;
    is_refused(&calls).await?;
    let second_start_ms = runs_again(&calls).await?;
    Ok(Times { server_ready_ms: server.ready_ms, first_start_ms, second_start_ms })
}

fn introduce(server: &DemoServer, registry: &PrivateRegistry) -> Result<(), CliError> {
    shown::chapter("A server on an empty directory, and a private registry with one image")?;
    let data_dir = server.data_dir.display().to_string();
    shown::command(&["landfall", "serve", "--listen", server.client.authority(), "--data-dir", &data_dir])?;
    shown::answer(&format!("ready after {} ms", server.ready_ms))?;
    shown::answer(&format!(
        "registry: {}\n          {}\n          user `{}`, and a password made a moment ago",
        registry.image, registry.digest, registry.user
    ))
}

async fn prepare(calls: &Calls<'_>, registry: &PrivateRegistry) -> Result<(), CliError> {
    shown::chapter("The registry's credential, and an execution role that may read it")?;
    let secret = calls.create_secret(registry).await?;
    let role = calls.create_role().await?;
    calls.attach_role_policy().await?;
    calls.put_role_policy(&secret).await?;
    shown::chapter("A cluster, a log group and a task definition")?;
    calls.create_cluster().await?;
    calls.create_log_group().await?;
    calls.register(&registry.image, &secret, &role).await
}

async fn runs(calls: &Calls<'_>) -> Result<Option<i64>, CliError> {
    shown::chapter("Run it")?;
    let task = calls.run_and_wait().await?;
    task.must_have_succeeded(calls).await?;
    calls.show_log(&task).await?;
    Ok(task.start_ms())
}

async fn is_refused(calls: &Calls<'_>) -> Result<(), CliError> {
    shown::chapter("Now the role loses its permission, as happens to everybody once")?;
    calls.delete_role_policy().await?;
    let task = calls.run_and_wait().await?;
    if !task.failed_to_start() {
        return Err(CliError::new(
            "the task started although its execution role may not read the credential",
        ));
    }
    calls.show_stopped_reason(&task)?;
    shown::chapter("AWS would leave you there. Landfall says why, and what to do")?;
    shown::command(&["landfall", "explain", task.id()])?;
    let start = explain::describe(calls.client(), &task.name()).await?;
    shown::formatted(&explain::task_text(&start, Style::stdout()))
}

async fn runs_again(calls: &Calls<'_>) -> Result<Option<i64>, CliError> {
    shown::chapter("So give it back, and run again")?;
    let secret = calls.describe_secret().await?;
    calls.put_role_policy(&secret).await?;
    let task = calls.run_and_wait().await?;
    task.must_have_succeeded(calls).await?;
    shown::answer(&json!({"exitCode": 0, "stoppedReason": task.stopped_reason()}).to_string())?;
    shown::chapter("The end")?;
    Ok(task.start_ms())
}
