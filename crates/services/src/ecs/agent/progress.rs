//! How far the pulls of starting tasks and of checks are. In memory only: it is told many times a second, and after a
//! restart the pull begins anew.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use landfall_acs::{PullProgress, TellPull};
use landfall_base::AccountId;

/// Most tasks that are remembered; a task that is forgotten is told again with its next layer.
const MOST: usize = 1024;

/// By task ARN, or by what [`PullOfCheck`] is called. Of the process, not of the control plane: the operation that shows it
/// only knows the installation, and task ids are unique.
static PULLS: LazyLock<Mutex<HashMap<String, PullProgress>>> = LazyLock::new(Mutex::default);

fn pulls() -> MutexGuard<'static, HashMap<String, PullProgress>> {
    PULLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far the pulls of a task are, while there are any.
pub fn pull_progress(task_arn: &str) -> Option<PullProgress> {
    pulls().get(task_arn).copied()
}

pub(super) fn set(task_arn: &str, progress: PullProgress) {
    let mut pulls = pulls();
    if pulls.len() >= MOST && !pulls.contains_key(task_arn) {
        pulls.clear();
    }
    pulls.insert(task_arn.to_owned(), progress);
}

/// Called when a task is past its pulls.
pub(super) fn forget(task_arn: &str) {
    pulls().remove(task_arn);
}

/// The pulls of a check, as the account names them that asks for it. They are told as long as this is held.
#[derive(Debug)]
pub struct PullOfCheck(String);

impl PullOfCheck {
    /// Pulls that begin.
    pub fn begin(account: &AccountId, token: &str) -> Self {
        let name = of_check(account, token);
        set(&name, PullProgress::default());
        Self(name)
    }

    /// Who tells how far they are.
    pub fn teller(&self) -> TellPull {
        let name = self.0.clone();
        Box::new(move |progress| set(&name, progress))
    }
}

impl Drop for PullOfCheck {
    fn drop(&mut self) {
        forget(&self.0);
    }
}

/// How far the pulls of a check are, while there are any.
pub fn pull_of_check(account: &AccountId, token: &str) -> Option<PullProgress> {
    pull_progress(&of_check(account, token))
}

/// No ARN begins like this.
fn of_check(account: &AccountId, token: &str) -> String {
    format!("{account}/{token}")
}
