//! Copies: of an object, and of a range of one as a part of an upload.

use std::sync::Arc;

use landfall_services::pipe::{CheckRecord, Context, Failure, Later};
use landfall_services::s3::access::{self, Afterwards, Ask};
use landfall_services::s3::checksum::{Algorithm, Checksum, Hashes};
use landfall_services::s3::files::DataKey;
use landfall_services::s3::objects::{self, Condition};
use landfall_services::s3::record::{Bucket, Content, Encryption, Object, Piece, SealedKey, Version};
use landfall_services::s3::{encryption, error, later_read, readable, uploads};
use landfall_shape::ServiceError;
use landfall_store::View;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Result};

use super::acl::refuse_acl;
use super::multipart::part_number;
use super::object::{Conditions, Verdict, Write, attributes, refuse_unknown, refused, sse};
use super::{Answered, done};
use crate::arguments;
use crate::convert::{self, Sums};
use crate::front::Session;
use crate::receive::{Expected, receive};
use crate::send::send;

/// The most bytes that one request copies (API Reference, "CopyObject").
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// Keys and values.
type Tags = Vec<(String, String)>;

/// Never copied: a copy has the one that its own request names (API Reference, "CopyObject").
const REDIRECT: &str = "x-amz-website-redirect-location";

/// What is copied, with all checks made.
struct Source {
    version: Arc<Version>,
    object: Object,
    data_key: DataKey,
    /// Answered where the bucket keeps versions.
    version_id: Option<String>,
}

/// Bytes of a source.
struct Span {
    first: u64,
    length: u64,
}

