//! Listings.

use landfall_services::s3::access::Ask;
use landfall_services::s3::error;
use landfall_services::s3::listing::{self, Query};
use landfall_services::s3::record::{Bucket, Version};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Result};

use super::{Answered, done};
use crate::convert;
use crate::front::Session;

/// What `EncodingType=url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

struct Encoder(bool);

impl Encoder {
    fn of(kind: Option<&EncodingType>) -> S3Result<Self> {
        match kind.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some("url") => Ok(Self(true)),
            Some(_) => {
                Err(convert::error(error::invalid_argument("Invalid Encoding Method specified in Request")))
            }
        }
    }

    fn encode(&self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, ENCODED).to_string() } else { text.to_owned() }
    }

    fn some(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.encode(&text))
    }
}

fn most(asked: Option<i32>) -> S3Result<usize> {
    let refused = |_| {
        let text = "Argument maxKeys must be an integer between 0 and 2147483647";
        convert::error(error::invalid_argument(text))
    };
    Ok(usize::try_from(asked.unwrap_or(1000)).map_err(refused)?.min(1000))
}

fn ask<'a>(
    bucket: &'a str,
    prefix: Option<&String>,
    delimiter: Option<&String>,
    most: Option<i32>,
    owner: Option<&'a String>,
) -> Ask<'a> {
    let mut ask = Ask { bucket, expected_owner: owner.map(String::as_str), ..Ask::default() };
    ask.context.extend(prefix.map(|prefix| ("s3:prefix", prefix.clone())));
    ask.context.extend(delimiter.map(|delimiter| ("s3:delimiter", delimiter.clone())));
    ask.context.extend(most.map(|most| ("s3:max-keys", most.to_string())));
    ask
}

fn item(key: &str, version: &Version, encoder: &Encoder, owner: Option<Owner>) -> Option<Object> {
    let object = version.object.as_ref()?;
    let class = object.attributes.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned());
    Some(Object {
        checksum_algorithm: convert::algorithms(object),
        checksum_type: convert::Sums::of(object.checksum.as_ref()).kind,
        e_tag: Some(convert::etag(&object.etag)),
        key: Some(encoder.encode(key)),
        last_modified: Some(convert::time(version.modified_at)),
        owner,
        restore_status: None,
        size: i64::try_from(object.size).ok(),
        storage_class: Some(ObjectStorageClass::from(class)),
    })
}

fn rolled(prefixes: Vec<String>, encoder: &Encoder) -> Option<CommonPrefixList> {
    let prefixes: Vec<_> =
        prefixes.into_iter().map(|it| CommonPrefix { prefix: Some(encoder.encode(&it)) }).collect();
    (!prefixes.is_empty()).then_some(prefixes)
}

