//! Multipart uploads, as changes of rows. The parts of a complete upload become the object as they are: no byte moves.

use std::sync::Arc;

use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::checksum::{checksum_of_parts, etag_of_parts};
use super::objects::{self, Condition};
use super::record::{Completed, Content, GARBAGE, Object, PARTS, Part, Piece, UPLOADS, Upload};
use super::{access, completed, error};
use crate::pipe::Failure;

/// Every part but the last must have as much (User Guide, "Amazon S3 multipart upload limits").
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// Where an upload is: bucket, key, upload id.
pub type Place<'a> = (&'a str, &'a str, &'a str);

/// An upload.
///
/// # Errors
/// `NoSuchUpload`
pub fn find(view: &View, place: Place<'_>) -> Result<Arc<Upload>, Failure> {
    let missing = || error::about(error::no_such_upload(), "UploadId", place.2);
    Ok(view.get(&UPLOADS, &place)?.ok_or_else(missing)?)
}

/// Keeps a part, in place of an earlier one with its number.
///
/// # Errors
/// `NoSuchUpload`
pub fn put_part(
    tx: &mut Tx,
    now: Timestamp,
    place: Place<'_>,
    number: u32,
    part: Part,
) -> Result<(), Failure> {
    find(tx, place)?;
    if let Some(old) = tx.get(&PARTS, &(place.2, number))? {
        tx.put(&GARBAGE, &(now, old.piece.id.as_str()), ());
    }
    tx.put(&PARTS, &(place.2, number), part);
    Ok(())
}

/// A part as the client lists it: number, ETag, checksum.
pub type Listed = (u32, String, Option<String>);

/// Makes an object of the parts that the client lists, and forgets the others. Asked again with the same parts, it says
/// again what it made, whatever the conditions are and whatever has become of the object since.
///
/// # Errors
/// `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `MalformedXML`, `PreconditionFailed`
pub fn complete(
    tx: &mut Tx,
    now: Timestamp,
    place: Place<'_>,
    listed: &[Listed],
    expected: Option<&str>,
    condition: &Condition,
) -> Result<Completed, Failure> {
    if let Some(before) = completed::repeated(tx, now, place, listed)? {
        return Ok(before);
    }
    let upload = find(tx, place)?;
    let parts = chosen(tx, place.2, listed)?;
    let sums: Vec<_> = parts.iter().map(|part| (part.checksum.as_str(), part.piece.size)).collect();
    let checksum = checksum_of_parts(upload.algorithm, upload.composite, &sums);
    if let (Some(expected), Some(checksum)) = (expected, &checksum)
        && expected.split('-').next() != checksum.value.split('-').next()
    {
        return Err(ServiceError::client(
            "BadDigest",
            format!("The {} you specified did not match the calculated checksum.", upload.algorithm.name()),
        )
        .into());
    }
    let checksum_of = |part: &Part| upload.asked.then(|| part.checksum.clone());
    let pieces = parts.iter().map(|part| Piece { checksum: checksum_of(part), ..part.piece.clone() });
    let pieces: Vec<_> = pieces.collect();
    let object = Object {
        etag: etag_of_parts(parts.iter().map(|part| part.etag.as_str())),
        size: pieces.iter().map(|piece| piece.size).sum(),
        content: Content { key: upload.key.clone(), pieces },
        attributes: upload.attributes.clone(),
        checksum,
    };
    let (etag, checksum) = (object.etag.clone(), object.checksum.clone());
    let version_id = objects::put(tx, now, (place.0, place.1), object, condition)?;
    let kept: Vec<u32> = listed.iter().map(|(number, ..)| *number).collect();
    forget(tx, now, place, &kept)?;
    let (parts, protection) = (completed::fingerprint(listed), upload.key.protection());
    let made = Completed { at: now, parts, etag, version_id, checksum, protection };
    completed::remember(tx, place, made.clone());
    Ok(made)
}

fn chosen(view: &View, id: &str, listed: &[Listed]) -> Result<Vec<Arc<Part>>, Failure> {
    if listed.is_empty() {
        return Err(error::malformed_xml().into());
    }
    if listed.windows(2).any(|pair| matches!(pair, [(a, ..), (b, ..)] if a >= b)) {
        return Err(error::invalid_part_order().into());
    }
    let mut parts = Vec::with_capacity(listed.len());
    for (number, etag, checksum) in listed {
        let part = view.get(&PARTS, &(id, *number))?.filter(|part| part.etag == *etag);
        let invalid = || invalid_part(id, *number, etag);
        let part = part.ok_or_else(invalid)?;
        if checksum.as_ref().is_some_and(|checksum| *checksum != part.checksum) {
            return Err(invalid().into());
        }
        parts.push(part);
    }
    let all_but_last = parts.iter().zip(listed).take(parts.len().saturating_sub(1));
    let small = all_but_last.into_iter().find(|(part, _)| part.piece.size < SMALLEST_PART);
    if let Some((part, (number, etag, _))) = small {
        let error = error::about(error::too_small(), "ETag", etag.as_str());
        let error = error::about(error, "MinSizeAllowed", SMALLEST_PART.to_string());
        let error = error::about(error, "PartNumber", number.to_string());
        return Err(error::about(error, "ProposedSize", part.piece.size.to_string()).into());
    }
    Ok(parts)
}

/// That an upload has no such part.
pub(super) fn invalid_part(id: &str, number: u32, etag: &str) -> ServiceError {
    let error = error::about(error::invalid_part(), "UploadId", id);
    let error = error::about(error, "PartNumber", number.to_string());
    error::about(error, "ETag", etag)
}

/// Gives an upload up.
///
/// # Errors
/// `NoSuchUpload`
pub fn abort(tx: &mut Tx, now: Timestamp, place: Place<'_>) -> Result<(), Failure> {
    find(tx, place)?;
    forget(tx, now, place, &[])
}

fn forget(tx: &mut Tx, now: Timestamp, place: Place<'_>, kept: &[u32]) -> Result<(), Failure> {
    for ((id, number), part) in tx.list(&PARTS, (place.2,))? {
        if kept.binary_search(&number).is_err() {
            tx.put(&GARBAGE, &(now, part.piece.id.as_str()), ());
        }
        tx.delete(&PARTS, &(id, number));
    }
    tx.delete(&UPLOADS, &place);
    Ok(())
}

/// Gives up all uploads to a bucket, and forgets those that were completed.
///
/// # Errors
/// A row cannot be read.
pub fn abort_all(tx: &mut Tx, now: Timestamp, bucket: &str) -> Result<(), Failure> {
    access::bucket(tx, bucket)?;
    for ((bucket, key, id), _) in tx.list(&UPLOADS, (bucket,))? {
        forget(tx, now, (&bucket, &key, &id), &[])?;
    }
    completed::forget_bucket(tx, bucket)
}
