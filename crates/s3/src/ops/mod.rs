//! The operations. What is not here answers `NotImplemented`.

mod acl;
mod attributes;
mod bucket;
mod copy;
mod cors;
mod lifecycle;
mod list;
mod multipart;
mod object;

use std::sync::Arc;

use landfall_services::pipe::{CheckRecord, Context, Failure, audit};
use landfall_services::s3::access::{self, Ask};
use landfall_services::s3::error;
use landfall_services::s3::record::Bucket;
use landfall_shape::ServiceError;
use landfall_store::{Tx, WriteError};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::convert;
use crate::front::Session;

pub(crate) type Answered<T> = S3Result<S3Response<T>>;

impl Session {
    pub(crate) fn cx(&self, name: &'static str) -> Context<'_> {
        Context::new(&self.installation, &self.caller, access::call(name))
    }

    /// Makes the checks of an operation on a bucket or in it, and gives the bucket.
    pub(crate) fn allowed(&self, name: &'static str, ask: &Ask<'_>) -> S3Result<Arc<Bucket>> {
        let row = self.checked(name, ask)?;
        row.ok_or_else(|| convert::error(error::no_such_bucket()))
    }

    pub(crate) fn checked(&self, name: &'static str, ask: &Ask<'_>) -> S3Result<Option<Arc<Bucket>>> {
        let mut checks = Vec::new();
        let view = self.installation.store.view();
        let result = self
            .placed(name, ask.bucket)
            .and_then(|()| access::check(&self.cx(name), &view, name, ask, &mut checks));
        self.audited(name, result, &checks)
    }

    /// Who signs for another Region than the bucket's is told which it is.
    pub(crate) fn placed(&self, name: &str, bucket: &str) -> Result<(), Failure> {
        if bucket.is_empty() || matches!(name, "CreateBucket" | "GetBucketLocation") {
            return Ok(());
        }
        let row = access::bucket(&self.installation.store.view(), bucket)?;
        if self.caller.access_key_id.is_empty() || row.region == self.caller.region {
            return Ok(());
        }
        let text = "The bucket you are attempting to access must be addressed using the specified endpoint. Please \
                    send all future requests to this endpoint.";
        Err(ServiceError::with_status("PermanentRedirect", 301, text).into())
    }

    /// One line in the audit log.
    pub(crate) fn audited<T>(
        &self,
        name: &'static str,
        result: Result<T, Failure>,
        checks: &[CheckRecord],
    ) -> S3Result<T> {
        let result = result.map_err(|failure| failure.into_service_error("s3"));
        audit(
            access::call(name),
            &self.caller,
            result.as_ref().err().map_or("ok", |error| error.code),
            checks,
        );
        result.map_err(convert::error)
    }

    /// Changes rows, and waits until that is on disk.
    pub(crate) async fn write<T: Send>(
        &self,
        name: &'static str,
        body: impl FnOnce(&mut Tx) -> Result<T, Failure> + Send,
    ) -> S3Result<T> {
        let written = self.installation.store.write_async(name, body).await;
        written.map_err(WriteError::flatten).map_err(convert::failure)
    }
}

fn done<T>(output: T) -> Answered<T> {
    Ok(S3Response::new(output))
}

#[async_trait::async_trait]
impl S3 for Session {
    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answered<AbortMultipartUploadOutput> {
        self.run_abort_multipart_upload(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answered<CompleteMultipartUploadOutput> {
        self.run_complete_multipart_upload(req).await
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answered<CopyObjectOutput> {
        self.run_copy_object(req).await
    }

    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> Answered<CreateBucketOutput> {
        self.run_create_bucket(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answered<CreateMultipartUploadOutput> {
        self.run_create_multipart_upload(req).await
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> Answered<DeleteBucketOutput> {
        self.run_delete_bucket(req).await
    }

    async fn delete_bucket_cors(
        &self,
        req: S3Request<DeleteBucketCorsInput>,
    ) -> Answered<DeleteBucketCorsOutput> {
        self.run_delete_bucket_cors(req).await
    }

    async fn delete_bucket_encryption(
        &self,
        req: S3Request<DeleteBucketEncryptionInput>,
    ) -> Answered<DeleteBucketEncryptionOutput> {
        self.run_delete_bucket_encryption(req).await
    }

    async fn delete_bucket_lifecycle(
        &self,
        req: S3Request<DeleteBucketLifecycleInput>,
    ) -> Answered<DeleteBucketLifecycleOutput> {
        self.run_delete_bucket_lifecycle(req).await
    }

    async fn delete_bucket_ownership_controls(
        &self,
        req: S3Request<DeleteBucketOwnershipControlsInput>,
    ) -> Answered<DeleteBucketOwnershipControlsOutput> {
        self.run_delete_bucket_ownership_controls(req).await
    }

    async fn delete_bucket_policy(
        &self,
        req: S3Request<DeleteBucketPolicyInput>,
    ) -> Answered<DeleteBucketPolicyOutput> {
        self.run_delete_bucket_policy(req).await
    }

    async fn delete_bucket_tagging(
        &self,
        req: S3Request<DeleteBucketTaggingInput>,
    ) -> Answered<DeleteBucketTaggingOutput> {
        self.run_delete_bucket_tagging(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answered<DeleteObjectOutput> {
        self.run_delete_object(req).await
    }

    async fn delete_object_tagging(
        &self,
        req: S3Request<DeleteObjectTaggingInput>,
    ) -> Answered<DeleteObjectTaggingOutput> {
        self.run_delete_object_tagging(req).await
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> Answered<DeleteObjectsOutput> {
        self.run_delete_objects(req).await
    }

    async fn delete_public_access_block(
        &self,
        req: S3Request<DeletePublicAccessBlockInput>,
    ) -> Answered<DeletePublicAccessBlockOutput> {
        self.run_delete_public_access_block(req).await
    }

    async fn get_bucket_accelerate_configuration(
        &self,
        req: S3Request<GetBucketAccelerateConfigurationInput>,
    ) -> Answered<GetBucketAccelerateConfigurationOutput> {
        self.run_get_bucket_accelerate_configuration(req).await
    }

    async fn get_bucket_acl(&self, req: S3Request<GetBucketAclInput>) -> Answered<GetBucketAclOutput> {
        self.run_get_bucket_acl(req).await
    }

    async fn get_bucket_cors(&self, req: S3Request<GetBucketCorsInput>) -> Answered<GetBucketCorsOutput> {
        self.run_get_bucket_cors(req).await
    }

    async fn get_bucket_encryption(
        &self,
        req: S3Request<GetBucketEncryptionInput>,
    ) -> Answered<GetBucketEncryptionOutput> {
        self.run_get_bucket_encryption(req).await
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        req: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answered<GetBucketLifecycleConfigurationOutput> {
        self.run_get_bucket_lifecycle_configuration(req).await
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> Answered<GetBucketLocationOutput> {
        self.run_get_bucket_location(req).await
    }

    async fn get_bucket_logging(
        &self,
        req: S3Request<GetBucketLoggingInput>,
    ) -> Answered<GetBucketLoggingOutput> {
        self.run_get_bucket_logging(req).await
    }

    async fn get_bucket_ownership_controls(
        &self,
        req: S3Request<GetBucketOwnershipControlsInput>,
    ) -> Answered<GetBucketOwnershipControlsOutput> {
        self.run_get_bucket_ownership_controls(req).await
    }

    async fn get_bucket_policy(
        &self,
        req: S3Request<GetBucketPolicyInput>,
    ) -> Answered<GetBucketPolicyOutput> {
        self.run_get_bucket_policy(req).await
    }

    async fn get_bucket_policy_status(
        &self,
        req: S3Request<GetBucketPolicyStatusInput>,
    ) -> Answered<GetBucketPolicyStatusOutput> {
        self.run_get_bucket_policy_status(req).await
    }

    async fn get_bucket_replication(
        &self,
        req: S3Request<GetBucketReplicationInput>,
    ) -> Answered<GetBucketReplicationOutput> {
        self.run_get_bucket_replication(req).await
    }

    async fn get_bucket_request_payment(
        &self,
        req: S3Request<GetBucketRequestPaymentInput>,
    ) -> Answered<GetBucketRequestPaymentOutput> {
        self.run_get_bucket_request_payment(req).await
    }

    async fn get_bucket_tagging(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> Answered<GetBucketTaggingOutput> {
        self.run_get_bucket_tagging(req).await
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> Answered<GetBucketVersioningOutput> {
        self.run_get_bucket_versioning(req).await
    }

    async fn get_bucket_website(
        &self,
        req: S3Request<GetBucketWebsiteInput>,
    ) -> Answered<GetBucketWebsiteOutput> {
        self.run_get_bucket_website(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answered<GetObjectOutput> {
        self.run_get_object(req).await
    }

    async fn get_object_acl(&self, req: S3Request<GetObjectAclInput>) -> Answered<GetObjectAclOutput> {
        self.run_get_object_acl(req).await
    }

    async fn get_object_attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> Answered<GetObjectAttributesOutput> {
        self.run_get_object_attributes(req).await
    }

    async fn get_object_lock_configuration(
        &self,
        req: S3Request<GetObjectLockConfigurationInput>,
    ) -> Answered<GetObjectLockConfigurationOutput> {
        self.run_get_object_lock_configuration(req).await
    }

    async fn get_object_tagging(
        &self,
        req: S3Request<GetObjectTaggingInput>,
    ) -> Answered<GetObjectTaggingOutput> {
        self.run_get_object_tagging(req).await
    }

    async fn get_public_access_block(
        &self,
        req: S3Request<GetPublicAccessBlockInput>,
    ) -> Answered<GetPublicAccessBlockOutput> {
        self.run_get_public_access_block(req).await
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answered<HeadBucketOutput> {
        self.run_head_bucket(req).await
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answered<HeadObjectOutput> {
        self.run_head_object(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> Answered<ListBucketsOutput> {
        self.run_list_buckets(req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answered<ListMultipartUploadsOutput> {
        self.run_list_multipart_uploads(req).await
    }

    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> Answered<ListObjectVersionsOutput> {
        self.run_list_object_versions(req).await
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> Answered<ListObjectsOutput> {
        self.run_list_objects(req).await
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> Answered<ListObjectsV2Output> {
        self.run_list_objects_v2(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answered<ListPartsOutput> {
        self.run_list_parts(req).await
    }

    async fn put_bucket_acl(&self, req: S3Request<PutBucketAclInput>) -> Answered<PutBucketAclOutput> {
        self.run_put_bucket_acl(req).await
    }

    async fn put_bucket_cors(&self, req: S3Request<PutBucketCorsInput>) -> Answered<PutBucketCorsOutput> {
        self.run_put_bucket_cors(req).await
    }

    async fn put_bucket_encryption(
        &self,
        req: S3Request<PutBucketEncryptionInput>,
    ) -> Answered<PutBucketEncryptionOutput> {
        self.run_put_bucket_encryption(req).await
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        req: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Answered<PutBucketLifecycleConfigurationOutput> {
        self.run_put_bucket_lifecycle_configuration(req).await
    }

    async fn put_bucket_ownership_controls(
        &self,
        req: S3Request<PutBucketOwnershipControlsInput>,
    ) -> Answered<PutBucketOwnershipControlsOutput> {
        self.run_put_bucket_ownership_controls(req).await
    }

    async fn put_bucket_policy(
        &self,
        req: S3Request<PutBucketPolicyInput>,
    ) -> Answered<PutBucketPolicyOutput> {
        self.run_put_bucket_policy(req).await
    }

    async fn put_bucket_tagging(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> Answered<PutBucketTaggingOutput> {
        self.run_put_bucket_tagging(req).await
    }

    async fn put_bucket_versioning(
        &self,
        req: S3Request<PutBucketVersioningInput>,
    ) -> Answered<PutBucketVersioningOutput> {
        self.run_put_bucket_versioning(req).await
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> Answered<PutObjectOutput> {
        self.run_put_object(req).await
    }

    async fn put_object_acl(&self, req: S3Request<PutObjectAclInput>) -> Answered<PutObjectAclOutput> {
        self.run_put_object_acl(req).await
    }

    async fn put_object_tagging(
        &self,
        req: S3Request<PutObjectTaggingInput>,
    ) -> Answered<PutObjectTaggingOutput> {
        self.run_put_object_tagging(req).await
    }

    async fn put_public_access_block(
        &self,
        req: S3Request<PutPublicAccessBlockInput>,
    ) -> Answered<PutPublicAccessBlockOutput> {
        self.run_put_public_access_block(req).await
    }

    async fn restore_object(&self, req: S3Request<RestoreObjectInput>) -> Answered<RestoreObjectOutput> {
        self.run_restore_object(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answered<UploadPartOutput> {
        self.run_upload_part(req).await
    }

    async fn upload_part_copy(&self, req: S3Request<UploadPartCopyInput>) -> Answered<UploadPartCopyOutput> {
        self.run_upload_part_copy(req).await
    }
}
