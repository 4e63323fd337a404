//! Multipart uploads.

use landfall_base::{Timestamp, random};
use landfall_services::pipe::Failure;
use landfall_services::s3::access::{self, Ask};
use landfall_services::s3::checksum::{Algorithm, Hashes};
use landfall_services::s3::objects::Condition;
use landfall_services::s3::record::{PARTS, Part as PartRow, Piece, UPLOADS, Upload};
use landfall_services::s3::{encryption, error, uploads};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::acl::refuse_acl;
use super::object::{Write, attributes, protection, refuse_unknown, sse};
use super::{Answered, done};
use crate::convert::{self, Sums};
use crate::front::Session;
use crate::receive::{Expected, receive};

/// User Guide, "Amazon S3 multipart upload limits".
const LAST_PART: i32 = 10_000;

pub(super) fn part_number(number: i32) -> S3Result<u32> {
    let valid = (1..=LAST_PART).contains(&number);
    u32::try_from(number).ok().filter(|_| valid).ok_or_else(|| {
        let text = "Part number must be an integer between 1 and 10000, inclusive";
        convert::error(error::bad_argument("partNumber", &number.to_string(), text))
    })
}

/// An argument of a listing of parts.
pub(super) fn not_negative(name: &str, asked: Option<i32>) -> S3Result<Option<u32>> {
    let refused = |_| {
        let text = format!("Argument {name} must be an integer between 0 and 2147483647");
        convert::error(error::invalid_argument(text))
    };
    asked.map(|asked| u32::try_from(asked).map_err(refused)).transpose()
}

