//! What an object is, without its bytes; and its return from an archive.

use http::{HeaderValue, StatusCode};
use landfall_services::s3::access::Ask;
use landfall_services::s3::record::{Object, Piece, Version};
use landfall_services::s3::{archive, error};
use landfall_shape::ServiceError;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::Answered;
use super::multipart::not_negative;
use super::object::{parts_count, refuse_unknown, refused};
use crate::convert::{self, Sums};
use crate::front::Session;

/// What can be asked for.
const ATTRIBUTES: [&str; 5] = ["Checksum", "ETag", "ObjectParts", "ObjectSize", "StorageClass"];

const MOST_PARTS: u32 = 1000;

/// The attributes that a request names: in several headers, or in one with commas.
fn named(list: &[s3s::dto::ObjectAttributes]) -> S3Result<Vec<&str>> {
    let names = list.iter().flat_map(|it| it.as_str().split(',')).map(str::trim);
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| !ATTRIBUTES.contains(name)) {
        Some(_) => Err(refused(error::invalid_argument("Invalid attribute name specified."))),
        None => Ok(names),
    }
}

/// The checksum, which here has no number of parts behind it.
fn checksum(object: &Object) -> Option<Checksum> {
    let sums = Sums::of(object.checksum.as_ref());
    let bare = |sum: Option<String>| sum.map(|sum| sum.split('-').next().unwrap_or_default().to_owned());
    object.checksum.as_ref().map(|_| Checksum {
        checksum_crc32: bare(sums.crc32),
        checksum_crc32c: bare(sums.crc32c),
        checksum_crc64nvme: bare(sums.crc64nvme),
        checksum_sha1: bare(sums.sha1),
        checksum_sha256: bare(sums.sha256),
        checksum_type: sums.kind,
    })
}

/// Some parts of an object that was uploaded in parts. They are listed where they have checksums; otherwise only counted.
fn parts(object: &Object, most: u32, after: u32) -> Option<GetObjectAttributesParts> {
    if !object.etag.contains('-') {
        return None;
    }
    let total = Some(parts_count(object));
    let pieces = &object.content.pieces;
    if pieces.iter().any(|piece| piece.checksum.is_none()) {
        return Some(GetObjectAttributesParts { total_parts_count: total, ..Default::default() });
    }
    let numbered = (1u32..).zip(pieces).skip_while(|(number, _)| *number <= after);
    let mut listed: Vec<_> = numbered.take(most as usize + 1).collect();
    let more = listed.len() > most as usize;
    listed.truncate(most as usize);
    let number = |number: u32| i32::try_from(number).ok();
    Some(GetObjectAttributesParts {
        is_truncated: Some(more),
        max_parts: number(most),
        next_part_number_marker: number(listed.last().map_or(0, |(number, _)| *number)),
        part_number_marker: number(after),
        parts: Some(listed.into_iter().map(|(number, piece)| part(object, number, piece)).collect()),
        total_parts_count: total,
    })
}

fn part(object: &Object, number: u32, piece: &Piece) -> ObjectPart {
    let algorithm = object.checksum.as_ref().map(|checksum| checksum.algorithm);
    let sum = algorithm.zip(piece.checksum.as_deref());
    let sums = sum.map(|(algorithm, value)| Sums::one(algorithm, value)).unwrap_or_default();
    ObjectPart {
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        part_number: i32::try_from(number).ok(),
        size: i64::try_from(piece.size).ok(),
    }
}

impl Session {
    pub(super) async fn run_get_object_attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> Answered<GetObjectAttributesOutput> {
        refuse_unknown(&req.headers)?;
        let input = req.input;
        let asked = named(&input.object_attributes)?;
        let most = not_negative("max-parts", input.max_parts)?.unwrap_or(MOST_PARTS).min(MOST_PARTS);
        let after = not_negative("part-number-marker", input.part_number_marker)?.unwrap_or(0);
        let (owner, id) = (input.expected_bucket_owner.as_ref(), input.version_id.as_ref());
        let (bucket, version, object) =
            self.read("GetObjectAttributes", &input.bucket, &input.key, id, owner)?;
        let wants = |name: &str| asked.contains(&name);
        let output = GetObjectAttributesOutput {
            checksum: wants("Checksum").then(|| checksum(&object)).flatten(),
            delete_marker: None,
            e_tag: wants("ETag").then(|| convert::etag(&object.etag)),
            last_modified: Some(convert::time(version.modified_at)),
            object_parts: wants("ObjectParts").then(|| parts(&object, most, after)).flatten(),
            object_size: wants("ObjectSize").then(|| i64::try_from(object.size).ok()).flatten(),
            request_charged: None,
            storage_class: wants("StorageClass").then(|| convert::storage_class(&object.attributes)),
            version_id: bucket.versioning.map(|_| version.id.clone()),
        };
        let mut answer = S3Response::new(output);
        answer.headers.insert(convert::BARE_ETAG, HeaderValue::from_static("yes"));
        Ok(answer)
    }

    /// How an answer tells of an archived object that was restored.
    pub(super) fn restore_of(&self, version: &Version) -> Option<String> {
        let until = archive::restored_until(version, self.installation.clock.now())?;
        Some(format!("ongoing-request=\"false\", expiry-date=\"{}\"", until.http_date()))
    }

    pub(super) async fn run_restore_object(
        &self,
        req: S3Request<RestoreObjectInput>,
    ) -> Answered<RestoreObjectOutput> {
        let input = req.input;
        let request = input.restore_request.unwrap_or_default();
        if request.type_.is_some() || request.select_parameters.is_some() || request.output_location.is_some()
        {
            return Err(refused(error::not_implemented("Select is not implemented")));
        }
        let days = days(request.days).map_err(convert::error)?;
        let (owner, version) = (input.expected_bucket_owner.as_deref(), input.version_id.as_deref());
        let ask =
            Ask { bucket: &input.bucket, key: &input.key, version, expected_owner: owner, ..Ask::default() };
        self.allowed("RestoreObject", &ask)?;
        let tier = request.glacier_job_parameters.map(|it| it.tier).or(request.tier);
        let (now, place) = (self.installation.clock.now(), (input.bucket.as_str(), input.key.as_str()));
        let restore = |tx: &mut landfall_store::Tx| {
            archive::restore(tx, now, place, version, days, tier.as_ref().map(Tier::as_str))
        };
        let before = self.write("RestoreObject", restore).await?;
        let status = if before { StatusCode::OK } else { StatusCode::ACCEPTED };
        Ok(convert::with_status(S3Response::new(RestoreObjectOutput::default()), status))
    }
}

fn days(asked: Option<i32>) -> Result<i32, ServiceError> {
    let days = asked.ok_or_else(error::malformed_xml)?;
    if days < 1 {
        let text = "restoration days should be at least 1";
        return Err(error::invalid_argument(text));
    }
    Ok(days)
}
