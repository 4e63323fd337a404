//! Objects.

use std::sync::Arc;

use landfall_services::pipe::{Failure, Later};
use landfall_services::s3::access::{self, Ask};
use landfall_services::s3::checksum::{Algorithm, Checksum};
use landfall_services::s3::encryption::{self, WriteKey};
use landfall_services::s3::files::{DataKey, Writer};
use landfall_services::s3::objects::{self, Condition};
use landfall_services::s3::record::{
    Attributes, Bucket, Content, Encryption, Object, Protection, SealedKey, Version,
};
use landfall_services::s3::{archive, error, names, readable};
use landfall_shape::ServiceError;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::acl::refuse_acl;
use super::{Answered, done};
use crate::convert::{self, Sums};
use crate::front::Session;
use crate::receive::{Expected, receive};
use crate::send::send;

/// User Guide, "Working with object metadata".
const MOST_METADATA: usize = 2048;

/// Headers that are kept with an object.
const KEPT: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
];

pub(super) fn refused(error: ServiceError) -> s3s::S3Error {
    convert::error(error)
}

/// What the headers of a request say of an object.
pub(super) fn attributes(headers: &http::HeaderMap) -> S3Result<Attributes> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut attributes = Attributes::default();
    for name in KEPT {
        let value = text(name).map(|value| match name {
            // How the body was sent is not how the object is.
            "content-encoding" => {
                let rest = value.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked");
                rest.collect::<Vec<_>>().join(",")
            }
            _ => value,
        });
        attributes
            .headers
            .extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    }
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("x-amz-meta-") {
            attributes
                .metadata
                .push((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
    }
    let size: usize = attributes.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_METADATA {
        return Err(refused(error::metadata_too_large()));
    }
    attributes.storage_class = text("x-amz-storage-class");
    if let Some(class) = &attributes.storage_class {
        archive::check_class(class).map_err(refused)?;
    }
    attributes.tags = convert::header_tags(text("x-amz-tagging").as_deref())?;
    Ok(attributes)
}

/// What a request asks for that is not there.
pub(super) fn refuse_unknown(headers: &http::HeaderMap) -> S3Result<()> {
    if headers.contains_key("x-amz-server-side-encryption-customer-algorithm") {
        return Err(refused(error::not_implemented(
            "Encryption with customer-provided keys is not implemented",
        )));
    }
    Ok(())
}

fn condition(matches: Option<&IfMatch>, none: Option<&IfNoneMatch>) -> Condition {
    Condition { if_match: matches.map(convert::condition), if_none_match: none.map(convert::condition) }
}

/// A key that new bytes are under, with what it answers.
pub(super) fn sse(sealed: &SealedKey) -> (Option<ServerSideEncryption>, Option<String>, Option<bool>) {
    protection(&sealed.protection())
}

/// As [`sse`], where the data key is not at hand.
pub(super) fn protection(with: &Protection) -> (Option<ServerSideEncryption>, Option<String>, Option<bool>) {
    (
        Some(ServerSideEncryption::from_static(with.algorithm())),
        with.key_arn.as_ref().map(ToString::to_string),
        with.bucket_key.then_some(true),
    )
}

/// A request to write an object.
pub(super) struct Write<'a> {
    pub(super) name: &'static str,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) owner: Option<&'a String>,
    pub(super) tags: &'a [(String, String)],
    pub(super) encryption: Option<Encryption>,
}

impl Session {
    /// Makes the checks for writing an object and finds the key that its bytes will be under.
    pub(super) fn writable(&self, write: &Write<'_>) -> S3Result<(Arc<Bucket>, WriteKey)> {
        if write.key.len() > names::LONGEST_KEY {
            return Err(refused(error::key_too_long()));
        }
        let (ask, key) = self.write_ask(write).map_err(convert::failure)?;
        Ok((self.allowed(write.name, &ask)?, key))
    }

    /// The checks for writing an object, for a call that writes it later on. As far as they can be known: what goes wrong is
    /// said when the object is written.
    pub(super) fn later_write(&self, write: &Write<'_>) -> Vec<Later> {
        let Ok((ask, _)) = self.write_ask(write) else { return Vec::new() };
        access::later(&self.cx(write.name), &self.installation.store.view(), write.name, &ask)
    }

