//! ACLs. There is one, the owner's: a bucket and what is in it belong to the bucket's owner alone. Others are refused, in S3's
//! words where the bucket allows none, as those of new buckets do.

use landfall_base::AccountId;
use landfall_services::s3::error;
use landfall_services::s3::record::Bucket;
use s3s::dto::*;
use s3s::{S3Request, S3Result};

use super::{Answered, done};
use crate::convert;
use crate::front::Session;

/// The ACL that there is.
fn of_owner(owner: &AccountId) -> (Owner, Vec<Grant>) {
    let owner = convert::owner(owner);
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: owner.id.clone(),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let permission = Some(Permission::from_static(Permission::FULL_CONTROL));
    (owner, vec![Grant { grantee: Some(grantee), permission }])
}

fn refused<T>(bucket: &Bucket) -> S3Result<T> {
    Err(convert::error(if bucket.allows_acls() {
        error::not_implemented("ACLs that grant something to others are not implemented")
    } else {
        error::no_acls()
    }))
}

fn grants_in_headers(headers: &http::HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-"))
}

/// An ACL has a name, or is given in headers.
fn refuse_both(headers: &http::HeaderMap, canned: Option<&str>) -> S3Result<()> {
    if canned.is_some() && grants_in_headers(headers) {
        let text = "Specifying both Canned ACLs and Header Grants is not allowed";
        return Err(convert::error(error::invalid_request(text)));
    }
    Ok(())
}

/// Looks at the ACL that a new object is to have.
pub(super) fn refuse_acl(headers: &http::HeaderMap, bucket: &Bucket) -> S3Result<()> {
    let acl = headers.get("x-amz-acl").and_then(|value| value.to_str().ok());
    refuse_both(headers, acl)?;
    let other = acl.is_some_and(|acl| !matches!(acl, "private" | "bucket-owner-full-control"));
    if other || grants_in_headers(headers) { refused(bucket) } else { Ok(()) }
}

/// Looks at an ACL that is put on a bucket or an object: by name, in headers or as a document. Where a bucket has no ACLs, only
/// what says that its owner has everything is taken (User Guide, "Controlling ownership of objects").
fn check_put(
    headers: &http::HeaderMap,
    canned: Option<&str>,
    policy: Option<&AccessControlPolicy>,
    bucket: &Bucket,
) -> S3Result<()> {
    let of_document = |policy: &AccessControlPolicy| {
        let (owner, grants) = of_owner(&bucket.owner);
        policy.grants.as_ref().is_some_and(|given| same_grants(given, &grants))
            && policy.owner.as_ref().is_none_or(|given| given.id == owner.id)
    };
    refuse_both(headers, canned)?;
    let fits = match (canned, policy) {
        _ if grants_in_headers(headers) => false,
        (Some("bucket-owner-full-control"), None) => true,
        (Some("private"), None) => bucket.allows_acls(),
        (None, Some(policy)) => of_document(policy),
        (None, None) => return Err(convert::error(missing_header())),
        _ => false,
    };
    if fits { Ok(()) } else { refused(bucket) }
}

fn missing_header() -> landfall_shape::ServiceError {
    let text = "Your request was missing a required header";
    landfall_shape::ServiceError::client("MissingSecurityHeader", text)
}

fn same_grants(given: &[Grant], own: &[Grant]) -> bool {
    let of = |grant: &Grant| (grant.grantee.as_ref().and_then(|it| it.id.clone()), grant.permission.clone());
    given.iter().map(of).eq(own.iter().map(of))
}

impl Session {
    pub(super) async fn run_get_bucket_acl(
        &self,
        req: S3Request<GetBucketAclInput>,
    ) -> Answered<GetBucketAclOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketAcl", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let (owner, grants) = of_owner(&row.owner);
        done(GetBucketAclOutput { grants: Some(grants), owner: Some(owner) })
    }

    pub(super) async fn run_put_bucket_acl(
        &self,
        req: S3Request<PutBucketAclInput>,
    ) -> Answered<PutBucketAclOutput> {
        let input = req.input;
        let row = self.bucket("PutBucketAcl", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let canned = input.acl.as_ref().map(BucketCannedACL::as_str);
        check_put(&req.headers, canned, input.access_control_policy.as_ref(), &row)?;
        done(PutBucketAclOutput::default())
    }

    pub(super) async fn run_get_object_acl(
        &self,
        req: S3Request<GetObjectAclInput>,
    ) -> Answered<GetObjectAclOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let (bucket, ..) =
            self.read("GetObjectAcl", &input.bucket, &input.key, input.version_id.as_ref(), owner)?;
        let (owner, grants) = of_owner(&bucket.owner);
        done(GetObjectAclOutput { grants: Some(grants), owner: Some(owner), request_charged: None })
    }

    pub(super) async fn run_put_object_acl(
        &self,
        req: S3Request<PutObjectAclInput>,
    ) -> Answered<PutObjectAclOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let (bucket, ..) =
            self.read("PutObjectAcl", &input.bucket, &input.key, input.version_id.as_ref(), owner)?;
        let canned = input.acl.as_ref().map(ObjectCannedACL::as_str);
        check_put(&req.headers, canned, input.access_control_policy.as_ref(), &bucket)?;
        done(PutObjectAclOutput::default())
    }
}
