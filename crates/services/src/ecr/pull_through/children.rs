//! The images of an index. A client asks for one of them; the cache is to have them all, for whoever asks later and when the
//! upstream registry cannot be reached. The write that keeps an index queues it, so that a restart forgets nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use landfall_base::Timestamp;
use landfall_registry::{Digest, Manifest, Reference};
use landfall_store::{StoreError, Tx, View, WriteError};
use tokio::task::JoinSet;

use super::{ImportError, import, rule};
use crate::ecr::record::{DigestKey, IMPORT_QUEUE, Incomplete, RepositoryKey};
use crate::ecr::registry;
use crate::pipe::{Failure, Installation};

/// Indexes whose images are fetched side by side.
const INDEXES: usize = 4;
/// Images of one index that are fetched side by side.
const IMAGES: usize = 2;
/// How long a fetch that failed is not tried again, in seconds: at first, and at most.
const PAUSES: (i64, i64) = (60, 6 * 3600);

fn row(key: &RepositoryKey, digest: Digest) -> DigestKey {
    (key.0.clone(), key.1.clone(), key.2.clone(), digest.to_string())
}

/// Queues an index whose images are not all here.
///
/// # Errors
/// A row cannot be read.
pub(super) fn enqueue(
    tx: &mut Tx,
    key: &RepositoryKey,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(), StoreError> {
    if registry::missing_child(tx, key, manifest)?.is_some() {
        tx.put(&IMPORT_QUEUE, &row(key, manifest.digest), Incomplete { due: now, failures: 0 });
    }
    Ok(())
}

/// An image has come: the upstream registry gives what it has, so that others of the same index are not waited for.
///
/// # Errors
/// A row cannot be read.
pub(super) fn hurry(
    tx: &mut Tx,
    key: &RepositoryKey,
    digest: Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    for index in registry::named_by(tx, key, digest)? {
        let index = row(key, index);
        if tx.get(&IMPORT_QUEUE, &index)?.is_some_and(|it| it.due > now) {
            tx.put(&IMPORT_QUEUE, &index, Incomplete { due: now, failures: 0 });
        }
    }
    Ok(())
}

/// Fetches the images of queued indexes, for as long as it is polled: what a server left that ended, then each index as soon
/// as it is queued, and every so often what failed.
pub async fn complete_indexes(installation: Arc<Installation>, every: Duration) {
    let mut queued = installation.store.changed(&IMPORT_QUEUE);
    let mut running = JoinSet::new();
    let mut indexes: HashMap<tokio::task::Id, DigestKey> = HashMap::new();
    loop {
        let due = due(&installation.store.view(), installation.clock.now());
        let due = due.into_iter().filter(|index| !indexes.values().any(|other| other == index));
        for index in due.take(INDEXES.saturating_sub(running.len())).collect::<Vec<_>>() {
            let (work, wanted) = (Arc::clone(&installation), index.clone());
            let task = running.spawn(async move { complete(&work, &wanted).await });
            indexes.insert(task.id(), index);
        }
        tokio::select! {
            changed = queued.changed() => if changed.is_none() { return },
            Some(done) = running.join_next_with_id() => {
                let id = match done {
                    Ok((id, ())) => id,
                    Err(error) => {
                        tracing::error!(%error, "the fetch of an index's images broke off");
                        error.id()
                    }
                };
                indexes.remove(&id);
            }
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// A row that cannot be read is left: the next look may find it well.
fn due(view: &View, now: Timestamp) -> Vec<DigestKey> {
    let rows = view.scan(&IMPORT_QUEUE, ()).filter_map(Result::ok);
    rows.filter(|(_, it)| it.due <= now).map(|(index, _)| index).collect()
}

/// Fetches the images of one index that are not here, and notes what became of it.
pub(in crate::ecr) async fn complete(installation: &Installation, index: &DigestKey) {
    let (account, region, name, digest) = index;
    let key = (account.clone(), region.clone(), name.clone());
    let settled = match fetch_missing(installation, &key, digest).await {
        Ok(failed) => {
            if let Some((image, error)) = &failed {
                tracing::warn!(repository = name, index = digest, %image, %error, "an image of an index was not fetched");
            }
            settle(installation, &key, index, failed.is_some()).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = settled {
        tracing::warn!(%error, repository = name, index = digest, "the images of an index were not fetched");
    }
}

/// The first failure, if there was one. One image that the upstream registry does not give keeps no other away.
async fn fetch_missing(
    installation: &Installation,
    key: &RepositoryKey,
    digest: &str,
) -> Result<Option<(Digest, ImportError)>, Failure> {
    let missing = missing(&installation.store.view(), key, digest)?;
    let fetches = missing.into_iter().map(|image| async move {
        let fetched = import(installation, key, &Reference::Digest(image)).await;
        fetched.err().map(|error| (image, error))
    });
    let failures: Vec<_> = stream::iter(fetches).buffer_unordered(IMAGES).collect().await;
    Ok(failures.into_iter().flatten().next())
}

/// The images of an index that are not here, each once. None of an index that is not here itself, or that no rule is for.
fn missing(view: &View, key: &RepositoryKey, digest: &str) -> Result<Vec<Digest>, Failure> {
    let index = digest.parse().ok().map(|digest| registry::image(view, key, digest)).transpose()?.flatten();
    let Some(index) = index.filter(|_| rule(view, key).is_ok_and(|rule| rule.is_some())) else {
        return Ok(Vec::new());
    };
    let (mut known, mut missing) = (HashSet::new(), Vec::new());
    for child in index.manifest.manifests.iter().map(|child| child.digest) {
        if known.insert(child) && registry::image(view, key, child)?.is_none() {
            missing.push(child);
        }
    }
    Ok(missing)
}

/// The index is done with, or due again after a while.
async fn settle(
    installation: &Installation,
    key: &RepositoryKey,
    index: &DigestKey,
    failed: bool,
) -> Result<(), Failure> {
    let now = installation.clock.now();
    let written =
        installation.store.write_async("note the images of an index", |tx| -> Result<(), Failure> {
            let Some(before) = tx.get(&IMPORT_QUEUE, index)? else { return Ok(()) };
            if !failed && missing(tx, key, &index.3)?.is_empty() {
                tx.delete(&IMPORT_QUEUE, index);
                return Ok(());
            }
            let failures = before.failures.saturating_add(1);
            tx.put(&IMPORT_QUEUE, index, Incomplete { due: now.plus_seconds(pause(failures)), failures });
            Ok(())
        });
    written.await.map_err(WriteError::flatten)
}

/// Twice as long after each failure.
fn pause(failures: u32) -> i64 {
    let (first, most) = PAUSES;
    first.saturating_mul(2_i64.saturating_pow(failures.saturating_sub(1))).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_end() {
        let pauses = [1, 2, 3, 9, 10, 62, 63, 64, 65, 1000, u32::MAX].map(pause);
        let most = PAUSES.1;
        assert_eq!(pauses, [60, 120, 240, 15360, most, most, most, most, most, most, most]);
    }
}
