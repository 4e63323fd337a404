//! Rotations under way: begun, taken from step to step, tried again, given up, ended.

use std::sync::Arc;

use landfall_api::sts::Credentials;
use landfall_base::{Timestamp, random};
use landfall_iam::Principal;
use landfall_store::{StoreError, Tx, View, WriteError};

use super::super::encryption::SealingKey;
use super::super::record::{SECRETS, Secret, SecretKey, VERSIONS};
use super::super::stages::{CURRENT, PENDING};
use super::super::value::SecretValue;
use super::super::{replication, versions};
use super::function::{self, Function, PRINCIPAL};
use super::{DUE, Purpose, ROTATIONS, Rotation, Run, Step};
use crate::pipe::{CallName, Caller, Context, Failure, Installation};
use crate::sts::{ServiceSession, assume_role_for_service, credentials_of_session};

/// How often a rotation is tried before it is given up.
const MOST_FAILURES: u32 = 5;

/// Seconds until the second try; each further one waits three times as long.
const FIRST_WAIT: i64 = 5;

/// The service that functions belong to on AWS: the one that a function's role has to trust.
const LAMBDA: &str = "lambda.amazonaws.com";

/// What the audit log calls a rotation that is due.
const ROTATION: CallName = CallName::of::<landfall_api::secretsmanager::RotateSecret>();

/// A step that is to be taken now.
#[derive(Debug)]
pub struct Invocation {
    /// The secret.
    pub key: SecretKey,
    /// The rotation that it is a step of.
    pub run: Run,
    /// What is needed for it; or why the function cannot be invoked.
    pub ready: Result<Ready, String>,
    /// The event: step, secret and version, as Lambda hands it to functions.
    pub event: String,
}

/// A function that can be invoked.
#[derive(Debug)]
pub struct Ready {
    /// The function.
    pub function: Arc<Function>,
    /// Its role.
    pub session: Caller,
    /// The same, for the function itself.
    pub credentials: Credentials,
}

/// Begins a rotation. The version that it makes is `AWSPENDING` from now on, though it has no value yet: functions look for
/// that. A version that an earlier rotation left pending is taken up again.
///
/// # Errors
/// A row cannot be read; for a test, what keeps the current value from being read.
pub(in crate::secretsmanager) fn begin(
    cx: &Context<'_>,
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    purpose: Purpose,
    token: Option<String>,
) -> Result<String, Failure> {
    let left = pending(secret).map(str::to_owned);
    // What an earlier rotation left is as good for a test.
    let copied = purpose == Purpose::Test && left.is_none();
    let token = left.or(token).unwrap_or_else(random::uuid);
    let step = match purpose {
        Purpose::Rotate => Step::Create,
        Purpose::Test => Step::Test,
    };
    if copied && !copy_current(cx, tx, key, secret, &token)? {
        return Ok(token);
    }
    secret.stages.pend(&token);
    let run = Run {
        token: token.clone(),
        purpose,
        copied,
        step,
        failures: 0,
        failure: None,
        not_before: cx.now,
        given_up: false,
        started_at: cx.now,
    };
    tx.put(&ROTATIONS, key, run);
    event("RotationStarted", secret, &token, None);
    Ok(token)
}

/// The version that is pending and not current.
fn pending(secret: &Secret) -> Option<&str> {
    let pending = secret.stages.version(PENDING);
    pending.filter(|pending| secret.stages.version(CURRENT) != Some(pending))
}

/// For a test: the current value under another version id. Whether there is one.
fn copy_current(
    cx: &Context<'_>,
    tx: &mut Tx,
    key: &SecretKey,
    secret: &Secret,
    token: &str,
) -> Result<bool, Failure> {
    let Some(current) = secret.stages.version(CURRENT) else { return Ok(false) };
    let Some(version) = versions::get(tx, key, current)? else { return Ok(false) };
    if versions::get(tx, key, token)?.is_some() {
        // The id of another version: nothing can be tested with it.
        return Ok(false);
    }
    let value = SecretValue::open(cx, tx, &secret.arn, current, &version)?;
    let sealing = SealingKey::of(cx, tx, &key.0, secret)?;
    let copy = value.seal(cx, &sealing, &secret.arn, token)?;
    let (account, region, name) = key;
    tx.put(&VERSIONS, &(account, region, name.as_str(), token), copy);
    Ok(true)
}

