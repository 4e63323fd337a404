//! Key policies: the two that AWS writes, and what a customer's must allow.

use std::sync::Arc;

use landfall_api::kms::error;
use landfall_base::{AccountId, Arn, Region};
use landfall_iam::{
    Attached, Context as Conditions, Layers, Policy, PolicyError, PolicyKind, Request, ResourceLayer,
    ResourceService, evaluate,
};
use landfall_shape::ServiceError;
use landfall_store::View;
use serde_json::json;

use crate::pipe::{Context, Failure};
use crate::principals;

const KIND: PolicyKind = PolicyKind::Resource(ResourceService::KmsKey);
/// KMS's quota for a key policy, in bytes (Developer Guide, "Resource quotas").
const QUOTA: usize = 32_768;

/// The policy of a key that was made without one: IAM decides in the key's account.
///
/// # Errors
/// None that can happen.
pub(super) fn default(account: &AccountId) -> Result<Arc<Policy>, Failure> {
    let text = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    written(&text)
}

/// The policy of the default key of a service: everybody in the account may use it, through the service only.
///
/// # Errors
/// None that can happen.
pub(super) fn aws_managed(
    account: &AccountId,
    region: &Region,
    service: &str,
) -> Result<Arc<Policy>, Failure> {
    let text = json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-2"),
        "Statement": [
            {
                "Sid": format!("Allow use through {service} by all principals in the account who may use {service}"),
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                    "kms:DescribeKey",
                ],
                "Resource": "*",
                "Condition": {"StringEquals": {
                    "kms:CallerAccount": account.as_str(),
                    "kms:ViaService": format!("{service}.{region}.amazonaws.com"),
                }},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    });
    written(&text)
}

fn written(text: &serde_json::Value) -> Result<Arc<Policy>, Failure> {
    Policy::parse(&text.to_string(), KIND).map(Arc::new).map_err(|error| Failure::internal(error.message()))
}

/// A policy that somebody wants to put on a key. The users and roles that it names must exist. Unless `bypass` is set
/// the caller must still be able to change it.
///
/// # Errors
/// `MalformedPolicyDocumentException`, `LimitExceededException`
pub(super) fn parse(
    cx: &Context<'_>,
    view: &View,
    arn: &Arn,
    text: &str,
    bypass: Option<bool>,
) -> Result<Arc<Policy>, Failure> {
    if text.len() > QUOTA {
        let message = format!("The key policy is longer than {QUOTA} bytes.");
        return Err(error::limit_exceeded_exception(message).into());
    }
    let policy = Policy::parse(text, KIND).map_err(|error| malformed(&error))?;
    let policy = principals::bind(view, &policy)?.map_err(|error| malformed(&error))?;
    if bypass != Some(true) && !leaves_a_way_back(cx, arn, &policy)? {
        let message = "The new key policy will not allow you to update the key policy in the future.";
        return Err(error::malformed_policy_document_exception(message).into());
    }
    Ok(Arc::new(policy))
}

fn malformed(error: &PolicyError) -> ServiceError {
    error::malformed_policy_document_exception(error.message())
}

/// Whether the caller, given every permission of IAM, could put another policy on the key.
fn leaves_a_way_back(cx: &Context<'_>, arn: &Arn, policy: &Policy) -> Result<bool, Failure> {
    let everything = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    });
    let everything = Policy::parse(&everything.to_string(), PolicyKind::Identity);
    let everything = everything.map_err(|error| Failure::internal(error.message()))?;
    let conditions = Conditions::new().with("kms:CallerAccount", cx.account().as_str());
    let owner = arn.account_id();
    let request = Request {
        principal: &cx.caller.principal,
        action: "kms:PutKeyPolicy",
        resource: arn.as_str(),
        resource_account: owner.as_ref(),
        context: &conditions,
    };
    let identity = [Attached::inline("everything", &everything)];
    let resource = [Attached::to_resource("key policy", policy)];
    let layers = Layers {
        identity: &identity,
        resource: Some(ResourceLayer::kms_key(&resource, &[])),
        ..Layers::default()
    };
    Ok(evaluate(&request, &layers).is_allowed())
}
