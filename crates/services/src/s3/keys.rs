//! The condition keys that S3 fills in beside those that every signed call has (Service Authorization Reference, "Condition
//! keys for Amazon S3").

/// Headers of writes that are condition keys.
pub const HEADERS: [(&str, &str); 13] = [
    ("if-match", "s3:if-match"),
    ("if-none-match", "s3:if-none-match"),
    ("x-amz-acl", "s3:x-amz-acl"),
    ("x-amz-copy-source", "s3:x-amz-copy-source"),
    ("x-amz-grant-full-control", "s3:x-amz-grant-full-control"),
    ("x-amz-grant-read", "s3:x-amz-grant-read"),
    ("x-amz-grant-read-acp", "s3:x-amz-grant-read-acp"),
    ("x-amz-grant-write", "s3:x-amz-grant-write"),
    ("x-amz-grant-write-acp", "s3:x-amz-grant-write-acp"),
    ("x-amz-metadata-directive", "s3:x-amz-metadata-directive"),
    ("x-amz-object-ownership", OWNERSHIP),
    ("x-amz-storage-class", "s3:x-amz-storage-class"),
    ("x-amz-website-redirect-location", "s3:x-amz-website-redirect-location"),
];

/// Who is to own the objects of a new bucket.
pub(super) const OWNERSHIP: &str = "s3:x-amz-object-ownership";

/// Whether a key tells of an ACL that grants something: every object belongs to its bucket's owner, so that `private` says
/// nothing.
pub(super) fn grants(key: &str, value: &str) -> bool {
    key == "s3:x-amz-acl" && value != "private" || key.starts_with("s3:x-amz-grant-")
}
