//! `ScheduleKeyDeletion`: has a key deleted after a waiting period.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::record::Key;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    days: i32,
}

impl Resolve for api::ScheduleKeyDeletion {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:ScheduleKeyDeletion")?;
        let days = rules::deletion_window(input.pending_window_in_days)?;
        let permission = permission.with("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string());
        Ok(Checked::one(Request { target, days }, permission))
    }
}

impl WriteHandler for api::ScheduleKeyDeletion {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, days } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.present()?));
        let deletion_at = rules::days_after(cx.now, days);
        key.enabled = false;
        key.deletion_at = Some(deletion_at);
        key.rotation = None;
        keys::put(tx, &target.place, &key)?;
        Ok(api::ScheduleKeyDeletionResponse {
            key_id: Some(key.arn.to_string()),
            deletion_date: Some(deletion_at),
            key_state: Some(rules::state(&key).into()),
            pending_window_in_days: Some(days),
        })
    }
}
