//! Circumstances of a step for tests: nothing is known beside the step.

use landfall_base::AccountId;

use super::{Advised, Circumstances, LogWords, NewRole};
use crate::ecs::launch::plan::Step;

/// What circumstances borrow.
pub(in crate::ecs::launch) struct Plain {
    account: AccountId,
    words: LogWords,
    new_role: NewRole,
    advised: Advised,
}

impl Plain {
    /// In the account of tests.
    pub(in crate::ecs::launch) fn new() -> Self {
        let account = crate::testing::account();
        Self {
            new_role: NewRole::of(&account, false),
            account,
            words: LogWords::default(),
            advised: Advised::default(),
        }
    }

    /// Of this step.
    pub(in crate::ecs::launch) fn of<'a>(&'a self, step: &'a Step) -> Circumstances<'a> {
        Circumstances {
            step,
            account: &self.account,
            bucket_owner: None,
            advised: &self.advised,
            role: None,
            policy: None,
            denied: None,
            denying: &[],
            key: None,
            namesakes: &[],
            boundary: None,
            needs: &[],
            absent: &[],
            mends: &[],
            anew: false,
            current: None,
            example: "VALUE",
            log_words: &self.words,
            new_role: &self.new_role,
            home: "us-east-1",
            stranger: None,
        }
    }
}
