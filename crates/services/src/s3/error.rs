//! S3's errors, in its codes and words.

use landfall_shape::ServiceError;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident, $status:literal, $code:literal, $message:literal;)*) => {
        $($(#[$doc])* pub fn $name() -> ServiceError {
            ServiceError::with_status($code, $status, $message)
        })*
    };
}

errors! {
    /// 403
    access_denied, 403, "AccessDenied", "Access Denied";
    /// 404
    no_such_bucket, 404, "NoSuchBucket", "The specified bucket does not exist";
    /// 404
    no_such_key, 404, "NoSuchKey", "The specified key does not exist.";
    /// 404
    no_such_version, 404, "NoSuchVersion", "The specified version does not exist.";
    /// 404
    no_such_upload, 404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    /// 404
    no_such_bucket_policy, 404, "NoSuchBucketPolicy", "The bucket policy does not exist";
    /// 404
    no_such_tag_set, 404, "NoSuchTagSet", "The TagSet does not exist";
    /// 404
    no_such_public_access_block, 404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found";
    /// 404
    no_such_cors, 404, "NoSuchCORSConfiguration", "The CORS configuration does not exist";
    /// 404
    no_such_website, 404, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration";
    /// 404
    no_such_lifecycle, 404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist";
    /// 404
    no_such_replication, 404, "ReplicationConfigurationNotFoundError", "The replication configuration was not found";
    /// 404
    no_such_object_lock, 404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket";
    /// 404
    no_such_ownership, 404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found";
    /// 409
    bucket_not_empty, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty";
    /// 409
    versions_left, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
    /// 409
    bucket_exists, 409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
    /// 409
    bucket_owned, 409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.";
    /// 400
    invalid_bucket_name, 400, "InvalidBucketName", "The specified bucket is not valid.";
    /// 400
    invalid_location_constraint, 400, "InvalidLocationConstraint", "The specified location-constraint is not valid";
    /// 400
    key_too_long, 400, "KeyTooLongError", "Your key is too long";
    /// 412
    precondition_failed, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold";
    /// 304
    not_modified, 304, "NotModified", "Not Modified";
    /// 416
    invalid_range, 416, "InvalidRange", "The requested range is not satisfiable";
    /// 416
    invalid_part_number, 416, "InvalidPartNumber", "The requested partnumber is not satisfiable";
    /// 400
    bad_digest, 400, "BadDigest", "The Content-MD5 you specified did not match what we received.";
    /// 400
    invalid_digest, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.";
    /// 400
    incomplete_body, 400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header";
    /// 400
    payload_mismatch, 400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.";
    /// 400
    too_large, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size";
    /// 400
    too_small, 400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size";
    /// 400
    invalid_part, 400, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
    /// 400
    invalid_part_order, 400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.";
    /// 400
    malformed_xml, 400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema";
    /// 400
    metadata_too_large, 400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size";
    /// 400
    no_acls, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs";
    /// 400
    source_too_large, 400, "InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
    /// 400
    source_is_marker, 400, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.";
    /// 403
    public_policy, 403, "AccessDenied", "Access Denied";
    /// 400
    invalid_storage_class, 400, "InvalidStorageClass", "The storage class you specified is not valid";
    /// 403
    archived, 403, "InvalidObjectState", "The operation is not valid for the object's storage class";
    /// 403
    source_archived, 403, "InvalidObjectState", "Operation is not valid for the source object's storage class";
    /// 403
    not_archived, 403, "InvalidObjectState", "Restore is not allowed for the object's current storage class";
    /// 405
    method_not_allowed, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.";
}

/// The error with one more member. What begins with a small letter is a header of the answer, the others are elements.
#[must_use]
pub fn about(mut error: ServiceError, name: &'static str, value: impl Into<String>) -> ServiceError {
    error.members.put(name, value.into());
    error
}

/// 412
pub fn unmet(condition: &'static str) -> ServiceError {
    about(precondition_failed(), "Condition", condition)
}

/// 400
pub fn bad_argument(name: &'static str, value: &str, message: impl Into<String>) -> ServiceError {
    about(about(invalid_argument(message), "ArgumentName", name), "ArgumentValue", value)
}

/// 400
pub fn invalid_argument(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidArgument", message)
}

/// 400
pub fn invalid_request(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequest", message)
}

/// 400
pub fn invalid_tag(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidTag", message)
}

/// 400
pub fn malformed_policy(message: impl Into<String>) -> ServiceError {
    ServiceError::client("MalformedPolicy", message)
}

/// 400
pub fn invalid_location(constraint: &str) -> ServiceError {
    about(invalid_location_constraint(), "LocationConstraint", constraint)
}

/// 501
pub fn not_implemented(message: impl Into<String>) -> ServiceError {
    ServiceError::with_status("NotImplemented", 501, message)
}
