//! Which permissions a call needs, and whether the caller has them.
//!
//! Whether a bucket exists is no secret: names are taken for everybody, and S3 tells everybody so. Whether a key exists
//! is told to those who may list the bucket.

use std::sync::Arc;

use landfall_base::Arn;
use landfall_shape::{Protocol, ServiceError, ServiceSchema};
use landfall_store::View;

use super::record::{BUCKETS, Bucket};
use super::{error, keys, names, policy};
use crate::pipe::{
    CallName, Caller, CheckRecord, Context, Failure, Guarded, Later, Permission, authorize, is_allowed,
};

/// S3 as the authorizer sees it. It speaks a protocol of its own, XML like IAM's; its operations are in [`OPERATIONS`].
pub static SERVICE: ServiceSchema = ServiceSchema {
    name: "s3",
    signing_name: "s3",
    api_version: "2006-03-01",
    protocol: Protocol::AwsQuery,
    target_prefix: "",
    xml_namespace: "http://s3.amazonaws.com/doc/2006-03-01/",
    operations: &[],
};

/// What an action is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Nothing in particular.
    Account,
    /// The bucket.
    Bucket,
    /// An object.
    Object,
}

/// An operation and the action that it needs.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// As the API calls it.
    pub name: &'static str,
    /// The action.
    pub action: &'static str,
    /// The action where a version is named.
    pub of_version: &'static str,
    /// What it is on.
    pub on: On,
}

const fn on(name: &'static str, action: &'static str, on: On) -> Operation {
    Operation { name, action, of_version: action, on }
}

const fn versioned(name: &'static str, action: &'static str, of_version: &'static str) -> Operation {
    Operation { name, action, of_version, on: On::Object }
}

