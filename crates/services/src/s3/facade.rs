//! What other services ask of S3: as somebody, with that caller's permissions.

use landfall_base::{Region, Sensitive};
use landfall_store::View;

use super::access::{self, Ask};
use super::files::DataKey;
use super::record::{Bucket, Object};
use super::{archive, encryption, error, objects};
use crate::pipe::{CallName, Caller, CheckRecord, Context, Failure, Installation, Later, Outcome, audit};

/// `GetBucketLocation` as `caller`.
pub fn get_bucket_location(installation: &Installation, caller: &Caller, bucket: &str) -> Outcome<Region> {
    let call = access::call("GetBucketLocation");
    let cx = Context::new(installation, caller, call);
    let mut checks = Vec::new();
    let ask = Ask { bucket, ..Ask::default() };
    let found = access::check(&cx, &installation.store.view(), call.operation, &ask, &mut checks);
    let result = found.and_then(|row| Ok(row.ok_or_else(error::no_such_bucket)?.region.clone()));
    conclude(call, caller, result, checks)
}

/// Whether `caller` may do something in a bucket that is not there, once his account has made it. Nobody calls anything.
pub fn would_be_allowed(
    installation: &Installation,
    caller: &Caller,
    operation: &'static str,
    (bucket, key): (&str, &str),
) -> Outcome<()> {
    let cx = Context::new(installation, caller, access::call(operation));
    let mut checks = Vec::new();
    let ask = Ask { bucket, key, ..Ask::default() };
    let result = access::check_in_new_bucket(&cx, &installation.store.view(), operation, &ask, &mut checks);
    Outcome { result: result.map_err(|failure| failure.into_service_error("s3")), checks }
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
    let call = access::call("GetObject");
    let result = get_object(installation, caller, call, (bucket, key), limit, &mut checks);
    conclude(call, caller, result, checks)
}

fn get_object(
    installation: &Installation,
    caller: &Caller,
    call: CallName,
    (bucket, key): (&str, &str),
    limit: u64,
    checks: &mut Vec<CheckRecord>,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let view = installation.store.view();
    let row = access::bucket(&view, bucket)?;
    let caller = caller.in_region(&row.region);
    let cx = Context::new(installation, &caller, call);
    let (_, object) = readable(&cx, &view, call.operation, &row, (key, None), Ask::default(), checks)?;
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
/// `AccessDenied`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`; `InvalidObjectState` for the bytes of what is archived.
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
    let ask = read_ask(cx, view, operation, bucket, (key, version), object.as_ref(), ask)?;
    access::check(cx, view, operation, &ask, checks)?;
    match (found, object) {
        (Some(found), Some(object)) => {
            if DECRYPTING.contains(&operation) {
                encryption::check_reader(cx, &object.content.key)?;
            }
            if operation == "GetObject" {
                archive::check_readable(&found.version, cx.now)?;
            }
            Ok((found.version, object))
        }
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

/// What reading an object asks for, for a call that does so later on. As far as it can be known: what goes wrong is said when
/// the object is read.
pub fn later_read(
    cx: &Context<'_>,
    view: &View,
    operation: &'static str,
    bucket: &Bucket,
    (key, version): (&str, Option<&str>),
) -> Vec<Later> {
    let found = objects::find(view, &bucket.name, key, version).ok().flatten();
    let object = found.and_then(|found| found.version.object.clone());
    let ask = read_ask(cx, view, operation, bucket, (key, version), object.as_ref(), Ask::default());
    ask.map(|ask| access::later(cx, view, operation, &ask)).unwrap_or_default()
}

/// Operations that need the object's KMS key.
const DECRYPTING: [&str; 3] = ["GetObject", "GetObjectAttributes", "HeadObject"];

/// What reading an object asks for.
fn read_ask<'a>(
    cx: &Context<'_>,
    view: &View,
    operation: &str,
    bucket: &'a Bucket,
    (key, version): (&'a str, Option<&'a str>),
    object: Option<&'a Object>,
    ask: Ask<'a>,
) -> Result<Ask<'a>, Failure> {
    let existing_tags = object.map(|object| object.attributes.tags.as_slice()).unwrap_or_default();
    let further = match object {
        Some(object) if DECRYPTING.contains(&operation) => {
            encryption::read_permissions(cx, view, &bucket.name, key, &object.content.key)?
        }
        _ => Vec::new(),
    };
    Ok(Ask { bucket: &bucket.name, key, version, existing_tags, further, ..ask })
}

fn conclude<T>(
    call: CallName,
    caller: &Caller,
    result: Result<T, Failure>,
    checks: Vec<CheckRecord>,
) -> Outcome<T> {
    let result = result.map_err(|failure| failure.into_service_error("s3"));
    audit(call, caller, result.as_ref().err().map_or("ok", |error| error.code), &checks);
    Outcome { result, checks }
}