/// Ends a rotation that is under way; the pending version stays as it is. Its version.
///
/// # Errors
/// A row cannot be read.
pub(in crate::secretsmanager) fn cancel(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
) -> Result<Option<String>, StoreError> {
    let run = tx.get(&ROTATIONS, key)?;
    if let Some(run) = &run {
        tx.delete(&ROTATIONS, key);
        event("RotationAbandoned", secret, &run.token, None);
    }
    reschedule(tx, key, secret, None);
    Ok(run.map(|run| run.token.clone()))
}

/// Takes a secret out of the schedule and, with a time, in again.
pub(in crate::secretsmanager) fn reschedule(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    now: Option<Timestamp>,
) {
    let (account, region, name) = key;
    let Some(rotation) = &mut secret.rotation else { return };
    if let Some(next) = rotation.next.take() {
        tx.delete(&DUE, &(next.opens_at, account, region, name.as_str()));
    }
    let next = now.filter(|_| rotation.enabled).and_then(|now| rotation.rules.next(now));
    if let Some(next) = next {
        tx.put(&DUE, &(next.opens_at, account, region, name.as_str()), ());
    }
    rotation.next = next;
}

/// A new value by hand counts as a rotation where one is due so many days after the last (API reference,
/// `RotationRulesType`).
pub(in crate::secretsmanager) fn note_new_value(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    now: Timestamp,
) {
    let by_days = |rotation: &Rotation| rotation.rules.after_days.is_some();
    if secret.rotation.as_ref().is_some_and(by_days) {
        reschedule(tx, key, secret, Some(now));
    }
}

/// Ends a rotation that failed, whether it waits for another try or was given up, once somebody has brought it to its end
/// by hand: its version is current, or is no longer pending. A rotation is in progress as long as `AWSPENDING` is on
/// another version than `AWSCURRENT` (API reference, `RotateSecret`), so a new value beside it does not end it.
///
/// # Errors
/// A row cannot be read.
pub(in crate::secretsmanager) fn settle(
    tx: &mut Tx,
    key: &SecretKey,
    secret: &mut Secret,
    now: Timestamp,
) -> Result<(), StoreError> {
    // What is between the steps of another try is that try's own doing.
    let failed =
        |run: &Arc<Run>| run.purpose == Purpose::Rotate && run.failures > 0 && run.step == Step::Create;
    let Some(run) = tx.get(&ROTATIONS, key)?.filter(failed) else { return Ok(()) };
    if secret.stages.version(CURRENT) == Some(run.token.as_str()) {
        finish(tx, key, secret, &run, now);
    } else if secret.stages.version(PENDING) != Some(run.token.as_str()) {
        tx.delete(&ROTATIONS, key);
        event("RotationAbandoned", secret, &run.token, None);
    }
    Ok(())
}

/// Removes what belongs to the rotation of a secret that goes.
pub(in crate::secretsmanager) fn forget(tx: &mut Tx, key: &SecretKey, secret: &Secret) {
    let (account, region, name) = key;
    tx.delete(&ROTATIONS, key);
    if let Some(next) = secret.rotation.as_ref().and_then(|rotation| rotation.next) {
        tx.delete(&DUE, &(next.opens_at, account, region, name.as_str()));
    }
}