/// Every operation (Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3").
pub static OPERATIONS: &[Operation] = &[
    on("AbortMultipartUpload", "s3:AbortMultipartUpload", On::Object),
    on("CompleteMultipartUpload", "s3:PutObject", On::Object),
    on("CopyObject", "s3:PutObject", On::Object),
    on("CreateBucket", "s3:CreateBucket", On::Bucket),
    on("CreateMultipartUpload", "s3:PutObject", On::Object),
    on("DeleteBucket", "s3:DeleteBucket", On::Bucket),
    on("DeleteBucketCors", "s3:PutBucketCORS", On::Bucket),
    on("DeleteBucketEncryption", "s3:PutEncryptionConfiguration", On::Bucket),
    on("DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", On::Bucket),
    on("DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls", On::Bucket),
    on("DeleteBucketPolicy", "s3:DeleteBucketPolicy", On::Bucket),
    on("DeleteBucketTagging", "s3:PutBucketTagging", On::Bucket),
    versioned("DeleteObject", "s3:DeleteObject", "s3:DeleteObjectVersion"),
    versioned("DeleteObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
    on("DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", On::Bucket),
    on("GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration", On::Bucket),
    on("GetBucketAcl", "s3:GetBucketAcl", On::Bucket),
    on("GetBucketCors", "s3:GetBucketCORS", On::Bucket),
    on("GetBucketEncryption", "s3:GetEncryptionConfiguration", On::Bucket),
    on("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", On::Bucket),
    on("GetBucketLocation", "s3:GetBucketLocation", On::Bucket),
    on("GetBucketLogging", "s3:GetBucketLogging", On::Bucket),
    on("GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", On::Bucket),
    on("GetBucketPolicy", "s3:GetBucketPolicy", On::Bucket),
    on("GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", On::Bucket),
    on("GetBucketReplication", "s3:GetReplicationConfiguration", On::Bucket),
    on("GetBucketRequestPayment", "s3:GetBucketRequestPayment", On::Bucket),
    on("GetBucketTagging", "s3:GetBucketTagging", On::Bucket),
    on("GetBucketVersioning", "s3:GetBucketVersioning", On::Bucket),
    on("GetBucketWebsite", "s3:GetBucketWebsite", On::Bucket),
    versioned("GetObject", "s3:GetObject", "s3:GetObjectVersion"),
    versioned("GetObjectAcl", "s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    versioned("GetObjectAttributes", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
    on("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", On::Bucket),
    versioned("GetObjectTagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
    on("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", On::Bucket),
    on("HeadBucket", "s3:ListBucket", On::Bucket),
    versioned("HeadObject", "s3:GetObject", "s3:GetObjectVersion"),
    on("ListBuckets", "s3:ListAllMyBuckets", On::Account),
    on("ListMultipartUploads", "s3:ListBucketMultipartUploads", On::Bucket),
    on("ListObjectVersions", "s3:ListBucketVersions", On::Bucket),
    on("ListObjects", "s3:ListBucket", On::Bucket),
    on("ListObjectsV2", "s3:ListBucket", On::Bucket),
    on("ListParts", "s3:ListMultipartUploadParts", On::Object),
    on("PutBucketAcl", "s3:PutBucketAcl", On::Bucket),
    on("PutBucketCors", "s3:PutBucketCORS", On::Bucket),
    on("PutBucketEncryption", "s3:PutEncryptionConfiguration", On::Bucket),
    on("PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", On::Bucket),
    on("PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", On::Bucket),
    on("PutBucketPolicy", "s3:PutBucketPolicy", On::Bucket),
    on("PutBucketTagging", "s3:PutBucketTagging", On::Bucket),
    on("PutBucketVersioning", "s3:PutBucketVersioning", On::Bucket),
    on("PutObject", "s3:PutObject", On::Object),
    versioned("PutObjectAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
    on("PutObjectTagging", "s3:PutObjectTagging", On::Object),
    on("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", On::Bucket),
    on("RestoreObject", "s3:RestoreObject", On::Object),
    on("UploadPart", "s3:PutObject", On::Object),
    on("UploadPartCopy", "s3:PutObject", On::Object),
];

/// An operation, as the audit log names it.
pub const fn call(operation: &'static str) -> CallName {
    CallName::new(SERVICE.name, operation)
}

/// Finds an operation.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// Works out what a call will be asked for afterwards, which only refusals want to know.
#[derive(Default)]
pub struct Afterwards<'a>(pub Option<&'a (dyn Fn() -> Vec<Later> + Sync)>);

impl std::fmt::Debug for Afterwards<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "further checks" } else { "no further checks" })
    }
}

/// A call, as far as permissions go.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The version that is named.
    pub version: Option<&'a str>,
    /// Condition keys.
    pub context: Vec<(&'static str, String)>,
    /// Tags that a new object gets.
    pub tags: &'a [(String, String)],
    /// Tags that the object has.
    pub existing_tags: &'a [(String, String)],
    /// The account that must own the bucket.
    pub expected_owner: Option<&'a str>,
    /// Further checks, on keys of KMS.
    pub further: Vec<Permission>,
    /// What the call will be asked for afterwards.
    pub later: Afterwards<'a>,
}

/// The bucket's row.
///
/// # Errors
/// `NoSuchBucket`
pub fn bucket(view: &View, name: &str) -> Result<Arc<Bucket>, Failure> {
    let missing = || error::about(error::no_such_bucket(), "BucketName", name);
    Ok(view.get(&BUCKETS, name)?.ok_or_else(missing)?)
}

