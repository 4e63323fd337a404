//! How far the containers of a task are, as far as others wait for it: `dependsOn`. [`verdict`] decides and does nothing.

use std::collections::BTreeMap;

use landfall_acs::{Condition, Health};
use landfall_base::Timestamp;
use tokio::sync::watch;

/// How far a container is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// When its program began.
    pub(crate) started_at: Option<Timestamp>,
    /// Its program has ended, or it will never run.
    pub(crate) ended: bool,
    /// How its program ended, if it ever ran.
    pub(crate) exit_code: Option<i32>,
    /// What its last health check made of it.
    pub(crate) health: Option<HealthFact>,
}

/// What health checks found.
#[derive(Debug, Clone)]
pub(crate) struct HealthFact {
    /// What counts.
    pub(crate) health: Health,
    /// Since when.
    pub(crate) since: Timestamp,
    /// How the last check ended; `None` if it took too long or could not run.
    pub(crate) exit_code: Option<i32>,
    /// What the last check wrote.
    pub(crate) output: String,
}

/// The containers of a task by name.
#[derive(Debug)]
pub(crate) struct Board(watch::Sender<BTreeMap<String, Progress>>);

impl Default for Board {
    fn default() -> Self {
        Self(watch::channel(BTreeMap::new()).0)
    }
}

impl Board {
    /// Notes something about a container.
    pub(crate) fn note(&self, container: &str, change: impl FnOnce(&mut Progress)) {
        self.0.send_modify(|all| change(all.entry(container.to_owned()).or_default()));
    }

    /// What is known of a container.
    pub(crate) fn of(&self, container: &str) -> Progress {
        self.0.borrow().get(container).cloned().unwrap_or_default()
    }

    /// Tells when something has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<BTreeMap<String, Progress>> {
        self.0.subscribe()
    }
}

/// What a dependency says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Holds,
    /// It may hold later; until this moment, if there is one.
    Waits(Option<Timestamp>),
    /// It cannot hold any more.
    Never,
    /// It has not come to hold in time.
    TimedOut,
}

/// Whether a condition holds of a container (Developer Guide, `dependsOn`). Its `startTimeout` counts from its start and does
/// not matter to `START`.
pub(crate) fn verdict(
    condition: Condition,
    of: &Progress,
    start_timeout: Option<u32>,
    now: Timestamp,
) -> Verdict {
    let holds = match condition {
        Condition::Start => of.started_at.is_some() || of.ended,
        Condition::Complete => of.ended,
        Condition::Success => of.ended && of.exit_code == Some(0),
        Condition::Healthy => of.health.as_ref().is_some_and(|it| it.health == Health::Healthy),
    };
    if holds {
        return Verdict::Holds;
    }
    if of.ended {
        return Verdict::Never;
    }
    let deadline =
        of.started_at.zip(start_timeout).map(|(since, seconds)| since.plus_seconds(seconds.into()));
    match deadline.filter(|_| condition != Condition::Start) {
        Some(deadline) if deadline <= now => Verdict::TimedOut,
        deadline => Verdict::Waits(deadline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let at = Timestamp::from_millis;
        let new = Progress::default();
        let runs = Progress { started_at: Some(at(1000)), ..Progress::default() };
        let ended = |code| Progress { ended: true, exit_code: code, ..runs.clone() };
        let checked = |health| Progress {
            health: Some(HealthFact { health, since: at(0), exit_code: None, output: String::new() }),
            ..runs.clone()
        };
        let (start, complete, success, healthy) =
            (Condition::Start, Condition::Complete, Condition::Success, Condition::Healthy);
        for (condition, progress, timeout, expected) in [
            (start, new.clone(), Some(1), Verdict::Waits(None)),
            (start, runs.clone(), Some(1), Verdict::Holds),
            (start, ended(Some(1)), None, Verdict::Holds),
            (complete, new.clone(), Some(1), Verdict::Waits(None)),
            (complete, runs.clone(), None, Verdict::Waits(None)),
            (complete, runs.clone(), Some(60), Verdict::Waits(Some(at(61_000)))),
            (complete, runs.clone(), Some(9), Verdict::TimedOut),
            (complete, ended(Some(3)), Some(9), Verdict::Holds),
            (success, ended(Some(0)), None, Verdict::Holds),
            (success, ended(Some(3)), None, Verdict::Never),
            (success, ended(None), None, Verdict::Never),
            (healthy, checked(Health::Unhealthy), None, Verdict::Waits(None)),
            (healthy, checked(Health::Unhealthy), Some(9), Verdict::TimedOut),
            (healthy, checked(Health::Healthy), Some(9), Verdict::Holds),
            (healthy, ended(Some(0)), None, Verdict::Never),
        ] {
            assert_eq!(
                verdict(condition, &progress, timeout, at(10_000)),
                expected,
                "{condition:?} {progress:?}"
            );
        }
    }
}
