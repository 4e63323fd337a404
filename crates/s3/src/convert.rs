//! Between rows and the types of `s3s`.

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_base::{AccountId, Timestamp};
use landfall_services::pipe::Failure;
use landfall_services::s3::checksum::{Algorithm, Checksum};
use landfall_services::s3::names::canonical_user;
use landfall_services::s3::record::{Attributes, Encryption, Object, Upload};
use landfall_shape::{ServiceError, Structure, Value};
use s3s::dto::{self, ETag, ETagCondition, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Response};

/// How further elements of an error pass through `s3s`, which knows none: one header for each, `Name=value`, which
/// [`crate::finish`] takes out again.
pub(crate) const ELEMENT: HeaderName = HeaderName::from_static("x-landfall-error-element");

/// How an answer's status passes through `s3s`, which has its own for most operations; [`crate::finish`] takes it out again.
pub(crate) const STATUS: HeaderName = HeaderName::from_static("x-landfall-status");

/// Tells [`crate::finish`] that the ETag in a document has no quotation marks.
pub(crate) const BARE_ETAG: HeaderName = HeaderName::from_static("x-landfall-bare-etag");

/// An answer with another status than the operation's usual one.
pub(crate) fn with_status<T>(mut answer: S3Response<T>, status: http::StatusCode) -> S3Response<T> {
    answer.headers.insert(STATUS, HeaderValue::from(status.as_u16()));
    answer
}

