//! Replication between the Regions and accounts of the installation. A push queues what is to be done; [`reconcile`] does it.
//! Bytes are shared, so only rows are copied. What was replicated is not replicated again from there.

use std::collections::HashSet;
use std::iter;
use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_base::{AccountId, Region, Timestamp};
use landfall_iam::Principal;
use landfall_registry::Digest;
use landfall_store::{StoreError, Tx, View, WriteError};

use super::record::{Image, REPLICAS, REPLICATION, REPLICATION_QUEUE, Replica, Repository, RepositoryKey};
use super::registry::{self, Put};
use super::{creation, registry::layer_size};
use crate::pipe::{CallName, Caller, Context, Failure, Installation, Unsaid, is_allowed};

/// What the audit log calls it when an image comes to another registry.
const REPLICATING: CallName = CallName::new("ecr", "ReplicateImage");

/// How many images one transaction replicates.
const BATCH: usize = 50;

/// A row of the queue: repository, digest, `<region>/<account>`.
type Job = (AccountId, Region, String, String, String);

/// Queues an image that was pushed, for each destination of its repository.
///
/// # Errors
/// A row cannot be read.
pub(super) fn enqueue(tx: &mut Tx, key: &RepositoryKey, digest: Digest) -> Result<(), StoreError> {
    let (account, region, name) = key;
    let Some(configuration) = tx.get(&REPLICATION, &(account, region))? else { return Ok(()) };
    for destination in destinations(&configuration.0, name) {
        let to = format!("{}/{}", destination.region, destination.registry_id);
        let job = (account, region, name.as_str(), digest.to_string(), to);
        tx.put(
            &REPLICAS,
            &job,
            Replica { status: status(&api::ReplicationStatus::InProgress), failure: None },
        );
        tx.put(&REPLICATION_QUEUE, &job, ());
    }
    Ok(())
}

/// An image has come: what waits for it in one of the repository's indexes is queued again.
///
/// # Errors
/// A row cannot be read.
pub(super) fn enqueue_waiting(tx: &mut Tx, key: &RepositoryKey, digest: Digest) -> Result<(), StoreError> {
    let (account, region, name) = key;
    let (mut known, mut next) = (HashSet::new(), vec![digest]);
    while let Some(named) = next.pop() {
        for index in registry::named_by(tx, key, named)?.into_iter().filter(|index| known.insert(*index)) {
            next.push(index);
            for (job, replica) in tx.list(&REPLICAS, (account, region, name.as_str(), index.to_string()))? {
                if replica.status == status(&api::ReplicationStatus::InProgress) {
                    tx.put(&REPLICATION_QUEUE, &job, ());
                }
            }
        }
    }
    Ok(())
}

/// Where a repository is replicated to.
pub(super) fn destinations<'a>(
    configuration: &'a api::ReplicationConfiguration,
    name: &'a str,
) -> impl Iterator<Item = &'a api::ReplicationDestination> {
    let applies = move |rule: &&api::ReplicationRule| {
        let filters = rule.repository_filters.as_deref().unwrap_or_default();
        filters.is_empty() || filters.iter().any(|filter| name.starts_with(&filter.filter))
    };
    configuration.rules.iter().filter(applies).flat_map(|rule| &rule.destinations)
}

fn status(status: &api::ReplicationStatus) -> String {
    status.as_str().to_owned()
}

/// Does what is queued; the number of images.
///
/// # Errors
/// A row cannot be read or the disk did not take the change.
pub fn reconcile(installation: &Installation) -> Result<usize, Failure> {
    let mut done = 0;
    loop {
        let jobs: Vec<Job> = next(&installation.store.view())?;
        if jobs.is_empty() {
            return Ok(done);
        }
        let now = installation.clock.now();
        let written = installation.store.write("replicate images", |tx| {
            for job in &jobs {
                replicate(installation, tx, job, now)?;
            }
            Ok::<_, Failure>(())
        });
        written.map_err(WriteError::flatten)?;
        done += jobs.len();
    }
}

fn next(view: &View) -> Result<Vec<Job>, StoreError> {
    view.scan(&REPLICATION_QUEUE, ()).take(BATCH).map(|row| row.map(|(job, _)| job)).collect()
}

fn replicate(installation: &Installation, tx: &mut Tx, job: &Job, now: Timestamp) -> Result<(), Failure> {
    tx.delete(&REPLICATION_QUEUE, job);
    let (account, region, name, digest, to) = job;
    let from = (account.clone(), region.clone(), name.clone());
    let image = digest.parse().ok().map(|digest| registry::image(tx, &from, digest)).transpose()?.flatten();
    let (Some(image), Some(to)) = (image, destination(to, name)) else {
        tx.delete(&REPLICAS, job);
        return Ok(());
    };
    let outcome = copy_to(installation, tx, &from, &image, &to, now)?;
    let (outcome, failure) = match outcome {
        Ok(Copied::Whole) => (api::ReplicationStatus::Complete, None),
        // The image that is missing queues it again when it comes.
        Ok(Copied::NotYet) => (api::ReplicationStatus::InProgress, None),
        Err(code) => (api::ReplicationStatus::Failed, Some(code.to_owned())),
    };
    tx.put(&REPLICAS, job, Replica { status: status(&outcome), failure });
    Ok(())
}

