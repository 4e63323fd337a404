//! Health checks of containers, as Docker makes them: a further process in the container, from time to time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use landfall_acs::{ContainerAssignment, ContainerState, Health, HealthCheck, TaskPhase, TaskReport};
use landfall_base::Timestamp;
use landfall_runtime::{ContainerId, ContainerStatus, ExecOutcome, ExecSpec, RuntimeError};

use super::board::HealthFact;
use super::spec::{CWD_LABEL, USER_LABEL};
use super::{Task, report};

/// Most characters of a check's output that are kept, as with Docker.
const OUTPUT: usize = 4096;

/// What checks so far make of a container.
#[derive(Debug, Clone, Copy)]
struct Judge {
    health: Health,
    /// Failures in a row.
    failures: u32,
    /// A check has passed: from then on the start period is over.
    begun: bool,
}

impl Judge {
    const NEW: Self = Self { health: Health::Unknown, failures: 0, begun: false };

    /// Takes the outcome of a check.
    fn take(&mut self, passed: bool, in_start_period: bool, retries: u32) -> Health {
        if passed {
            *self = Self { health: Health::Healthy, failures: 0, begun: true };
        } else if self.begun || !in_start_period {
            self.failures = self.failures.saturating_add(1);
            if self.failures >= retries {
                self.health = Health::Unhealthy;
            }
        }
        self.health
    }
}

/// Checks a container until its program has ended.
pub(super) async fn watch(task: Arc<Task>, container: ContainerAssignment, id: ContainerId) {
    let Some(check) = container.health_check.clone() else { return };
    let Some(exec) = exec_spec(&task, &check, &id).await else { return };
    let mut judge = Judge::NEW;
    loop {
        tokio::time::sleep(seconds(check.interval)).await;
        let Some(started_at) = running_since(&task, &id).await else { return };
        let began = task.now();
        let outcome = run(&task, &id, exec.clone(), seconds(check.timeout)).await;
        if matches!(outcome, Err(RuntimeError::NotRunning(_) | RuntimeError::NoSuchContainer(_))) {
            return;
        }
        let in_start_period = began < started_at.plus_seconds(check.start_period.into());
        let passed = matches!(&outcome, Ok(ExecOutcome { code: Some(0), .. }));
        let before = judge.health;
        let health = judge.take(passed, in_start_period, check.retries);
        note(&task, &container, health, before, outcome);
        if health != before {
            tell(&task, &container, health).await;
        }
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn note(
    task: &Task,
    container: &ContainerAssignment,
    health: Health,
    before: Health,
    outcome: Result<ExecOutcome, RuntimeError>,
) {
    let (exit_code, output) = match outcome {
        Ok(ExecOutcome { code: Some(code), output }) => (Some(code), text(&output)),
        Ok(ExecOutcome { code: None, .. }) => {
            (None, format!("Health check exceeded timeout ({}s)", timeout_of(container)))
        }
        Err(error) => (None, error.to_string()),
    };
    let now = task.now();
    task.board.note(&container.name, |progress| {
        let since = progress.health.as_ref().filter(|_| health == before).map_or(now, |fact| fact.since);
        progress.health = Some(HealthFact { health, since, exit_code, output });
    });
}

fn timeout_of(container: &ContainerAssignment) -> u32 {
    container.health_check.as_ref().map_or(0, |check| check.timeout)
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).chars().take(OUTPUT).collect()
}

async fn tell(task: &Arc<Task>, container: &ContainerAssignment, health: Health) {
    let mut told = report::container(&container.name, ContainerState::Running);
    told.health = Some(health);
    // Says nothing of how far the task is: that of a task that starts would be raised.
    let phase = TaskPhase::Pending;
    task.parts.control.report(TaskReport { containers: vec![told], ..report::empty(task, phase) }).await;
}

async fn running_since(task: &Arc<Task>, id: &ContainerId) -> Option<Timestamp> {
    let id = id.clone();
    match task.blocking(move |_, runtime| runtime.status(&id)).await {
        Ok(ContainerStatus::Running { started_at, .. }) => Some(Timestamp::from_millis(started_at)),
        _ => None,
    }
}

async fn run(
    task: &Arc<Task>,
    id: &ContainerId,
    exec: ExecSpec,
    timeout: Duration,
) -> Result<ExecOutcome, RuntimeError> {
    let id = id.clone();
    task.blocking(move |_, runtime| runtime.exec(&id, &exec, timeout)).await
}

/// The command, as the container's own user in its own directory: the server that started it may have been another.
async fn exec_spec(task: &Arc<Task>, check: &HealthCheck, id: &ContainerId) -> Option<ExecSpec> {
    let args = arguments(&check.command)?;
    let of = id.clone();
    let labels = task.blocking(move |_, runtime| {
        let found = runtime.list()?.containers.into_iter().find(|container| container.id == of);
        Ok(found.map(|container| container.labels).unwrap_or_default())
    });
    let labels = labels.await.unwrap_or_default();
    let label = |name: &str| labels.get(name).cloned();
    Some(ExecSpec {
        args,
        env: Vec::new(),
        cwd: label(CWD_LABEL).map_or_else(|| PathBuf::from("/"), PathBuf::from),
        user: label(USER_LABEL).unwrap_or_default(),
    })
}

/// What is run for a check's `command`; `NONE` is no check.
fn arguments(command: &[String]) -> Option<Vec<String>> {
    match command.split_first() {
        Some((kind, words)) if kind == "CMD" => Some(words.to_vec()),
        Some((kind, words)) if kind == "CMD-SHELL" => {
            let shell = ["/bin/sh", "-c"].map(str::to_owned);
            Some(shell.into_iter().chain(words.first().cloned()).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_count_once_the_start_period_is_over() {
        let judged = |outcomes: &[(bool, bool)]| {
            let mut judge = Judge::NEW;
            outcomes.iter().map(|(passed, starting)| judge.take(*passed, *starting, 2)).last().unwrap()
        };
        let (pass, fail) = (true, false);
        for (outcomes, expected) in [
            (vec![(fail, false)], Health::Unknown),
            (vec![(fail, false), (fail, false)], Health::Unhealthy),
            (vec![(fail, true), (fail, true), (fail, true)], Health::Unknown),
            (vec![(fail, true), (fail, false), (fail, false)], Health::Unhealthy),
            (vec![(pass, true)], Health::Healthy),
            (vec![(pass, true), (fail, true), (fail, true)], Health::Unhealthy),
            (vec![(pass, false), (fail, false)], Health::Healthy),
            (vec![(fail, false), (pass, false), (fail, false)], Health::Healthy),
            (vec![(fail, false), (fail, false), (pass, false)], Health::Healthy),
        ] {
            assert_eq!(judged(&outcomes), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn commands() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(arguments(&words(&["CMD", "a", "b"])), Some(words(&["a", "b"])));
        assert_eq!(arguments(&words(&["CMD-SHELL", "a b"])), Some(words(&["/bin/sh", "-c", "a b"])));
        assert_eq!(arguments(&words(&["NONE"])), None);
    }
}
