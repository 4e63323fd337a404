//! What other services ask of S3: as somebody, with that caller's permissions.

use landfall_base::{Region, Sensitive};
use landfall_store::View;

use super::access::{self, Ask};
use super::files::DataKey;
use super::record::{Bucket, Object};
use super::{encryption, error, objects};
use crate::pipe::{Caller, CheckRecord, Context, Failure, Installation, Outcome, audit};

/// `GetBucketLocation` as `caller`.
pub fn get_bucket_location(installation: &Installation, caller: &Caller, bucket: &str) -> Outcome<Region> {
    let cx = Context::new(installation, caller);
    let mut checks = Vec::new();
    let ask = Ask { bucket, ..Ask::default() };
    let found = access::check(&cx, &installation.store.view(), "GetBucketLocation", &ask, &mut checks);
    let result = found.and_then(|row| Ok(row.ok_or_else(error::no_such_bucket)?.region.clone()));
    conclude("GetBucketLocation", caller, result, checks)
}

/// `GetObject` as `caller`: the whole object, which must not be longer than `limit`. It may block.
pub fn get_object_for(
    installation: &Installation,
    caller: &Caller,
    bucket: &str,
    key: &str,
    limit: u64,
) -> Outcome<Sensitive<Vec<u8>>> {
    let mut checks = Vec::new();
    let result = get_object(installation, caller, (bucket, key), limit, &mut checks);
    conclude("GetObject", caller, result, checks)
}

fn get_object(
    installation: &Installation,
    caller: &Caller,
    (bucket, key): (&str, &str),
    limit: u64,
    checks: &mut Vec<CheckRecord>,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let view = installation.store.view();
    let row = access::bucket(&view, bucket)?;
    let caller = caller.in_region(&row.region);
    let cx = Context::new(installation, &caller);
    let (_, object) = readable(&cx, &view, "GetObject", &row, (key, None), Ask::default(), checks)?;
    if object.size > limit {
        return Err(error::too_large().into());
    }
    let data_key = encryption::open(&cx, &view, bucket, key, &object.content.key)?;
    bytes_of(installation, &data_key, &object)
}

/// All bytes of an object. It blocks.
///
/// # Errors
/// What the disk said; the file is not what was written.
pub(super) fn bytes_of(
    installation: &Installation,
    data_key: &DataKey,
    object: &Object,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let mut bytes = Vec::new();
    for piece in &object.content.pieces {
        let reader = installation.objects.read(data_key, piece).map_err(Failure::internal)?;
        let mut at = 0;
        while at < piece.size {
            let chunk = reader.chunk_at(at).map_err(Failure::internal)?;
            at += chunk.len() as u64;
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(Sensitive::new(bytes))
}

/// Finds an object that is to be read, with all checks: of the bucket, of the key's existence, and of its KMS key.
///
/// # Errors
/// `AccessDenied`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`
pub fn readable(
    cx: &Context<'_>,
    view: &View,
    operation: &'static str,
    bucket: &Bucket,
    (key, version): (&str, Option<&str>),
    ask: Ask<'_>,
    checks: &mut Vec<CheckRecord>,
) -> Result<(std::sync::Arc<super::record::Version>, Object), Failure> {
    let found = objects::find(view, &bucket.name, key, version)?;
    let object = found.as_ref().and_then(|found| found.version.object.clone());
    let tags = object.as_ref().map(|object| object.attributes.tags.clone()).unwrap_or_default();
    let further = match &object {
        Some(object) => encryption::read_permissions(cx, view, &bucket.name, key, &object.content.key)?,
        None => Vec::new(),
    };
    let ask = Ask { bucket: &bucket.name, key, version, existing_tags: &tags, further, ..ask };
    access::check(cx, view, operation, &ask, checks)?;
    match (found, object) {
        (Some(found), Some(object)) => Ok((found.version, object)),
        (Some(found), None) => {
            let method = if operation == "HeadObject" { "HEAD" } else { "GET" };
            let error = objects::marker_error(key, version, method);
            let error = error::about(error, "x-amz-version-id", found.version.id.as_str());
            let error = match version {
                Some(_) => error::about(error, "last-modified", found.version.modified_at.http_date()),
                None => error,
            };
            Err(access::missing_key(cx, view, bucket, error))
        }
        (None, _) => Err(access::missing_key(cx, view, bucket, objects::missing(key, version))),
    }
}

fn conclude<T>(
    operation: &'static str,
    caller: &Caller,
    result: Result<T, Failure>,
    checks: Vec<CheckRecord>,
) -> Outcome<T> {
    let result = result.map_err(|failure| failure.into_service_error("s3"));
    audit("s3", operation, caller, result.as_ref().err().map_or("ok", |error| error.code), &checks);
    Outcome { result, checks }
}