    fn write_ask<'a>(&self, write: &Write<'a>) -> Result<(Ask<'a>, WriteKey), Failure> {
        let view = self.installation.store.view();
        let row = access::bucket(&view, write.bucket)?;
        let cx = self.cx(write.name);
        let key = WriteKey::find(&cx, &row, write.key, write.encryption.as_ref())?;
        let mut ask = Ask {
            bucket: write.bucket,
            key: write.key,
            tags: write.tags,
            expected_owner: write.owner.map(String::as_str),
            further: key.permissions(&cx)?,
            ..Ask::default()
        };
        if let Some(encryption) = &write.encryption {
            ask.context.push(("s3:x-amz-server-side-encryption", encryption.algorithm().to_owned()));
            let id =
                encryption.key.clone().map(|key| ("s3:x-amz-server-side-encryption-aws-kms-key-id", key));
            ask.context.extend(id);
        }
        Ok((ask, key))
    }

    pub(super) async fn run_put_object(&self, req: S3Request<PutObjectInput>) -> Answered<PutObjectOutput> {
        refuse_unknown(&req.headers)?;
        let attributes = attributes(&req.headers)?;
        let expected = Expected::read(&req.headers, Algorithm::Crc64Nvme)?;
        let input = req.input;
        let encryption = convert::encryption(
            input.server_side_encryption.as_ref(),
            input.ssekms_key_id.as_deref(),
            input.bucket_key_enabled,
        )?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let (row, key) = self.writable(&Write {
            name: "PutObject",
            bucket: place.0,
            key: place.1,
            owner: input.expected_bucket_owner.as_ref(),
            tags: &attributes.tags,
            encryption,
        })?;
        refuse_acl(&req.headers, &row)?;
        let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref());
        let view = self.installation.store.view();
        objects::check_condition(&view, place.0, place.1, &condition).map_err(convert::failure)?;
        let (data_key, sealed) = key.make(&self.cx("PutObject")).map_err(convert::failure)?;
        let writer = self.writer(&data_key)?;
        let (piece, hashes) = receive(input.body, writer, &expected, req.trailing_headers.as_ref()).await?;
        let checksum = Checksum { algorithm: expected.algorithm, value: hashes.checksum, composite: false };
        let object = Object {
            etag: hashes.etag.clone(),
            size: piece.size,
            content: Content { key: sealed.clone(), pieces: vec![piece.clone()] },
            attributes,
            checksum: Some(checksum.clone()),
        };
        let expiration = self.expiration(place.0, place.1, &object, self.installation.clock.now());
        let version_id = self.keep(place, object, &condition, "PutObject").await?;
        let sums = Sums::of(Some(&checksum));
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&sealed);
        done(PutObjectOutput {
            e_tag: Some(convert::etag(&hashes.etag)),
            expiration,
            version_id,
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        })
    }

    /// A file for bytes that come, encrypted with a key.
    pub(super) fn writer(&self, key: &DataKey) -> S3Result<Writer> {
        self.installation.objects.create(key).map_err(|error| convert::failure(Failure::internal(error)))
    }

    /// Has rows name what is on disk; if they do not, the files go.
    pub(super) async fn keep(
        &self,
        place: (&str, &str),
        object: Object,
        condition: &Condition,
        name: &'static str,
    ) -> S3Result<Option<String>> {
        let pieces = object.content.pieces.clone();
        let now = self.installation.clock.now();
        let written = self.write(name, |tx| objects::put(tx, now, place, object, condition)).await;
        if written.is_err() {
            for piece in &pieces {
                // What stays is swept at the next start.
                let _ = self.installation.objects.remove(&piece.id);
            }
        }
        written
    }

    /// Finds an object that is to be read, with all checks.
    pub(super) fn read(
        &self,
        name: &'static str,
        bucket: &str,
        key: &str,
        version: Option<&String>,
        owner: Option<&String>,
    ) -> S3Result<(Arc<Bucket>, Arc<Version>, Object)> {
        let mut checks = Vec::new();
        let view = self.installation.store.view();
        let found = self.placed(name, bucket).and_then(|()| {
            let row = access::bucket(&view, bucket)?;
            let ask = Ask { expected_owner: owner.map(String::as_str), ..Ask::default() };
            let target = (key, version.map(String::as_str));
            let (version, object) = readable(&self.cx(name), &view, name, &row, target, ask, &mut checks)?;
            Ok((row, version, object))
        });
        self.audited(name, found, &checks)
    }

    pub(super) async fn run_get_object(&self, req: S3Request<GetObjectInput>) -> Answered<GetObjectOutput> {
        refuse_unknown(&req.headers)?;
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let (bucket, version, object) =
            self.read("GetObject", &input.bucket, &input.key, input.version_id.as_ref(), owner)?;
        let conditions = Conditions {
            matches: input.if_match.as_ref(),
            none: input.if_none_match.as_ref(),
            since: input.if_modified_since.as_ref(),
            unmodified: input.if_unmodified_since.as_ref(),
        };
        conditions.check(&object, &version)?;
        let part = span(&object, input.range, input.part_number)?;
        let view = self.installation.store.view();
        let data_key =
            encryption::open(&self.cx("GetObject"), &view, &input.bucket, &input.key, &object.content.key);
        let data_key = data_key.map_err(convert::failure)?;
        let pieces = object.content.pieces.clone();
        let body = send(Arc::clone(&self.installation), data_key, pieces, part.first, part.length);
        let sums = asked_sums(input.checksum_mode.as_ref(), &part, &object);
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&object.content.key);
        let attributes = &object.attributes;
        let header = |name: &str| attributes.header(name).map(str::to_owned);
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(body),
            cache_control: header("cache-control"),
            content_disposition: header("content-disposition"),
            content_encoding: header("content-encoding"),
            content_language: header("content-language"),
            content_length: i64::try_from(part.length).ok(),
            content_range: part.range(&object),
            content_type: Some(header("content-type").unwrap_or_else(|| "binary/octet-stream".to_owned())),
            e_tag: Some(convert::etag(&object.etag)),
            expiration: self.expiration_of(&input.bucket, &input.key, &version),
            last_modified: Some(convert::time(version.modified_at)),
            metadata: convert::metadata(attributes),
            parts_count: input.part_number.map(|_| parts_count(&object)),
            restore: self.restore_of(&version),
            storage_class: attributes
                .storage_class
                .clone()
                .filter(|it| it != "STANDARD")
                .map(StorageClass::from),
            tag_count: tag_count(attributes),
            version_id: bucket.versioning.map(|_| version.id.clone()),
            website_redirect_location: header("x-amz-website-redirect-location"),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        };
        let mut answer = S3Response::new(output);
        if part.partial {
            answer.status = Some(http::StatusCode::PARTIAL_CONTENT);
        }
        Ok(answer)
    }

    pub(super) async fn run_head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> Answered<HeadObjectOutput> {
        refuse_unknown(&req.headers)?;
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let (bucket, version, object) =
            self.read("HeadObject", &input.bucket, &input.key, input.version_id.as_ref(), owner)?;
        let conditions = Conditions {
            matches: input.if_match.as_ref(),
            none: input.if_none_match.as_ref(),
            since: input.if_modified_since.as_ref(),
            unmodified: input.if_unmodified_since.as_ref(),
        };
        conditions.check(&object, &version)?;
        let part = span(&object, input.range, input.part_number)?;
        let sums = asked_sums(input.checksum_mode.as_ref(), &part, &object);
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&object.content.key);
        let attributes = &object.attributes;
        let header = |name: &str| attributes.header(name).map(str::to_owned);
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: header("cache-control"),
            content_disposition: header("content-disposition"),
            content_encoding: header("content-encoding"),
            content_language: header("content-language"),
            content_length: i64::try_from(part.length).ok(),
            content_range: part.range(&object),
            content_type: Some(header("content-type").unwrap_or_else(|| "binary/octet-stream".to_owned())),
            e_tag: Some(convert::etag(&object.etag)),
            expiration: self.expiration_of(&input.bucket, &input.key, &version),
            last_modified: Some(convert::time(version.modified_at)),
            metadata: convert::metadata(attributes),
            parts_count: input.part_number.map(|_| parts_count(&object)),
            restore: self.restore_of(&version),
            storage_class: attributes
                .storage_class
                .clone()
                .filter(|it| it != "STANDARD")
                .map(StorageClass::from),
            version_id: bucket.versioning.map(|_| version.id.clone()),
            website_redirect_location: header("x-amz-website-redirect-location"),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        };
        let answer = S3Response::new(output);
        let partial = http::StatusCode::PARTIAL_CONTENT;
        Ok(if part.partial { convert::with_status(answer, partial) } else { answer })
    }

    pub(super) async fn run_delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> Answered<DeleteObjectOutput> {
        let input = req.input;
        let version = input.version_id.as_deref();
        let owner = input.expected_bucket_owner.as_deref();
        let ask =
            Ask { bucket: &input.bucket, key: &input.key, version, expected_owner: owner, ..Ask::default() };
        self.allowed("DeleteObject", &ask)?;
        let now = self.installation.clock.now();
        let condition = condition(input.if_match.as_ref(), None);
        let place = (input.bucket.as_str(), input.key.as_str());
        let deleted =
            self.write("DeleteObject", |tx| objects::delete(tx, now, place, version, &condition)).await?;
        let output = DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version_id,
            request_charged: None,
        };
        Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> Answered<DeleteObjectsOutput> {
        let input = req.input;
        if input.delete.objects.is_empty() || input.delete.objects.len() > 1000 {
            return Err(refused(error::malformed_xml()));
        }
        let view = self.installation.store.view();
        access::bucket(&view, &input.bucket).map_err(convert::failure)?;
        let (now, bucket) = (self.installation.clock.now(), input.bucket.as_str());
        let mut errors = Vec::new();
        let mut allowed = Vec::new();
        for object in input.delete.objects {
            let ask = Ask {
                bucket,
                key: &object.key,
                version: object.version_id.as_deref(),
                expected_owner: input.expected_bucket_owner.as_deref(),
                ..Ask::default()
            };
            let checked = self.allowed("DeleteObject", &ask).and_then(|_| deletable(&object));
            match checked {
                Ok(()) => allowed.push(object),
                Err(error) => errors.push(s3s::dto::Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id,
                }),
            }
        }
        let deleted = self.write("DeleteObjects", |tx| {
            let mut deleted = Vec::new();
            for object in &allowed {
                let id = object.version_id.as_deref();
                let done = objects::delete(tx, now, (bucket, &object.key), id, &Condition::default())?;
                deleted.push(DeletedObject {
                    delete_marker: done.marker.then_some(true),
                    delete_marker_version_id: done.version_id.filter(|_| done.marker),
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                });
            }
            Ok(deleted)
        });
        let deleted = deleted.await?;
        let quiet = input.delete.quiet == Some(true);
        done(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            request_charged: None,
        })
    }

    pub(super) async fn run_get_object_tagging(
        &self,
        req: S3Request<GetObjectTaggingInput>,
    ) -> Answered<GetObjectTaggingOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let (bucket, version, object) =
            self.read("GetObjectTagging", &input.bucket, &input.key, input.version_id.as_ref(), owner)?;
        let version_id = bucket.versioning.map(|_| version.id.clone());
        done(GetObjectTaggingOutput { tag_set: convert::tag_set(&object.attributes.tags), version_id })
    }

    pub(super) async fn run_put_object_tagging(
        &self,
        req: S3Request<PutObjectTaggingInput>,
    ) -> Answered<PutObjectTaggingOutput> {
        let input = req.input;
        let tags = convert::tags(input.tagging.tag_set, 10)?;
        let version = input.version_id.as_deref();
        let owner = input.expected_bucket_owner.as_deref();
        let ask = Ask {
            bucket: &input.bucket,
            key: &input.key,
            version,
            tags: &tags,
            expected_owner: owner,
            ..Ask::default()
        };
        self.allowed("PutObjectTagging", &ask)?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let set = tags.clone();
        let version_id =
            self.write("PutObjectTagging", |tx| objects::set_tags(tx, place, version, set)).await?;
        done(PutObjectTaggingOutput { version_id })
    }

    pub(super) async fn run_delete_object_tagging(
        &self,
        req: S3Request<DeleteObjectTaggingInput>,
    ) -> Answered<DeleteObjectTaggingOutput> {
        let input = req.input;
        let version = input.version_id.as_deref();
        let owner = input.expected_bucket_owner.as_deref();
        let ask =
            Ask { bucket: &input.bucket, key: &input.key, version, expected_owner: owner, ..Ask::default() };
        self.allowed("DeleteObjectTagging", &ask)?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let set = |tx: &mut landfall_store::Tx| objects::set_tags(tx, place, version, Vec::new());
        let version_id = self.write("DeleteObjectTagging", set).await?;
        Ok(S3Response::with_status(DeleteObjectTaggingOutput { version_id }, http::StatusCode::NO_CONTENT))
    }
}