/// The checks of a call.
pub fn permissions(
    caller: &Caller,
    bucket: Option<&Bucket>,
    operation: &Operation,
    ask: &Ask<'_>,
) -> Vec<Permission> {
    let action = if ask.version.is_some() { operation.of_version } else { operation.action };
    let mut permission = match operation.on {
        On::Account => Permission::on_anything(action),
        On::Bucket => Permission::on(action, &names::bucket_arn(ask.bucket)),
        On::Object => Permission::on(action, &names::object_arn(ask.bucket, ask.key)),
    };
    for (key, value) in &ask.context {
        permission = permission.with(*key, value.as_str());
    }
    permission = permission.with_some("s3:versionid", ask.version);
    for (key, value) in ask.existing_tags {
        permission = permission.with(format!("s3:ExistingObjectTag/{key}"), value.as_str());
    }
    let mut all = vec![with_request_tags(permission, ask.tags)];
    if !ask.tags.is_empty() && operation.action == "s3:PutObject" {
        let tagging = Permission::on("s3:PutObjectTagging", &names::object_arn(ask.bucket, ask.key));
        all.push(with_request_tags(tagging, ask.tags));
    }
    if let Some(first) = all.first().cloned() {
        let further = further_actions(caller, operation, ask).into_iter();
        all.extend(further.map(|action| Permission { action, ..first.clone() }));
    }
    if let Some(bucket) = bucket {
        all.iter_mut().for_each(|permission| guard(permission, caller, bucket));
    }
    all.extend(ask.further.iter().cloned());
    all
}

/// What a request needs beside what it is called: for its ACL or ownership setting, and for attributes of what it could read
/// (Amazon S3 API Reference, "PutObject", "CreateBucket" and "GetObjectAttributes", on permissions). A new bucket may have the
/// ACL that every bucket begins with.
fn further_actions(caller: &Caller, operation: &Operation, ask: &Ask<'_>) -> Vec<&'static str> {
    let own = ask.context.iter().map(|(key, value)| (*key, value.as_str()));
    let via = caller.via.iter().flat_map(|(key, values)| values.iter().map(|it| (key.as_str(), it.as_str())));
    let sent: Vec<_> = own.chain(via).collect();
    let acl = sent.iter().any(|(key, _)| *key == "s3:x-amz-acl" || key.starts_with("s3:x-amz-grant-"));
    match operation.name {
        "PutObject" | "CopyObject" | "CreateMultipartUpload" if acl => vec!["s3:PutObjectAcl"],
        "CreateBucket" => {
            let grants = sent.iter().any(|(key, value)| keys::grants(key, value));
            let ownership = sent.iter().any(|(key, _)| *key == keys::OWNERSHIP);
            let asked = [(grants, "s3:PutBucketAcl"), (ownership, "s3:PutBucketOwnershipControls")];
            asked.into_iter().filter(|(asked, _)| *asked).map(|(_, action)| action).collect()
        }
        "GetObjectAttributes" => {
            vec![if ask.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" }]
        }
        _ => Vec::new(),
    }
}

/// What a copy asks for on its source, as operations of their own: always the first, and the second where tags of the
/// source come along.
pub const ON_COPY_SOURCE: [&str; 2] = ["GetObject", "GetObjectTagging"];

fn with_request_tags(mut permission: Permission, tags: &[(String, String)]) -> Permission {
    for (key, value) in tags {
        permission = permission.with(format!("s3:RequestObjectTag/{key}"), value.as_str());
    }
    if tags.is_empty() {
        return permission;
    }
    permission.with_all("s3:RequestObjectTagKeys", tags.iter().map(|(key, _)| key.clone()))
}

/// The bucket's owner and its policy. With `RestrictPublicBuckets` a public policy counts for the owner's account only.
fn guard(permission: &mut Permission, caller: &Caller, bucket: &Bucket) {
    permission.account = Some(bucket.owner.clone());
    let foreign = caller.principal.account() != Some(&bucket.owner);
    let policy = bucket.policy.clone().filter(|_| !(foreign && is_restricted(bucket)));
    *permission = permission.clone().guarded_by(policy).with("s3:ResourceAccount", bucket.owner.as_str());
}

/// Whether the bucket's policy counts for the owner's account only.
pub(crate) fn is_restricted(bucket: &Bucket) -> bool {
    let restricted = bucket.public_access.is_some_and(|block| block.restrict);
    restricted && bucket.policy.as_deref().is_some_and(policy::is_public)
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let name = arn.resource().split('/').next().unwrap_or_default();
    let bucket = view.get(&BUCKETS, name)?;
    let on = |bucket: &Bucket| {
        Permission::on("s3:ListBucket", arn).with("s3:ResourceAccount", bucket.owner.as_str())
    };
    Ok(bucket.as_deref().map(on))
}

/// The checks of a call, for the authorizer.
#[derive(Debug)]
struct Asked<'a> {
    permissions: Vec<Permission>,
    later: &'a Afterwards<'a>,
}

impl Guarded for Asked<'_> {
    fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    fn later(&self) -> Vec<Later> {
        self.later.0.map(|later| later()).unwrap_or_default()
    }
}