impl Session {
    /// Finds the source of a copy and makes its checks. It may be in another Region than the target: whoever copies signs
    /// for the target's. `later` is what the copy asks for afterwards.
    fn source(
        &self,
        source: &CopySource,
        owner: Option<&String>,
        asked: &Conditions<'_>,
        later: Afterwards<'_>,
    ) -> S3Result<Source> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(refused(error::not_implemented("Access points are not implemented")));
        };
        let [read, _] = access::ON_COPY_SOURCE;
        let version_id = version_id.as_deref();
        version_id.map_or(Ok(()), arguments::check_version_id).map_err(convert::error)?;
        let source = self.on_source(read, bucket, |cx, view, row, checks| {
            let ask = Ask { expected_owner: owner.map(String::as_str), later, ..Ask::default() };
            let target = (&**key, version_id);
            let (version, object) = readable(cx, view, read, row, target, ask, checks)
                .map_err(|failure| of_source(failure, version_id))?;
            let data_key = encryption::open(cx, view, bucket, key, &object.content.key)?;
            let version_id = row.versioning.map(|_| version.id.clone());
            Ok(Source { version, object, data_key, version_id })
        })?;
        check(asked, &source)?;
        Ok(source)
    }

    /// Does something at the bucket of a source, as the caller in that bucket's Region.
    fn on_source<T>(
        &self,
        name: &'static str,
        bucket: &str,
        work: impl FnOnce(&Context<'_>, &View, &Arc<Bucket>, &mut Vec<CheckRecord>) -> Result<T, Failure>,
    ) -> S3Result<T> {
        let mut checks = Vec::new();
        let done = self.at_source(name, bucket, |cx, view, row| work(cx, view, row, &mut checks));
        self.audited(name, done, &checks)
    }

    fn at_source<T>(
        &self,
        name: &'static str,
        bucket: &str,
        work: impl FnOnce(&Context<'_>, &View, &Arc<Bucket>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let view = self.installation.store.view();
        let row = access::bucket(&view, bucket)?;
        let caller = self.caller.in_region(&row.region);
        work(&Context::new(&self.installation, &caller, access::call(name)), &view, &row)
    }

    /// Makes the check for tags of a source that come along. `later` is what the copy asks for afterwards.
    fn read_tags(&self, copied: &CopySource, source: &Source, later: Afterwards<'_>) -> S3Result<()> {
        let tags = &source.object.attributes.tags;
        let CopySource::Bucket { bucket, key, version_id } = copied else { return Ok(()) };
        if tags.is_empty() {
            return Ok(());
        }
        let [_, read_tags] = access::ON_COPY_SOURCE;
        let version = version_id.as_deref();
        let ask = Ask { bucket, key, version, existing_tags: tags, later, ..Ask::default() };
        self.on_source(read_tags, bucket, |cx, view, _, checks| {
            access::check(cx, view, read_tags, &ask, checks)
        })
        .map(drop)
    }

    /// What a copy asks for once it may read its source; with `tags` the copy gets these in place of the source's.
    fn after_source(&self, input: &CopyObjectInput, tags: Option<&[(String, String)]>) -> Vec<Later> {
        if let Some(tags) = tags {
            return self.after_tags(input, tags);
        }
        let (tags, mut later) = self.later_tags(&input.copy_source).unwrap_or_default();
        later.extend(self.after_tags(input, &tags));
        later
    }

    fn after_tags(&self, input: &CopyObjectInput, tags: &[(String, String)]) -> Vec<Later> {
        copy_of(input, tags).map(|write| self.later_write(&write)).unwrap_or_default()
    }

    /// The tags of a source, and the check for taking them along.
    fn later_tags(&self, copied: &CopySource) -> Result<(Tags, Vec<Later>), Failure> {
        let CopySource::Bucket { bucket, key, version_id } = copied else { return Ok(Default::default()) };
        let [_, read_tags] = access::ON_COPY_SOURCE;
        self.at_source(read_tags, bucket, |cx, view, _| {
            let version = version_id.as_deref();
            let object = objects::find(view, bucket, key, version)?;
            let object = object.and_then(|found| found.version.object.clone());
            let tags = object.map(|object| object.attributes.tags).unwrap_or_default();
            if tags.is_empty() {
                return Ok((tags, Vec::new()));
            }
            let ask = Ask { bucket, key, version, existing_tags: &tags, ..Ask::default() };
            let later = access::later(cx, view, read_tags, &ask);
            Ok((tags, later))
        })
    }

    /// What reading a source asks for.
    fn later_source(&self, copied: &CopySource) -> Vec<Later> {
        let CopySource::Bucket { bucket, key, version_id } = copied else { return Vec::new() };
        let [read, _] = access::ON_COPY_SOURCE;
        let target = (&**key, version_id.as_deref());
        let later = self.at_source(read, bucket, |cx, view, row| Ok(later_read(cx, view, read, row, target)));
        later.unwrap_or_default()
    }

    /// Writes bytes of a source anew, under another key.
    async fn transfer(
        &self,
        source: &Source,
        span: &Span,
        key: &DataKey,
        algorithm: Algorithm,
    ) -> S3Result<(Piece, Hashes)> {
        let (installation, pieces) = (Arc::clone(&self.installation), source.object.content.pieces.clone());
        let body = send(installation, source.data_key.clone(), pieces, span.first, span.length);
        let writer = self.writer(key)?;
        let expected = Expected::read(&http::HeaderMap::new(), algorithm)?;
        receive(Some(body), writer, &expected, None).await
    }

    pub(super) async fn run_copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> Answered<CopyObjectOutput> {
        refuse_unknown(&req.headers)?;
        let asked = attributes(&req.headers)?;
        let input = req.input;
        let conditions = Conditions {
            matches: input.copy_source_if_match.as_ref(),
            none: input.copy_source_if_none_match.as_ref(),
            since: input.copy_source_if_modified_since.as_ref(),
            unmodified: input.copy_source_if_unmodified_since.as_ref(),
        };
        let owner = input.expected_source_bucket_owner.as_ref();
        let replace = input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == "REPLACE");
        let retag = input.tagging_directive.as_ref().is_some_and(|it| it.as_str() == "REPLACE");
        let new_tags = retag.then_some(asked.tags.as_slice());
        let source = self.source(
            &input.copy_source,
            owner,
            &conditions,
            Afterwards(Some(&|| self.after_source(&input, new_tags))),
        )?;
        if source.object.size > LARGEST {
            return Err(refused(error::source_too_large()));
        }
        let named = replace
            || retag
            || asked.storage_class.is_some()
            || asked.header(REDIRECT).is_some()
            || input.server_side_encryption.is_some();
        if !retag {
            let later = || self.after_tags(&input, &source.object.attributes.tags);
            self.read_tags(&input.copy_source, &source, Afterwards(Some(&later)))?;
        }
        let kept = &source.object.attributes;
        let mut attributes = if replace { asked.clone() } else { kept.clone() };
        attributes.tags = if retag { asked.tags } else { kept.tags.clone() };
        attributes.headers.retain(|(name, _)| name != REDIRECT);
        attributes.headers.extend(asked.headers.into_iter().filter(|(name, _)| name == REDIRECT));
        attributes.storage_class = asked.storage_class;
        let (row, key) = self.writable(&copy_of(&input, &attributes.tags)?)?;
        refuse_acl(&req.headers, &row)?;
        let (new_key, sealed) = key.make(&self.cx("CopyObject")).map_err(convert::failure)?;
        if is_itself(&input) && !named && !is_new(&row, &sealed, &source.object) {
            let text = "This copy request is illegal because it is trying to copy an object to itself without changing \
                        the object's metadata, storage class, website redirect location or encryption attributes.";
            return Err(refused(error::invalid_request(text)));
        }
        let algorithm = input.checksum_algorithm.as_ref().and_then(|it| Algorithm::of(it.as_str()));
        let before = source.object.checksum.as_ref().map(|checksum| checksum.algorithm);
        let algorithm = algorithm.or(before).unwrap_or(Algorithm::Crc64Nvme);
        let whole = Span { first: 0, length: source.object.size };
        let (piece, hashes) = self.transfer(&source, &whole, &new_key, algorithm).await?;
        let checksum = Checksum { algorithm, value: hashes.checksum, composite: false };
        let object = Object {
            etag: hashes.etag.clone(),
            size: piece.size,
            content: Content { key: sealed.clone(), pieces: vec![piece] },
            attributes,
            checksum: Some(checksum.clone()),
        };
        let place = (input.bucket.as_str(), input.key.as_str());
        let version_id = self.keep(place, object, &Condition::default(), "CopyObject").await?;
        let sums = Sums::of(Some(&checksum));
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&sealed);
        let result = CopyObjectResult {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            e_tag: Some(convert::etag(&hashes.etag)),
            last_modified: Some(convert::time(self.installation.clock.now())),
        };
        done(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: source.version_id,
            version_id,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        })
    }

    fn part_copy_allowed(&self, input: &UploadPartCopyInput) -> S3Result<()> {
        let place = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
        let (view, owner) = (self.installation.store.view(), input.expected_bucket_owner.as_ref());
        let ask = self.sealed_ask("UploadPartCopy", &view, place, owner)?;
        let later = || self.later_source(&input.copy_source);
        self.allowed("UploadPartCopy", &Ask { later: Afterwards(Some(&later)), ..ask }).map(drop)
    }

    pub(super) async fn run_upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> Answered<UploadPartCopyOutput> {
        refuse_unknown(&req.headers)?;
        let input = req.input;
        let number = part_number(input.part_number)?;
        let place = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
        self.part_copy_allowed(&input)?;
        let view = self.installation.store.view();
        let upload = uploads::find(&view, place).map_err(convert::failure)?;
        let conditions = Conditions {
            matches: input.copy_source_if_match.as_ref(),
            none: input.copy_source_if_none_match.as_ref(),
            since: input.copy_source_if_modified_since.as_ref(),
            unmodified: input.copy_source_if_unmodified_since.as_ref(),
        };
        let owner = input.expected_source_bucket_owner.as_ref();
        let source = self.source(&input.copy_source, owner, &conditions, Afterwards::default())?;
        let span = span(input.copy_source_range.as_deref(), source.object.size).map_err(convert::error)?;
        let key = encryption::open(&self.cx("UploadPartCopy"), &view, place.0, place.1, &upload.key);
        let key = key.map_err(convert::failure)?;
        let (piece, hashes) = self.transfer(&source, &span, &key, upload.algorithm).await?;
        let part = self.keep_part("UploadPartCopy", place, number, piece, &hashes).await?;
        let sums = if upload.asked { Sums::one(upload.algorithm, &hashes.checksum) } else { Sums::default() };
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&upload.key);
        let result = CopyPartResult {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            e_tag: Some(convert::etag(&hashes.etag)),
            last_modified: Some(convert::time(part)),
        };
        done(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: source.version_id,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        })
    }
}