/// Begins every rotation that is due by the clock and says how many. To be called on a timer; windows that were missed count
/// as one.
///
/// # Errors
/// The index cannot be read.
pub fn start_due(installation: &Installation) -> Result<usize, Failure> {
    let now = installation.clock.now();
    let mut due = Vec::new();
    for row in installation.store.view().scan(&DUE, ()) {
        let ((opens_at, account, region, name), _) = row?;
        if opens_at > now {
            break;
        }
        due.push((account, region, name));
    }
    for key in &due {
        let started = installation.store.write("start a rotation", |tx| start(installation, tx, key));
        if let Err(error) = started.map_err(WriteError::flatten) {
            tracing::warn!(%error, secret = %key.2, region = %key.1, "a rotation was not started");
        }
    }
    Ok(due.len())
}

fn start(installation: &Installation, tx: &mut Tx, key: &SecretKey) -> Result<(), Failure> {
    let Some(row) = tx.get(&SECRETS, key)? else { return Ok(()) };
    let mut secret = Secret::clone(&row);
    let caller = service(key);
    let cx = Context::new(installation, &caller, ROTATION);
    reschedule(tx, key, &mut secret, Some(cx.now));
    let under_way = tx.get(&ROTATIONS, key)?.is_some_and(|run| !run.given_up);
    // A secret that is to be deleted waits for its end or its rescue.
    if secret.deletion.is_none() && !under_way {
        begin(&cx, tx, key, &mut secret, Purpose::Rotate, None)?;
    }
    replication::put(tx, key, &mut secret);
    Ok(())
}

/// Secrets Manager itself, in the Region of a secret.
fn service((account, region, _): &SecretKey) -> Caller {
    Caller::internal(Principal::service(PRINCIPAL), account.clone(), region.clone())
}

/// What is to be invoked now, but for secrets that `busy` holds.
///
/// # Errors
/// A row cannot be read.
pub fn next_invocations(
    installation: &Installation,
    busy: impl Fn(&SecretKey) -> bool,
) -> Result<Vec<Invocation>, Failure> {
    let (now, view) = (installation.clock.now(), installation.store.view());
    let mut found = Vec::new();
    for row in view.scan(&ROTATIONS, ()) {
        let (key, run) = row?;
        if run.given_up || run.not_before > now || busy(&key) {
            continue;
        }
        let Some(secret) = view.get(&SECRETS, &key)? else { continue };
        if secret.deletion.is_some() {
            continue;
        }
        let ready = ready(installation, &view, &key, &secret, &run)?;
        let event = serde_json::json!({
            "Step": run.step.name(),
            "SecretId": secret.arn.as_str(),
            "ClientRequestToken": run.token,
        });
        found.push(Invocation { key, run: Run::clone(&run), ready, event: event.to_string() });
    }
    Ok(found)
}

fn ready(
    installation: &Installation,
    view: &View,
    key: &SecretKey,
    secret: &Secret,
    run: &Run,
) -> Result<Result<Ready, String>, Failure> {
    let caller = service(key);
    let cx = Context::new(installation, &caller, ROTATION);
    let arn = secret.rotation.as_ref().map(|rotation| rotation.function_arn.as_str());
    let function = match function::invocable(&cx, view, secret, arn.unwrap_or_default()) {
        Ok(function) => function,
        Err(Failure::Service(error)) => return Ok(Err(error.message)),
        Err(failure) => return Err(failure),
    };
    let session = format!("{}-{}", function.name, run.token);
    let wanted = ServiceSession {
        service: LAMBDA,
        role_arn: &function.role_arn,
        session_name: session.get(..64).unwrap_or(&session),
        source_arn: function.arn.as_str(),
        region: cx.region(),
    };
    match assume_role_for_service(installation, view, &wanted).0 {
        Ok(session) => {
            let credentials = credentials_of_session(installation, &session)?;
            Ok(Ok(Ready { function, session, credentials }))
        }
        Err(Failure::Service(error)) => Ok(Err(error.message)),
        Err(failure) => Err(failure),
    }
}

/// Takes what came of an invocation: the next step, the end, or another try. What was cancelled in the meantime stays so.
///
/// # Errors
/// A row cannot be read or the disk did not take the change.
pub fn conclude(
    installation: &Installation,
    invocation: &Invocation,
    outcome: Result<(), String>,
) -> Result<(), Failure> {
    let written = installation.store.write("take a step of a rotation", |tx| {
        take(installation, tx, &invocation.key, &invocation.run, outcome)
    });
    written.map_err(WriteError::flatten)
}