/// An id that no version can have is told in the answer, where the rest is done.
fn deletable(object: &ObjectIdentifier) -> S3Result<()> {
    let none = object.version_id.as_ref().filter(|id| !names::is_version_id(id));
    none.map_or(Ok(()), |id| Err(refused(objects::missing(&object.key, Some(id)))))
}

pub(super) fn parts_count(object: &Object) -> i32 {
    i32::try_from(object.content.pieces.len()).unwrap_or(i32::MAX)
}

fn tag_count(attributes: &Attributes) -> Option<i32> {
    i32::try_from(attributes.tags.len()).ok().filter(|count| *count > 0)
}

/// Checksums are answered where they are asked for, and only of whole objects.
fn asked_sums(mode: Option<&ChecksumMode>, part: &Span, object: &Object) -> Sums {
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    Sums::of(object.checksum.as_ref().filter(|_| asked && !part.partial))
}

/// The part of an object that is answered.
struct Span {
    first: u64,
    length: u64,
    partial: bool,
}

impl Span {
    fn range(&self, object: &Object) -> Option<String> {
        let last = (self.first + self.length).saturating_sub(1);
        self.partial.then(|| format!("bytes {}-{last}/{}", self.first, object.size))
    }
}

fn span(object: &Object, range: Option<Range>, part: Option<i32>) -> S3Result<Span> {
    let unsatisfiable = |range: &Range| {
        let error = error::about(error::invalid_range(), "ActualObjectSize", object.size.to_string());
        refused(error::about(error, "RangeRequested", range.to_header_string()))
    };
    if let Some(number) = part {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let pieces = &object.content.pieces;
        let piece = index.and_then(|index| pieces.get(index));
        let piece = piece.ok_or_else(|| {
            let error = error::about(error::invalid_part_number(), "PartNumberRequested", number.to_string());
            refused(error::about(error, "ActualPartCount", pieces.len().to_string()))
        })?;
        let first = pieces.iter().take(index.unwrap_or_default()).map(|piece| piece.size).sum();
        return Ok(Span { first, length: piece.size, partial: true });
    }
    let Some(range) = range else { return Ok(Span { first: 0, length: object.size, partial: false }) };
    let (first, last) = match range {
        Range::Int { first, last } => (first, last.unwrap_or(u64::MAX).min(object.size.saturating_sub(1))),
        Range::Suffix { length: 0 } => return Err(unsatisfiable(&range)),
        Range::Suffix { length } => (object.size.saturating_sub(length), object.size.saturating_sub(1)),
    };
    if first >= object.size || last < first {
        return Err(unsatisfiable(&range));
    }
    Ok(Span { first, length: last - first + 1, partial: true })
}

