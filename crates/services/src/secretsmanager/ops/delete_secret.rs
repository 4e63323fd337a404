//! `DeleteSecret`: schedules a deletion, or deletes at once.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_base::Timestamp;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::reconcile::deletion_key;
use crate::secretsmanager::record::{DELETIONS, SECRETS, Secret};
use crate::secretsmanager::rules::{self, DeletionMode};
use crate::secretsmanager::target::Target;
use crate::secretsmanager::versions::remove_secret;

/// A secret to be deleted.
#[derive(Debug)]
pub struct Request {
    target: Target,
    mode: DeletionMode,
}

impl Resolve for api::DeleteSecret {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (window, force) = (input.recovery_window_in_days, input.force_delete_without_recovery);
        let mode = DeletionMode::of(window, force)?;
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target
            .permission("secretsmanager:DeleteSecret")
            .with_some("secretsmanager:RecoveryWindowInDays", window.map(|days| days.to_string()))
            .with_some("secretsmanager:ForceDeleteWithoutRecovery", force.map(|force| force.to_string()));
        Ok(Checked::one(Request { target, mode }, permission))
    }
}

impl WriteHandler for api::DeleteSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, mode } = request.into_request();
        match mode {
            DeletionMode::Now => delete_now(cx, tx, &target),
            DeletionMode::After(days) => schedule(cx, tx, &target, days),
        }
    }
}

/// A secret that is gone already is no error: a repeated call must succeed.
fn delete_now(cx: &Context<'_>, tx: &mut Tx, target: &Target) -> Result<api::DeleteSecretResponse, Failure> {
    if let Ok(secret) = target.existing() {
        rules::check_deletable(target.own()?)?;
        remove_secret(tx, &target.key, secret)?;
    }
    Ok(answer(target, cx.now))
}

fn schedule(
    cx: &Context<'_>,
    tx: &mut Tx,
    target: &Target,
    days: i64,
) -> Result<api::DeleteSecretResponse, Failure> {
    let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
    rules::check_deletable(&secret)?;
    let deletion = rules::schedule(cx.now, days);
    secret.deletion = Some(deletion);
    secret.changed_at = cx.now;
    tx.put(&DELETIONS, &deletion_key(deletion, &target.key), ());
    tx.put(&SECRETS, &target.key, secret);
    Ok(answer(target, deletion.due_at))
}

fn answer(target: &Target, date: Timestamp) -> api::DeleteSecretResponse {
    let name = target.existing().map_or_else(|_| target.key.2.clone(), |secret| secret.name.clone());
    api::DeleteSecretResponse {
        arn: Some(target.arn.to_string()),
        name: Some(name),
        deletion_date: Some(date),
    }
}
