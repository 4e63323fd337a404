//! What completed uploads made, kept for a while: a client that lost the answer asks again, and gets it again.

use aws_lc_rs::digest::{Context, SHA256};
use landfall_base::Timestamp;
use landfall_store::{Tx, View};

use super::record::{COMPLETED, COMPLETED_BY_AGE, Completed};
use super::uploads::{Listed, Place, invalid_part};
use crate::pipe::Failure;

/// How long, in seconds. S3 names no time; SDKs give up within minutes, and jobs that begin anew do so within hours.
const KEPT: i64 = 24 * 60 * 60;

/// How many go at a time.
const BATCH: usize = 1000;

/// Keeps what an upload made.
pub(super) fn remember(tx: &mut Tx, (bucket, key, id): Place<'_>, completed: Completed) {
    tx.put(&COMPLETED_BY_AGE, &(completed.at, bucket, key, id), ());
    tx.put(&COMPLETED, &(bucket, key, id), completed);
}

/// What the upload made when it was completed with these parts; `None` if it was not completed, or too long ago.
///
/// # Errors
/// `InvalidPart` for other parts than those the object was made of: the upload has none any more.
pub(super) fn repeated(
    view: &View,
    now: Timestamp,
    place: Place<'_>,
    listed: &[Listed],
) -> Result<Option<Completed>, Failure> {
    let kept = view.get(&COMPLETED, &place)?;
    let Some(completed) = kept.filter(|completed| !is_over(completed.at, now)) else {
        return Ok(None);
    };
    if completed.parts == fingerprint(listed) {
        return Ok(Some(Completed::clone(&completed)));
    }
    let (number, etag, _) = listed.first().ok_or_else(super::error::malformed_xml)?;
    Err(invalid_part(place.2, *number, etag).into())
}

/// A digest of numbers and ETags. Up to 10,000 parts do not go into a row; their checksums were compared the first time.
pub(super) fn fingerprint(listed: &[Listed]) -> String {
    let mut digest = Context::new(&SHA256);
    for (number, etag, _) in listed {
        digest.update(format!("{number} {etag}\n").as_bytes());
    }
    hex::encode(digest.finish())
}

/// Forgets what the uploads to a bucket made.
///
/// # Errors
/// A row cannot be read.
pub(super) fn forget_bucket(tx: &mut Tx, bucket: &str) -> Result<(), Failure> {
    for ((bucket, key, id), completed) in tx.list(&COMPLETED, (bucket,))? {
        forget(tx, completed.at, (&bucket, &key, &id));
    }
    Ok(())
}

/// Whether an upload was completed so long ago that it is to be forgotten.
///
/// # Errors
/// A row cannot be read.
pub(super) fn is_due(view: &View, now: Timestamp) -> Result<bool, Failure> {
    let oldest = view.scan(&COMPLETED_BY_AGE, ()).next().transpose()?;
    Ok(oldest.is_some_and(|(key, _)| is_over(key.0, now)))
}

/// Forgets what uploads made that were completed too long ago, some at a time.
///
/// # Errors
/// A row cannot be read.
pub(super) fn forget_old(tx: &mut Tx, now: Timestamp) -> Result<(), Failure> {
    let mut due = Vec::new();
    for row in tx.scan(&COMPLETED_BY_AGE, ()).take(BATCH) {
        let (key, _) = row?;
        if !is_over(key.0, now) {
            break;
        }
        due.push(key);
    }
    for (at, bucket, key, id) in &due {
        forget(tx, *at, (bucket, key, id));
    }
    Ok(())
}

fn is_over(completed_at: Timestamp, now: Timestamp) -> bool {
    completed_at.plus_seconds(KEPT) <= now
}

fn forget(tx: &mut Tx, at: Timestamp, (bucket, key, id): Place<'_>) {
    tx.delete(&COMPLETED_BY_AGE, &(at, bucket, key, id));
    tx.delete(&COMPLETED, &(bucket, key, id));
}
