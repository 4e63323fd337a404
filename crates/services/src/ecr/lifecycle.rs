//! Lifecycle policies at work: what they would do now, and doing it.

use std::collections::{BTreeMap, HashMap};

use landfall_base::Timestamp;
use landfall_registry::Digest;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View, WriteError};

use super::record::{IMAGES, REPOSITORIES, RepositoryKey};
use super::registry;
use super::rules::lifecycle::{Candidate, Policy};
use super::rules::wording;
use crate::pipe::{Failure, Installation};

/// How often a policy is applied, in seconds. AWS promises a day.
const EVERY: i64 = 3600;

/// A policy that somebody wants to set or to preview.
///
/// # Errors
/// `InvalidParameterException`
pub(super) fn parse(text: &str) -> Result<Policy, ServiceError> {
    let refuse = |reason: String| {
        wording::invalid("LifecyclePolicyText", &format!("Lifecycle policy validation failure: {reason}"))
    };
    Policy::parse(text).map_err(refuse)
}

/// The images of a repository that a policy lets go of now, with the priorities of its rules, ordered by digest. What is about
/// an image, its signatures for one, goes with it (ECR User Guide, "Lifecycle policy evaluation rules").
///
/// # Errors
/// A row cannot be read.
pub(super) fn expiring(
    view: &View,
    key: &RepositoryKey,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<(Digest, i32)>, StoreError> {
    let (account, region, name) = key;
    let (mut digests, mut candidates, mut about) = (Vec::new(), Vec::new(), HashMap::<_, Vec<_>>::new());
    for row in view.scan(&IMAGES, (account, region, name.as_str())) {
        let (_, image) = row?;
        let digest = image.manifest.digest;
        let held = registry::is_named(view, key, digest);
        if let Some(subject) = image.manifest.subject.filter(|_| !held) {
            about.entry(subject).or_default().push(digest);
        }
        digests.push(digest);
        candidates.push(Candidate {
            tags: registry::tags_of(view, key, digest)?,
            pushed_at: image.pushed_at,
            pulled_at: registry::pulled_at(view, key, digest)?,
            held,
        });
    }
    let chosen = policy.expiring(&candidates, now).into_iter();
    let chosen = chosen.filter_map(|(at, priority)| Some((*digests.get(at)?, priority)));
    Ok(with_artifacts(chosen.collect(), about).into_iter().collect())
}

/// Images that go, and what is about them, and about that.
fn with_artifacts(
    mut expiring: BTreeMap<Digest, i32>,
    mut about: HashMap<Digest, Vec<Digest>>,
) -> BTreeMap<Digest, i32> {
    let mut gone: Vec<_> = expiring.iter().map(|(digest, priority)| (*digest, *priority)).collect();
    while let Some((subject, priority)) = gone.pop() {
        for artifact in about.remove(&subject).unwrap_or_default() {
            if expiring.insert(artifact, priority).is_none() {
                gone.push((artifact, priority));
            }
        }
    }
    expiring
}

/// Applies every policy that has not been applied for an hour; the number of images that went.
///
/// # Errors
/// A row cannot be read or the disk did not take the change.
pub(super) fn reconcile(installation: &Installation) -> Result<usize, Failure> {
    let now = installation.clock.now();
    let mut expired = 0;
    for row in installation.store.view().scan(&REPOSITORIES, ()) {
        let (key, repository) = row?;
        let due = |at: Option<Timestamp>| at.is_none_or(|at| at.plus_seconds(EVERY) <= now);
        if repository.lifecycle.as_ref().is_some_and(|lifecycle| due(lifecycle.evaluated_at)) {
            expired += apply(installation, &key, now)?;
        }
    }
    Ok(expired)
}

fn apply(installation: &Installation, key: &RepositoryKey, now: Timestamp) -> Result<usize, Failure> {
    let written = installation.store.write("apply a lifecycle policy", |tx| {
        let Some(repository) = registry::find_repository(tx, key)? else { return Ok(0) };
        let Some(lifecycle) = &repository.lifecycle else { return Ok(0) };
        let policy = Policy::parse(&lifecycle.text).map_err(Failure::internal)?;
        let expiring = expiring(tx, key, &policy, now)?;
        for (digest, _) in &expiring {
            registry::remove_image(tx, key, *digest)?;
        }
        tx.update(&REPOSITORIES, key, |row| {
            if let Some(lifecycle) = &mut row.lifecycle {
                lifecycle.evaluated_at = Some(now);
            }
        })?;
        Ok::<_, Failure>(expiring.len())
    });
    written.map_err(WriteError::flatten)
}