impl Session {
    pub(super) async fn run_list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> Answered<ListObjectsV2Output> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let ask = ask(&input.bucket, input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys, owner);
        let row = self.allowed("ListObjectsV2", &ask)?;
        let encoder = Encoder::of(input.encoding_type.as_ref())?;
        let token = input.continuation_token.as_deref().map(|token| {
            let decoded = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = "The continuation token provided is incorrect";
            decoded.filter(|it| !it.is_empty()).ok_or_else(|| convert::error(error::invalid_argument(text)))
        });
        let token = token.transpose()?;
        let page = self.objects(
            &row,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            token.as_deref().or(input.start_after.as_deref()),
            most(input.max_keys)?,
        )?;
        let with_owner = input.fetch_owner == Some(true);
        let contents: Vec<_> = page
            .items
            .iter()
            .filter_map(|(key, it)| item(key, it, &encoder, with_owner.then(|| convert::owner(&row.owner))))
            .collect();
        done(ListObjectsV2Output {
            key_count: i32::try_from(contents.len() + page.prefixes.len()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|(key, _)| hex::encode(key)),
            contents: Some(contents),
            common_prefixes: rolled(page.prefixes, &encoder),
            max_keys: i32::try_from(most(input.max_keys)?).ok(),
            prefix: Some(encoder.encode(input.prefix.as_deref().unwrap_or_default())),
            delimiter: encoder.some(input.delimiter),
            start_after: encoder.some(input.start_after.filter(|_| input.continuation_token.is_none())),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            request_charged: None,
        })
    }

    fn objects(
        &self,
        row: &Bucket,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> S3Result<listing::Page<std::sync::Arc<Version>>> {
        let query = Query {
            bucket: &row.name,
            prefix: prefix.unwrap_or_default(),
            delimiter,
            after: after.filter(|after| !after.is_empty()),
            after_id: None,
            most,
        };
        let view = self.installation.store.view();
        listing::objects(&view, query).map_err(|error| convert::failure(error.into()))
    }

    pub(super) async fn run_list_objects(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> Answered<ListObjectsOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let ask = ask(&input.bucket, input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys, owner);
        let row = self.allowed("ListObjects", &ask)?;
        let encoder = Encoder::of(input.encoding_type.as_ref())?;
        let (prefix, delimiter) = (input.prefix.as_deref(), input.delimiter.as_deref());
        let page = self.objects(&row, prefix, delimiter, input.marker.as_deref(), most(input.max_keys)?)?;
        let owner = convert::owner(&row.owner);
        let contents = page.items.iter().filter_map(|(key, it)| item(key, it, &encoder, Some(owner.clone())));
        let contents = contents.collect();
        let next = page.next.map(|(key, _)| key);
        done(ListObjectsOutput {
            is_truncated: Some(next.is_some()),
            next_marker: encoder.some(next.filter(|_| input.delimiter.is_some())),
            contents: Some(contents),
            common_prefixes: rolled(page.prefixes, &encoder),
            max_keys: i32::try_from(most(input.max_keys)?).ok(),
            prefix: Some(encoder.encode(prefix.unwrap_or_default())),
            marker: Some(encoder.encode(input.marker.as_deref().unwrap_or_default())),
            delimiter: encoder.some(input.delimiter),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            request_charged: None,
        })
    }

    pub(super) async fn run_list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> Answered<ListObjectVersionsOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let ask = ask(&input.bucket, input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys, owner);
        let row = self.allowed("ListObjectVersions", &ask)?;
        let encoder = Encoder::of(input.encoding_type.as_ref())?;
        let query = Query {
            bucket: &row.name,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.key_marker.as_deref().filter(|after| !after.is_empty()),
            after_id: input.version_id_marker.as_deref(),
            most: most(input.max_keys)?,
        };
        let view = self.installation.store.view();
        let page = listing::versions(&view, query).map_err(|error| convert::failure(error.into()))?;
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        for (key, listed) in &page.items {
            let owner = Some(convert::owner(&row.owner));
            let (is_latest, version) = (Some(listed.is_latest), &listed.version);
            let version_id = Some(version.id.clone());
            match item(key, version, &encoder, owner.clone()) {
                Some(it) => versions.push(ObjectVersion {
                    checksum_algorithm: it.checksum_algorithm,
                    checksum_type: it.checksum_type,
                    e_tag: it.e_tag,
                    is_latest,
                    key: it.key,
                    last_modified: it.last_modified,
                    owner,
                    restore_status: None,
                    size: it.size,
                    storage_class: it
                        .storage_class
                        .map(|it| ObjectVersionStorageClass::from(it.as_str().to_owned())),
                    version_id,
                }),
                None => markers.push(DeleteMarkerEntry {
                    is_latest,
                    key: Some(encoder.encode(key)),
                    last_modified: Some(convert::time(version.modified_at)),
                    owner,
                    version_id,
                }),
            }
        }
        let (next_key, next_id) = page.next.map_or((None, None), |(key, id)| (Some(key), id));
        done(ListObjectVersionsOutput {
            is_truncated: Some(next_key.is_some()),
            next_version_id_marker: next_id,
            next_key_marker: encoder.some(next_key),
            versions: Some(versions),
            delete_markers: Some(markers),
            common_prefixes: rolled(page.prefixes, &encoder),
            max_keys: i32::try_from(most(input.max_keys)?).ok(),
            prefix: Some(encoder.encode(input.prefix.as_deref().unwrap_or_default())),
            key_marker: Some(encoder.encode(input.key_marker.as_deref().unwrap_or_default())),
            version_id_marker: input.version_id_marker,
            delimiter: encoder.some(input.delimiter),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            request_charged: None,
        })
    }

    pub(super) async fn run_list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answered<ListMultipartUploadsOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let ask = ask(&input.bucket, None, None, None, owner);
        let row = self.allowed("ListMultipartUploads", &ask)?;
        let encoder = Encoder::of(input.encoding_type.as_ref())?;
        let query = Query {
            bucket: &row.name,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.key_marker.as_deref().filter(|after| !after.is_empty()),
            after_id: input.upload_id_marker.as_deref(),
            most: most(input.max_uploads)?,
        };
        let view = self.installation.store.view();
        let page = listing::uploads(&view, query).map_err(|error| convert::failure(error.into()))?;
        let uploads = page.items.iter().map(|(key, (id, upload))| {
            let (checksum_algorithm, checksum_type) = convert::sums_of_upload(upload);
            MultipartUpload {
                checksum_algorithm,
                checksum_type,
                initiated: Some(convert::time(upload.initiated_at)),
                initiator: Some(Initiator { display_name: None, id: Some(upload.initiator.clone()) }),
                key: Some(encoder.encode(key)),
                owner: Some(convert::owner(&row.owner)),
                storage_class: Some(convert::storage_class(&upload.attributes)),
                upload_id: Some(id.clone()),
            }
        });
        let uploads = uploads.collect();
        let (next_key, next_id) = page.next.map_or((None, None), |(key, id)| (Some(key), id));
        done(ListMultipartUploadsOutput {
            is_truncated: Some(next_key.is_some()),
            next_key_marker: encoder.some(next_key),
            next_upload_id_marker: next_id,
            uploads: Some(uploads),
            common_prefixes: rolled(page.prefixes, &encoder),
            max_uploads: i32::try_from(most(input.max_uploads)?).ok(),
            prefix: Some(encoder.encode(input.prefix.as_deref().unwrap_or_default())),
            key_marker: Some(encoder.encode(input.key_marker.as_deref().unwrap_or_default())),
            upload_id_marker: input.upload_id_marker,
            delimiter: encoder.some(input.delimiter),
            encoding_type: input.encoding_type,
            bucket: Some(input.bucket),
            request_charged: None,
        })
    }
}