fn destination(to: &str, name: &str) -> Option<RepositoryKey> {
    let (region, account) = to.split_once('/')?;
    Some((account.parse().ok()?, region.parse().ok()?, name.to_owned()))
}

/// How far an image was copied.
enum Copied {
    /// With all that it names.
    Whole,
    /// Not at all: an image that it names is not in the source yet, as happens in the pull-through cache.
    NotYet,
}

/// The inner error is the code of a failure that trying again would not mend.
fn copy_to(
    installation: &Installation,
    tx: &mut Tx,
    from: &RepositoryKey,
    image: &Image,
    to: &RepositoryKey,
    now: Timestamp,
) -> Result<Result<Copied, &'static str>, Failure> {
    let repository = registry::find_repository(tx, to)?;
    if !consents(installation, tx, from, to, repository.is_none())? {
        return Ok(Err("AccessDenied"));
    }
    let Some(parts) = parts(tx, from, image)? else { return Ok(Ok(Copied::NotYet)) };
    let repository = match repository {
        Some(repository) => Repository::clone(&repository),
        None => {
            let template = creation::template(tx, to, &api::RCTAppliedFor::Replication)?;
            match creation::create(installation, tx, to, template.as_ref(), now) {
                Ok(repository) => repository,
                Err(Failure::Service(_)) => return Ok(Err("RepositoryCreationFailed")),
                Err(internal) => return Err(internal),
            }
        }
    };
    copy(tx, from, image, &parts, (to, &repository), now)
}

/// The images that an image names, and that those name; `None` if one is not there.
fn parts(view: &View, from: &RepositoryKey, image: &Image) -> Result<Option<Vec<Arc<Image>>>, StoreError> {
    let (mut known, mut parts) = (HashSet::new(), Vec::new());
    let mut next: Vec<Digest> = image.manifest.manifests.iter().map(|child| child.digest).collect();
    while let Some(digest) = next.pop() {
        if !known.insert(digest) {
            continue;
        }
        let Some(part) = registry::image(view, from, digest)? else { return Ok(None) };
        next.extend(part.manifest.manifests.iter().map(|child| child.digest));
        parts.push(part);
    }
    parts.reverse();
    Ok(Some(parts))
}

fn copy(
    tx: &mut Tx,
    from: &RepositoryKey,
    image: &Image,
    parts: &[Arc<Image>],
    (to, repository): (&RepositoryKey, &Repository),
    now: Timestamp,
) -> Result<Result<Copied, &'static str>, Failure> {
    for part in parts {
        copy_one(tx, from, part, to, repository, &[], now)?;
    }
    let tags = registry::tags_of(tx, from, image.manifest.digest)?;
    let stored = copy_one(tx, from, image, to, repository, &tags, now)?;
    Ok(if stored { Ok(Copied::Whole) } else { Err("ImageTagAlreadyExists") })
}

fn copy_one(
    tx: &mut Tx,
    from: &RepositoryKey,
    image: &Image,
    to: &RepositoryKey,
    repository: &Repository,
    tags: &[String],
    now: Timestamp,
) -> Result<bool, Failure> {
    for blob in image.manifest.config.iter().chain(&image.manifest.layers) {
        if let Some(size) = layer_size(tx, from, blob.digest)? {
            registry::link_layer(tx, to, blob.digest, size);
        }
    }
    let mut stored = true;
    for tag in iter::once(None).chain(tags.iter().filter_map(|tag| tag.parse().ok()).map(Some)) {
        let put = registry::store_image(tx, to, repository, &image.manifest, tag.as_ref(), now)?;
        stored &= matches!(put, Put::Stored | Put::Unchanged);
    }
    Ok(stored)
}

/// Whether the registry policy of another account lets the source in.
fn consents(
    installation: &Installation,
    view: &View,
    from: &RepositoryKey,
    to: &RepositoryKey,
    creates: bool,
) -> Result<bool, Failure> {
    if from.0 == to.0 {
        return Ok(true);
    }
    let caller = source(from, &to.1);
    let cx = Context::new(installation, &caller, REPLICATING);
    let mut permissions = vec![registry::permission(view, "ecr:ReplicateImage", to)?];
    if creates {
        permissions.push(registry::creation_permission(view, to)?);
    }
    for permission in &permissions {
        match is_allowed(&cx, view, &api::SERVICE, permission) {
            Ok(()) => {}
            Err(Failure::Service(_)) => return Ok(false),
            Err(internal) => return Err(internal),
        }
    }
    Ok(true)
}

/// The source's account, as registry policies name it.
fn source((account, _, _): &RepositoryKey, region: &Region) -> Caller {
    Caller {
        principal: Principal::root(account),
        account: account.clone(),
        region: region.clone(),
        access_key_id: String::new(),
        session: None,
        source_ip: None,
        secure_transport: true,
        user_agent: Some("replication.ecr.amazonaws.com".to_owned()),
        via: Vec::new(),
        way: None,
        unsaid: Unsaid::default(),
        planned: Vec::new(),
    }
}