/// An error as `s3s` takes it.
pub(crate) fn error(error: ServiceError) -> S3Error {
    let code = S3ErrorCode::from_bytes(error.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut converted = S3Error::with_message(code, error.message);
    let headers = members(&error.members);
    if !headers.is_empty() {
        converted.set_headers(headers);
    }
    if let Ok(status) = http::StatusCode::from_u16(error.status) {
        converted.set_status_code(status);
    }
    converted
}

fn members(members: &Structure) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in members.iter() {
        let Value::String(value) = value else { continue };
        if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            headers.extend(HeaderValue::from_str(&format!("{name}={value}")).map(|value| (ELEMENT, value)));
        } else if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// A failure as `s3s` takes it.
pub(crate) fn failure(failure: Failure) -> S3Error {
    error(failure.into_service_error("s3"))
}

/// A moment.
pub(crate) fn time(time: Timestamp) -> dto::Timestamp {
    let millis = std::time::Duration::from_millis(time.millis().max(0).unsigned_abs());
    dto::Timestamp::from(std::time::UNIX_EPOCH + millis)
}

/// A moment in whole seconds since 1970.
pub(crate) fn seconds(time: &dto::Timestamp) -> i64 {
    let mut text = Vec::new();
    // Writing into memory does not fail.
    let _ = time.format(TimestampFormat::EpochSeconds, &mut text);
    let text = String::from_utf8(text).unwrap_or_default();
    text.split('.').next().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// A header's date.
pub(crate) fn http_date(time: &dto::Timestamp) -> String {
    let mut text = Vec::new();
    let _ = time.format(TimestampFormat::HttpDate, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// An ETag.
pub(crate) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// The ETag of a condition; `*` for any.
pub(crate) fn condition(condition: &ETagCondition) -> String {
    match condition {
        ETagCondition::ETag(etag) => etag.value().to_owned(),
        ETagCondition::Any => "*".to_owned(),
    }
}

/// An owner.
pub(crate) fn owner(account: &AccountId) -> dto::Owner {
    dto::Owner { display_name: None, id: Some(canonical_user(account)) }
}

/// Tags of a document.
///
/// # Errors
/// `InvalidTag`
pub(crate) fn tags(set: dto::TagSet, most: usize) -> Result<Vec<(String, String)>, S3Error> {
    let tags: Vec<_> =
        set.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect();
    check_tags(&tags, most, "System tags cannot be added/updated by requester")?;
    Ok(tags)
}

fn check_tags(tags: &[(String, String)], most: usize, of_aws: &str) -> Result<(), S3Error> {
    let refuse = |text: &str| Err(error(landfall_services::s3::error::invalid_tag(text)));
    if tags.len() > most {
        let text = format!("Object tags cannot be greater than {most}");
        return Err(error(ServiceError::client("BadRequest", text)));
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 {
            return refuse("The TagKey you have provided is invalid");
        }
        if value.chars().count() > 256 {
            return refuse("The TagValue you have provided is invalid");
        }
        if key.starts_with("aws:") {
            return refuse(of_aws);
        }
        if tags.iter().take(at).any(|(other, _)| other == key) {
            return refuse("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(())
}

/// Tags of a header: `a=b&c=d`.
///
/// # Errors
/// `InvalidTag`
pub(crate) fn header_tags(text: Option<&str>) -> Result<Vec<(String, String)>, S3Error> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let tags: Vec<_> = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect();
    check_tags(&tags, 10, "Your TagKey cannot be prefixed with aws:")?;
    Ok(tags)
}

/// Tags as a document has them.
pub(crate) fn tag_set(tags: &[(String, String)]) -> dto::TagSet {
    tags.iter().map(|(key, value)| dto::Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

/// How an object is to be encrypted, as the request says.
pub(crate) fn encryption(
    algorithm: Option<&dto::ServerSideEncryption>,
    key: Option<&str>,
    bucket_key: Option<bool>,
) -> Result<Option<Encryption>, S3Error> {
    let Some(algorithm) = algorithm else { return Ok(None) };
    let kms = match algorithm.as_str() {
        "AES256" => false,
        "aws:kms" => true,
        other => {
            let text = format!("The encryption method `{other}` is not implemented");
            return Err(error(landfall_services::s3::error::not_implemented(text)));
        }
    };
    let key = key.filter(|_| kms).map(str::to_owned);
    Ok(Some(Encryption { kms, key, bucket_key: bucket_key.unwrap_or_default() }))
}

/// The checksum of an object in the members of an answer.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) kind: Option<dto::ChecksumType>,
}

impl Sums {
    pub(crate) fn of(checksum: Option<&Checksum>) -> Self {
        let Some(checksum) = checksum else { return Self::default() };
        let kind = if checksum.composite { "COMPOSITE" } else { "FULL_OBJECT" };
        let kind = Some(dto::ChecksumType::from_static(kind));
        Self { kind, ..Self::one(checksum.algorithm, &checksum.value) }
    }

    pub(crate) fn one(algorithm: Algorithm, value: &str) -> Self {
        let (mut sums, value) = (Self::default(), Some(value.to_owned()));
        match algorithm {
            Algorithm::Crc32 => sums.crc32 = value,
            Algorithm::Crc32c => sums.crc32c = value,
            Algorithm::Crc64Nvme => sums.crc64nvme = value,
            Algorithm::Sha1 => sums.sha1 = value,
            Algorithm::Sha256 => sums.sha256 = value,
        }
        sums
    }
}

/// The algorithm of an object's checksum, for listings.
pub(crate) fn algorithms(object: &Object) -> Option<Vec<dto::ChecksumAlgorithm>> {
    let checksum = object.checksum.as_ref()?;
    Some(vec![dto::ChecksumAlgorithm::from_static(checksum.algorithm.name())])
}

/// The checksums that an upload asked for.
pub(crate) fn sums_of_upload(upload: &Upload) -> (Option<dto::ChecksumAlgorithm>, Option<dto::ChecksumType>) {
    let kind = if upload.composite { "COMPOSITE" } else { "FULL_OBJECT" };
    let asked = upload.asked.then(|| {
        (dto::ChecksumAlgorithm::from_static(upload.algorithm.name()), dto::ChecksumType::from_static(kind))
    });
    asked.unzip()
}

/// A storage class, where it is always said.
pub(crate) fn storage_class(attributes: &Attributes) -> dto::StorageClass {
    dto::StorageClass::from(attributes.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()))
}

/// Metadata as an answer has it.
pub(crate) fn metadata(attributes: &Attributes) -> Option<dto::Metadata> {
    (!attributes.metadata.is_empty()).then(|| attributes.metadata.iter().cloned().collect())
}