fn take(
    installation: &Installation,
    tx: &mut Tx,
    key: &SecretKey,
    taken: &Run,
    outcome: Result<(), String>,
) -> Result<(), Failure> {
    let Some(run) = tx.get(&ROTATIONS, key)? else { return Ok(()) };
    let same = (&run.token, run.step, run.failures) == (&taken.token, taken.step, taken.failures);
    let Some(secret) = tx.get(&SECRETS, key)?.filter(|_| same && !run.given_up) else { return Ok(()) };
    let (mut run, mut secret) = (Run::clone(&run), Secret::clone(&secret));
    let now = installation.clock.now();
    match outcome {
        Err(reason) => fail(tx, key, &mut secret, run, reason, now),
        Ok(()) if run.purpose == Purpose::Test => end_test(tx, key, &mut secret, &run),
        Ok(()) => match run.step.next() {
            Some(step) => {
                run.step = step;
                tx.put(&ROTATIONS, key, run);
            }
            None if secret.stages.version(CURRENT) == Some(run.token.as_str()) => {
                finish(tx, key, &mut secret, &run, now);
            }
            None => {
                let reason = format!("finishSecret did not make version {} AWSCURRENT", run.token);
                fail(tx, key, &mut secret, run, reason, now);
            }
        },
    }
    Ok(())
}

fn finish(tx: &mut Tx, key: &SecretKey, secret: &mut Secret, run: &Run, now: Timestamp) {
    tx.delete(&ROTATIONS, key);
    if let Some(rotation) = &mut secret.rotation {
        rotation.last_rotated_at = Some(now);
    }
    secret.changed_at = now;
    reschedule(tx, key, secret, Some(now));
    event("RotationSucceeded", secret, &run.token, None);
    replication::put(tx, key, secret);
}

fn end_test(tx: &mut Tx, key: &SecretKey, secret: &mut Secret, run: &Run) {
    tx.delete(&ROTATIONS, key);
    remove_test(tx, key, secret, run);
    event("TestRotationSucceeded", secret, &run.token, None);
}

/// The version that was made for a test goes.
fn remove_test(tx: &mut Tx, key: &SecretKey, secret: &mut Secret, run: &Run) {
    if !run.copied {
        return;
    }
    let (account, region, name) = key;
    secret.stages.unpend(&run.token);
    tx.delete(&VERSIONS, &(account, region, name.as_str(), run.token.as_str()));
    replication::put(tx, key, secret);
}

/// A rotation that failed begins anew after a while: functions are written so that each step can be repeated.
fn fail(tx: &mut Tx, key: &SecretKey, secret: &mut Secret, mut run: Run, reason: String, now: Timestamp) {
    let name = match run.purpose {
        Purpose::Rotate => "RotationFailed",
        Purpose::Test => "TestRotationFailed",
    };
    event(name, secret, &run.token, Some((run.step, &reason)));
    run.failures += 1;
    let wait = FIRST_WAIT.saturating_mul(3_i64.saturating_pow(run.failures - 1));
    run.not_before = now.plus_seconds(wait);
    run.failure = Some(format!("{}: {reason}", run.step.name()));
    match run.purpose {
        Purpose::Rotate => {
            run.given_up = run.failures >= MOST_FAILURES;
            run.step = Step::Create;
        }
        Purpose::Test => {
            run.given_up = true;
            remove_test(tx, key, secret, &run);
        }
    }
    tx.put(&ROTATIONS, key, run);
}

/// What CloudTrail has as events of the service itself.
fn event(name: &str, secret: &Secret, token: &str, failed: Option<(Step, &String)>) {
    let (step, reason) = failed.map(|(step, reason)| (step.name(), reason.as_str())).unzip();
    tracing::info!(
        target: "audit", service = "secretsmanager", event = name, secret = %secret.arn, version = token, step, reason
    );
}