impl Session {
    pub(super) async fn run_create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answered<CreateMultipartUploadOutput> {
        refuse_unknown(&req.headers)?;
        let attributes = attributes(&req.headers)?;
        let input = req.input;
        let asked = input.checksum_algorithm.as_ref().and_then(|it| Algorithm::of(it.as_str()));
        let algorithm = asked.unwrap_or(Algorithm::Crc64Nvme);
        let full = input.checksum_type.as_ref().map(|it| it.as_str() == "FULL_OBJECT");
        let composite = match (algorithm, full) {
            (Algorithm::Crc64Nvme, Some(false)) | (Algorithm::Sha1 | Algorithm::Sha256, Some(true)) => {
                let text = format!(
                    "The {} checksum type cannot be used with the {} checksum algorithm.",
                    input.checksum_type.as_ref().map_or("", |it| it.as_str()),
                    algorithm.name().to_ascii_lowercase()
                );
                return Err(convert::error(error::invalid_request(text)));
            }
            (Algorithm::Crc64Nvme, _) => false,
            (_, full) => full != Some(true),
        };
        let encryption = convert::encryption(
            input.server_side_encryption.as_ref(),
            input.ssekms_key_id.as_deref(),
            input.bucket_key_enabled,
        )?;
        let (row, key) = self.writable(&Write {
            name: "CreateMultipartUpload",
            bucket: &input.bucket,
            key: &input.key,
            owner: input.expected_bucket_owner.as_ref(),
            tags: &attributes.tags,
            encryption,
        })?;
        refuse_acl(&req.headers, &row)?;
        let (_, sealed) = key.make(&self.cx("CreateMultipartUpload")).map_err(convert::failure)?;
        let upload = Upload {
            initiated_at: self.installation.clock.now(),
            initiator: self.caller.arn(),
            attributes,
            key: sealed.clone(),
            algorithm,
            asked: asked.is_some(),
            composite,
        };
        let (checksum_algorithm, checksum_type) = convert::sums_of_upload(&upload);
        let id = random::alphanumeric(64);
        self.write("CreateMultipartUpload", |tx| {
            access::bucket(tx, &input.bucket)?;
            tx.put(&UPLOADS, &(input.bucket.as_str(), input.key.as_str(), id.as_str()), upload);
            Ok(())
        })
        .await?;
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&sealed);
        done(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm,
            checksum_type,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        })
    }

    pub(super) fn upload_ask<'a>(&self, bucket: &'a str, key: &'a str, owner: Option<&'a String>) -> Ask<'a> {
        Ask { bucket, key, expected_owner: owner.map(String::as_str), ..Ask::default() }
    }

    /// As [`upload_ask`](Self::upload_ask), for what opens the data key that was made when the upload began (User Guide,
    /// "Multipart upload API and permissions").
    pub(super) fn sealed_ask<'a>(
        &self,
        name: &'static str,
        view: &landfall_store::View,
        place: uploads::Place<'a>,
        owner: Option<&'a String>,
    ) -> S3Result<Ask<'a>> {
        let (bucket, key, _) = place;
        let further = match uploads::find(view, place) {
            Ok(upload) => encryption::read_permissions(&self.cx(name), view, bucket, key, &upload.key)
                .map_err(convert::failure)?,
            // Said to those who may ask.
            Err(_) => Vec::new(),
        };
        Ok(Ask { further, ..self.upload_ask(bucket, key, owner) })
    }

    pub(super) async fn run_upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> Answered<UploadPartOutput> {
        let input = req.input;
        let number = part_number(input.part_number)?;
        let (bucket, key) = (input.bucket.as_str(), input.key.as_str());
        let place = (bucket, key, input.upload_id.as_str());
        let view = self.installation.store.view();
        let owner = input.expected_bucket_owner.as_ref();
        self.allowed("UploadPart", &self.sealed_ask("UploadPart", &view, place, owner)?)?;
        let upload = uploads::find(&view, place).map_err(convert::failure)?;
        let expected = Expected::read(&req.headers, upload.algorithm)?;
        if expected.algorithm != upload.algorithm && upload.asked {
            let text = format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                upload.algorithm.name().to_ascii_lowercase(),
                expected.algorithm.name().to_ascii_lowercase()
            );
            return Err(convert::error(error::invalid_request(text)));
        }
        let data_key = encryption::open(&self.cx("UploadPart"), &view, bucket, key, &upload.key)
            .map_err(convert::failure)?;
        let writer = self.writer(&data_key)?;
        let (piece, hashes) = receive(input.body, writer, &expected, req.trailing_headers.as_ref()).await?;
        // A checksum in another algorithm than the upload's was checked; the upload's own is what is kept.
        let kept = if expected.algorithm == upload.algorithm {
            hashes.checksum.clone()
        } else {
            self.rehash(&data_key, &piece, upload.algorithm).await?
        };
        let kept = Hashes { checksum: kept, ..hashes.clone() };
        self.keep_part("UploadPart", place, number, piece, &kept).await?;
        let sums = Sums::one(expected.algorithm, &hashes.checksum);
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sse(&upload.key);
        done(UploadPartOutput {
            e_tag: Some(convert::etag(&hashes.etag)),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            server_side_encryption,
            ssekms_key_id,
            bucket_key_enabled,
            ..Default::default()
        })
    }

    /// Has a row name the bytes of a part; if it does not, the file goes. Says when that was.
    pub(super) async fn keep_part(
        &self,
        name: &'static str,
        place: uploads::Place<'_>,
        number: u32,
        piece: Piece,
        hashes: &Hashes,
    ) -> S3Result<Timestamp> {
        let now = self.installation.clock.now();
        let id = piece.id.clone();
        let part =
            PartRow { etag: hashes.etag.clone(), modified_at: now, checksum: hashes.checksum.clone(), piece };
        let written = self.write(name, |tx| uploads::put_part(tx, now, place, number, part)).await;
        if written.is_err() {
            // What stays is swept at the next start.
            let _ = self.installation.objects.remove(&id);
        }
        written.map(|()| now)
    }

    async fn rehash(
        &self,
        key: &landfall_services::s3::files::DataKey,
        piece: &Piece,
        algorithm: Algorithm,
    ) -> S3Result<String> {
        let (installation, key, piece) = (self.installation.clone(), key.clone(), piece.clone());
        let work = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
            let reader = installation.objects.read(&key, &piece)?;
            let mut hasher = landfall_services::s3::checksum::Hasher::new(algorithm);
            let mut at = 0;
            while at < piece.size {
                let bytes = reader.chunk_at(at)?;
                at += bytes.len() as u64;
                hasher.update(&bytes);
            }
            Ok(hasher.finish().checksum)
        });
        let result = work.await.map_err(|error| convert::failure(Failure::internal(error)))?;
        result.map_err(|error| convert::failure(Failure::internal(error)))
    }

    pub(super) async fn run_complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answered<CompleteMultipartUploadOutput> {
        let input = req.input;
        let (bucket, key) = (input.bucket.as_str(), input.key.as_str());
        let (view, place) = (self.installation.store.view(), (bucket, key, input.upload_id.as_str()));
        let owner = input.expected_bucket_owner.as_ref();
        let ask = self.sealed_ask("CompleteMultipartUpload", &view, place, owner)?;
        self.allowed("CompleteMultipartUpload", &ask)?;
        let mut listed = Vec::new();
        for part in input.multipart_upload.and_then(|it| it.parts).unwrap_or_default() {
            let number = part_number(part.part_number.unwrap_or_default())?;
            let etag = part.e_tag.map(|etag| etag.value().to_owned()).unwrap_or_default();
            let checksum = part
                .checksum_crc32
                .or(part.checksum_crc32c)
                .or(part.checksum_crc64nvme)
                .or(part.checksum_sha1)
                .or(part.checksum_sha256);
            listed.push((number, etag, checksum));
        }
        let expected = input
            .checksum_crc32
            .or(input.checksum_crc32c)
            .or(input.checksum_crc64nvme)
            .or(input.checksum_sha1)
            .or(input.checksum_sha256);
        let condition = Condition {
            if_match: input.if_match.as_ref().map(convert::condition),
            if_none_match: input.if_none_match.as_ref().map(convert::condition),
        };
        let now = self.installation.clock.now();
        let body = |tx: &mut landfall_store::Tx| {
            uploads::complete(tx, now, place, &listed, expected.as_deref(), &condition)
        };
        let completed = self.write("CompleteMultipartUpload", body).await?;
        let sums = Sums::of(completed.checksum.as_ref());
        let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = protection(&completed.protection);
        done(CompleteMultipartUploadOutput {
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            e_tag: Some(convert::etag(&completed.etag)),
            version_id: completed.version_id,
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

    pub(super) async fn run_abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answered<AbortMultipartUploadOutput> {
        let input = req.input;
        let (bucket, key) = (input.bucket.as_str(), input.key.as_str());
        let ask = self.upload_ask(bucket, key, input.expected_bucket_owner.as_ref());
        self.allowed("AbortMultipartUpload", &ask)?;
        let (now, place) = (self.installation.clock.now(), (bucket, key, input.upload_id.as_str()));
        self.write("AbortMultipartUpload", |tx| uploads::abort(tx, now, place)).await?;
        Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_list_parts(&self, req: S3Request<ListPartsInput>) -> Answered<ListPartsOutput> {
        let input = req.input;
        let (bucket, key) = (input.bucket.as_str(), input.key.as_str());
        let row =
            self.allowed("ListParts", &self.upload_ask(bucket, key, input.expected_bucket_owner.as_ref()))?;
        let view = self.installation.store.view();
        let id = input.upload_id.as_str();
        let upload = uploads::find(&view, (bucket, key, id)).map_err(convert::failure)?;
        let most = not_negative("max-parts", input.max_parts)?.map_or(1000, |most| most.min(1000));
        let after = not_negative("part-number-marker", input.part_number_marker)?.unwrap_or(0);
        let most = usize::try_from(most).unwrap_or(1000);
        let mut rows = Vec::new();
        for row in view.scan_after(&PARTS, (id,), &(id, after)).take(most + 1) {
            rows.push(row.map_err(|error| convert::failure(error.into()))?);
        }
        let more = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().map_or(0, |((_, number), _)| i32::try_from(*number).unwrap_or(LAST_PART));
        let (checksum_algorithm, checksum_type) = convert::sums_of_upload(&upload);
        let parts = rows.into_iter().map(|((_, number), part)| {
            let sums =
                if upload.asked { Sums::one(upload.algorithm, &part.checksum) } else { Sums::default() };
            Part {
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
                e_tag: Some(convert::etag(&part.etag)),
                last_modified: Some(convert::time(part.modified_at)),
                part_number: i32::try_from(number).ok(),
                size: i64::try_from(part.piece.size).ok(),
            }
        });
        done(ListPartsOutput {
            is_truncated: Some(more),
            max_parts: i32::try_from(most).ok(),
            next_part_number_marker: Some(next),
            owner: Some(convert::owner(&row.owner)),
            part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
            parts: Some(parts.collect()),
            storage_class: Some(convert::storage_class(&upload.attributes)),
            checksum_algorithm,
            checksum_type,
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(input.upload_id.clone()),
            ..Default::default()
        })
    }
}