/// What a copy writes.
fn copy_of<'a>(input: &'a CopyObjectInput, tags: &'a [(String, String)]) -> S3Result<Write<'a>> {
    let encryption = convert::encryption(
        input.server_side_encryption.as_ref(),
        input.ssekms_key_id.as_deref(),
        input.bucket_key_enabled,
    )?;
    Ok(Write {
        name: "CopyObject",
        bucket: &input.bucket,
        key: &input.key,
        owner: input.expected_bucket_owner.as_ref(),
        tags,
        encryption,
    })
}

/// Whether a copy of an object onto itself that names no change makes something new: the bucket says itself how to encrypt,
/// or encrypts in another way than the object is.
fn is_new(bucket: &Bucket, key: &SealedKey, source: &Object) -> bool {
    let algorithm = |key: &SealedKey| key.protection().algorithm();
    let said = bucket.encryption_set || bucket.encryption != Encryption::default();
    said || algorithm(key) != algorithm(&source.content.key)
}

/// Whether an object is copied onto itself; an older version of it is another object.
fn is_itself(input: &CopyObjectInput) -> bool {
    matches!(&input.copy_source, CopySource::Bucket { bucket, key, version_id: None }
        if **bucket == *input.bucket && **key == *input.key)
}

/// Who names a delete marker as the source, or what is archived, is told so.
fn of_source(failure: Failure, version: Option<&str>) -> Failure {
    match failure {
        Failure::Service(error) if version.is_some() && error.code == "MethodNotAllowed" => {
            error::source_is_marker().into()
        }
        Failure::Service(error) if error.code == "InvalidObjectState" => {
            ServiceError { members: error.members, ..error::source_archived() }.into()
        }
        failure => failure,
    }
}

