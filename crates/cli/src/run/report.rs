//! What is said when a task has ended, or when nobody watches it any more.

use std::process::ExitCode;

use landfall_api::ecs::{Container, Task, TaskStopCode};
use serde_json::{Value, json};

use super::exit;
use super::start::Started;
use crate::client::Client;
use crate::error::{CliError, INTERRUPTED};
use crate::explain;
use crate::terminal::{self, Style, visible};

/// Says how the task ended; its exit code.
pub(super) async fn end(client: &Client, started: &Started, task: &Task) -> Result<ExitCode, CliError> {
    let style = Style::stderr();
    terminal::note(ending(started, task, style).trim_end());
    if exit::is_failed_start(task) {
        terminal::note(explanation(client, started, style).await.trim_end());
    }
    Ok(ExitCode::from(exit::of_task(&started.definition, task)))
}

/// AWS's reason, and the containers that did not end well.
fn ending(started: &Started, task: &Task, style: Style) -> String {
    let reason = visible(task.stopped_reason.as_deref().unwrap_or("stopped"));
    let code = exit::of_task(&started.definition, task);
    let mut text = if code == 0 { format!("{reason}\n") } else { format!("{}\n", style.red(&reason)) };
    for container in task.containers.iter().flatten() {
        if let Some(line) = container_line(container) {
            text.push_str(&line);
        }
    }
    text
}

fn container_line(container: &Container) -> Option<String> {
    let name = container.name.as_deref().unwrap_or_default();
    let reason = container.reason.as_deref().map(|reason| format!(": {}", visible(reason)));
    match (container.exit_code, reason) {
        (Some(0) | None, None) => None,
        (None, Some(reason)) => Some(format!("container `{name}`{reason}\n")),
        (Some(code), reason) => {
            Some(format!("container `{name}` ended with {code}{}\n", reason.unwrap_or_default()))
        }
    }
}

async fn explanation(client: &Client, started: &Started, style: Style) -> String {
    let failed = match explain::describe(client, &started.name()).await {
        Ok(start) => explain::failure_text(&start, style),
        Err(error) => format!("why cannot be told: {error}\n"),
    };
    format!("{failed}{} `landfall explain {}` shows every step\n", style.cyan("hint:"), started.id())
}

/// The user interrupted: the task is not the command's to stop.
pub(super) fn stopped_watching(started: &Started, interrupted: std::io::Result<()>) -> CliError {
    let stop =
        format!("stop it with `aws ecs stop-task --cluster {} --task {}`", started.cluster, started.id());
    match interrupted {
        Ok(()) => CliError::new("stopped watching; the task goes on").hint(stop).code(INTERRUPTED),
        Err(error) => {
            CliError::new(format!("cannot listen for Ctrl-C: {error}; the task goes on")).hint(stop)
        }
    }
}

/// The task as programs read it.
pub(super) fn json(started: &Started, task: &Task) -> Value {
    let containers = task.containers.iter().flatten();
    let stopped = task.last_status.as_deref() == Some("STOPPED");
    json!({
        "task": started.arn,
        "task_definition": started.definition.task_definition_arn,
        "cluster": started.cluster,
        "last_status": task.last_status,
        "stop_code": task.stop_code.as_ref().map(TaskStopCode::as_str),
        "stopped_reason": task.stopped_reason,
        "exit_code": stopped.then(|| exit::of_task(&started.definition, task)),
        "containers": containers.map(container_json).collect::<Vec<_>>(),
    })
}

fn container_json(container: &Container) -> Value {
    json!({"name": container.name, "exit_code": container.exit_code, "reason": container.reason})
}

#[cfg(test)]
mod tests {
    use landfall_api::ecs::TaskDefinition;

    use super::*;

    fn started() -> Started {
        Started {
            arn: "arn:aws:ecs:us-east-1:000000000000:task/default/0123".to_owned(),
            task: Task::default(),
            definition: TaskDefinition {
                task_definition_arn: Some("arn:td/web:1".to_owned()),
                ..TaskDefinition::default()
            },
            cluster: "default".to_owned(),
        }
    }

    fn task(code: Option<i32>, reason: Option<&str>, stop_code: TaskStopCode, stopped: &str) -> Task {
        let container = Container {
            name: Some("app".to_owned()),
            exit_code: code,
            reason: reason.map(str::to_owned),
            ..Container::default()
        };
        Task {
            last_status: Some("STOPPED".to_owned()),
            stop_code: Some(stop_code),
            stopped_reason: Some(stopped.to_owned()),
            containers: Some(vec![container]),
            ..Task::default()
        }
    }

    #[test]
    fn endings() {
        let exited = TaskStopCode::EssentialContainerExited;
        let texts = [
            task(Some(0), None, exited.clone(), "Essential container in task exited"),
            task(Some(3), None, exited.clone(), "Essential container in task exited"),
            task(Some(137), Some("OutOfMemoryError: killed"), exited, "Essential container in task exited"),
            task(None, None, TaskStopCode::TaskFailedToStart, "CannotPullContainerError: \u{1b}[2J401"),
        ]
        .map(|task| ending(&started(), &task, Style::plain()));
        insta::assert_snapshot!(texts.join("--\n"));
    }

    #[test]
    fn an_interruption_leaves_the_task_alone() {
        insta::assert_snapshot!(stopped_watching(&started(), Ok(())).text(), @r"
        error: stopped watching; the task goes on
        hint: stop it with `aws ecs stop-task --cluster default --task 0123`
        exit code 130
        ");
    }

    #[test]
    fn json_for_programs() {
        let task =
            task(Some(3), None, TaskStopCode::EssentialContainerExited, "Essential container in task exited");
        insta::assert_snapshot!(serde_json::to_string_pretty(&json(&started(), &task)).unwrap());
    }
}