/// Conditions on reading (RFC 9110 §13.2.2).
pub(super) struct Conditions<'a> {
    pub(super) matches: Option<&'a ETagCondition>,
    pub(super) none: Option<&'a ETagCondition>,
    pub(super) since: Option<&'a Timestamp>,
    pub(super) unmodified: Option<&'a Timestamp>,
}

/// What an object's conditions say.
pub(super) enum Verdict {
    /// All hold.
    Met,
    /// The header whose condition does not hold: `412`.
    Unmet(&'static str),
    /// The header by which the client has this already: `304`.
    Unchanged(&'static str),
}

impl Conditions<'_> {
    pub(super) fn verdict(&self, object: &Object, version: &Version) -> Verdict {
        let is = |condition: &ETagCondition| {
            let wanted = convert::condition(condition);
            wanted == "*" || wanted == object.etag
        };
        let modified = version.modified_at.whole_seconds();
        match (self.matches, self.unmodified) {
            (Some(matches), _) if !is(matches) => return Verdict::Unmet("If-Match"),
            (None, Some(time)) if modified > convert::seconds(time) => {
                return Verdict::Unmet("If-Unmodified-Since");
            }
            _ => {}
        }
        match (self.none, self.since) {
            (Some(none), _) if is(none) => Verdict::Unchanged("If-None-Match"),
            (None, Some(time)) if modified <= convert::seconds(time) => {
                Verdict::Unchanged("If-Modified-Since")
            }
            _ => Verdict::Met,
        }
    }

    fn check(&self, object: &Object, version: &Version) -> S3Result<()> {
        match self.verdict(object, version) {
            Verdict::Met => return Ok(()),
            Verdict::Unmet(header) => return Err(refused(error::unmet(header))),
            Verdict::Unchanged(_) => {}
        }
        let mut error = refused(error::not_modified());
        let mut headers = http::HeaderMap::new();
        if let Ok(value) = http::HeaderValue::from_str(&format!("\"{}\"", object.etag)) {
            headers.insert(http::header::ETAG, value);
        }
        let date = convert::http_date(&convert::time(version.modified_at));
        if let Ok(value) = http::HeaderValue::from_str(&date) {
            headers.insert(http::header::LAST_MODIFIED, value);
        }
        error.set_headers(headers);
        Err(error)
    }
}