/// For copies even `304` is `412`.
fn check(asked: &Conditions<'_>, source: &Source) -> S3Result<()> {
    let header = match asked.verdict(&source.object, &source.version) {
        Verdict::Met => return Ok(()),
        Verdict::Unmet(header) | Verdict::Unchanged(header) => header,
    };
    Err(unmet(header))
}

fn unmet(header: &str) -> S3Error {
    refused(error::unmet(match header {
        "If-Match" => "x-amz-copy-source-If-Match",
        "If-None-Match" => "x-amz-copy-source-If-None-Match",
        "If-Modified-Since" => "x-amz-copy-source-If-Modified-Since",
        _ => "x-amz-copy-source-If-Unmodified-Since",
    }))
}

/// The bytes of the source that become a part: `bytes=first-last`, and within the source.
fn span(range: Option<&str>, size: u64) -> Result<Span, ServiceError> {
    const NAME: &str = "x-amz-copy-source-range";
    let Some(text) = range else { return within(Span { first: 0, length: size }) };
    let digits = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
    let parsed = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'));
    let parsed = parsed.and_then(|(first, last)| Some((digits(first)?, digits(last)?)));
    let Some((first, last)) = parsed.filter(|(first, last)| first <= last) else {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                       the zero-based offsets of the first and last bytes to copy";
        return Err(error::bad_argument(NAME, text, message));
    };
    if last >= size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(error::bad_argument(NAME, text, message));
    }
    within(Span { first, length: last - first + 1 })
}