/// Makes the checks of a call.
///
/// # Errors
/// `NoSuchBucket`, `AccessDenied`
pub fn check(
    cx: &Context<'_>,
    view: &View,
    name: &'static str,
    ask: &Ask<'_>,
    checks: &mut Vec<CheckRecord>,
) -> Result<Option<Arc<Bucket>>, Failure> {
    let operation = operation(name).ok_or_else(|| Failure::internal("an operation without permissions"))?;
    let needs_bucket = operation.on != On::Account && name != "CreateBucket";
    let row = if needs_bucket { Some(bucket(view, ask.bucket)?) } else { None };
    let owner = row.as_ref().map(|row| row.owner.clone());
    if let (Some(expected), Some(owner)) = (ask.expected_owner, &owner)
        && expected != owner.as_str()
    {
        return Err(error::access_denied().into());
    }
    let request =
        Asked { permissions: permissions(cx.caller, row.as_deref(), operation, ask), later: &ask.later };
    match authorize(cx, view, &SERVICE, request, checks) {
        Ok(_) => Ok(row),
        Err(failure) => Err(worded(cx.caller, failure)),
    }
}

/// Makes the checks of an operation as if its bucket were there, new, and the caller's account's.
///
/// # Errors
/// `AccessDenied`
pub fn check_in_new_bucket(
    cx: &Context<'_>,
    view: &View,
    name: &str,
    ask: &Ask<'_>,
    checks: &mut Vec<CheckRecord>,
) -> Result<(), Failure> {
    let operation = operation(name).ok_or_else(|| Failure::internal("an operation without permissions"))?;
    let mut permissions = permissions(cx.caller, None, operation, ask);
    if let Some(account) = cx.caller.principal.account() {
        let own = |it: Permission| it.with("s3:ResourceAccount", account.as_str());
        permissions = permissions.into_iter().map(own).collect();
    }
    authorize(cx, view, &SERVICE, Asked { permissions, later: &ask.later }, checks).map(drop)
}

/// The checks of an operation that a call makes later on; none if its bucket is not there, where the call ends otherwise.
pub fn later(cx: &Context<'_>, view: &View, name: &str, ask: &Ask<'_>) -> Vec<Later> {
    let (Some(operation), Ok(row)) = (operation(name), bucket(view, ask.bucket)) else { return Vec::new() };
    let permissions = permissions(cx.caller, Some(&row), operation, ask).into_iter();
    permissions.map(|permission| Later { caller: cx.caller.clone(), permission }).collect()
}

/// Strangers get no reason, but that an operation is the owner's alone. Callers of other accounts are of the same
/// organization and get one (User Guide, "Troubleshoot access denied (403 Forbidden) errors").
fn worded(caller: &Caller, failure: Failure) -> Failure {
    let stranger = caller.principal.account().is_none();
    match failure {
        Failure::Service(error) if stranger && error.code != error::method_not_allowed().code => {
            error::access_denied().into()
        }
        failure => failure,
    }
}

/// What a caller reads who may read a key that does not exist.
pub fn missing_key(cx: &Context<'_>, view: &View, bucket: &Bucket, error: ServiceError) -> Failure {
    let mut permission = Permission::on("s3:ListBucket", &names::bucket_arn(&bucket.name));
    guard(&mut permission, cx.caller, bucket);
    match is_allowed(cx, view, &SERVICE, &permission) {
        Ok(()) => error.into(),
        Err(failure) => worded(cx.caller, failure),
    }
}