fn within(span: Span) -> Result<Span, ServiceError> {
    if span.length > LARGEST { Err(error::source_too_large()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use landfall_services::s3::objects::put;
    use landfall_services::s3::record::Attributes;
    use landfall_services::s3::{buckets, encryption::WriteKey};
    use landfall_services::testing::{AuditLog, START, TestInstallation, account, nobody, region, root};

    use super::*;

    /// Buckets `here`, with an object `k` that has a tag, and `there`, and somebody without permissions.
    fn somebody() -> (TestInstallation, Session) {
        let t = TestInstallation::new(&[]);
        let installation = Arc::clone(t.call.installation());
        let made = installation.store.write("buckets", |tx| -> Result<(), Failure> {
            buckets::create(tx, START, &account(), &region(), "here", None)?;
            buckets::create(tx, START, &account(), &region(), "there", None)
        });
        made.unwrap();
        let owner = root();
        let cx = Context::new(&installation, &owner, access::call("PutObject"));
        let row = access::bucket(&installation.store.view(), "here").unwrap();
        let (_, key) = WriteKey::find(&cx, &row, "k", None).unwrap().make(&cx).unwrap();
        let tags = vec![("team".to_owned(), "red".to_owned())];
        let object = Object {
            etag: "0".repeat(32),
            size: 0,
            content: Content { key, pieces: Vec::new() },
            attributes: Attributes { tags, ..Attributes::default() },
            checksum: None,
        };
        let kept = installation
            .store
            .write("object", |tx| put(tx, START, ("here", "k"), object, &Condition::default()));
        kept.unwrap();
        let session = Session { installation, caller: Arc::new(nobody()) };
        (t, session)
    }

    fn request<T>(input: T) -> S3Request<T> {
        S3Request {
            input,
            method: http::Method::PUT,
            uri: http::Uri::from_static("/there/k"),
            headers: http::HeaderMap::new(),
            extensions: http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        }
    }

    fn source() -> CopySource {
        CopySource::Bucket { bucket: "here".into(), key: "k".into(), version_id: None }
    }

    /// What the fix of the first refusal allows: pairs of action and resource.
    fn fixed(log: &AuditLog) -> Vec<(String, String)> {
        let lines = log.lines();
        let line = lines.iter().find(|line| line.contains_key("decision")).unwrap();
        let decision: serde_json::Value = serde_json::from_str(&line["decision"]).unwrap();
        assert!(decision["fix"]["verified"] == true && decision["fix"]["smallest"] == true, "{decision}");
        let list = |it: &serde_json::Value| match it {
            serde_json::Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
        let mut pairs = Vec::new();
        for step in decision["fix"]["steps"].as_array().unwrap() {
            for action in list(&step["statement"]["Action"]) {
                let resources = list(&step["statement"]["Resource"]);
                pairs.extend(resources.iter().map(|resource| (text(&action), text(resource))));
            }
        }
        pairs.sort();
        pairs
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(action, arn)| ((*action).to_owned(), (*arn).to_owned())).collect()
    }

    const HERE: &str = "arn:aws:s3:::here/k";
    const THERE: &str = "arn:aws:s3:::there/k";

    /// One fix is for the whole call: reading the source and its tags, and writing the copy with them.
    #[tokio::test]
    async fn the_fix_of_a_copy_allows_all_of_it() {
        let (_t, session) = somebody();
        let log = AuditLog::start();
        let input = || {
            CopyObjectInput::builder().bucket("there".to_owned()).key("k".to_owned()).copy_source(source())
        };
        let copy = |input| session.run_copy_object(request(input));
        copy(input().build().unwrap()).await.unwrap_err();
        let expected = [
            ("s3:GetObject", HERE),
            ("s3:GetObjectTagging", HERE),
            ("s3:PutObject", THERE),
            ("s3:PutObjectTagging", THERE),
        ];
        assert_eq!(fixed(&log), pairs(&expected));
        let retagged = input().tagging_directive(Some(TaggingDirective::from_static("REPLACE")));
        copy(retagged.build().unwrap()).await.unwrap_err();
        assert_eq!(fixed(&log), pairs(&[("s3:GetObject", HERE), ("s3:PutObject", THERE)]));
    }

    #[test]
    fn the_fix_of_a_copied_part_allows_all_of_it() {
        let (_t, session) = somebody();
        let log = AuditLog::start();
        let input = UploadPartCopyInput::builder()
            .bucket("there".to_owned())
            .key("k".to_owned())
            .copy_source(source())
            .part_number(1)
            .upload_id("u".to_owned())
            .build()
            .unwrap();
        session.part_copy_allowed(&input).unwrap_err();
        assert_eq!(fixed(&log), pairs(&[("s3:GetObject", HERE), ("s3:PutObject", THERE)]));
    }

    #[test]
    fn ranges_of_a_source() {
        let cases = [
            (None, Ok((0, 10))),
            (Some("bytes=0-9"), Ok((0, 10))),
            (Some("bytes=3-3"), Ok((3, 1))),
            (Some("bytes=0-10"), Err("Range specified is not valid for source object of size: 10")),
            (Some("bytes=10-11"), Err("Range specified is not valid for source object of size: 10")),
            (Some("bytes=5-"), Err(FORM)),
            (Some("bytes=-5"), Err(FORM)),
            (Some("bytes=4-3"), Err(FORM)),
            (Some("0-3"), Err(FORM)),
            (Some("bytes=+1-3"), Err(FORM)),
            (Some("bytes=0-1,3-4"), Err(FORM)),
        ];
        for (range, expected) in cases {
            let found = span(range, 10).map(|span| (span.first, span.length)).map_err(|error| error.message);
            assert_eq!(found, expected.map_err(str::to_owned), "{range:?}");
        }
        let large = LARGEST + 1;
        assert_eq!(span(None, large).err().map(|error| error.code), Some("InvalidRequest"));
        assert!(span(Some("bytes=0-5368709119"), large).is_ok());
    }

    const FORM: &str = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                        zero-based offsets of the first and last bytes to copy";
}
