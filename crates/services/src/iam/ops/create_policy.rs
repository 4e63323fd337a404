//! `CreatePolicy`: makes a managed policy.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::{Arn, random};
use landfall_store::{Tx, View};

use crate::iam::managed::Managed;
use crate::iam::record::{ManagedPolicy, POLICIES, POLICY_VERSIONS, PolicyVersion, Tags, key_name};
use crate::iam::{documents, tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A policy to make.
#[derive(Debug)]
pub struct Request {
    arn: Arn,
    path: String,
    tags: Tags,
    input: api::CreatePolicyRequest,
}

impl Resolve for api::CreatePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let path = input.path.clone().unwrap_or_else(|| "/".to_owned());
        let resource = format!("policy{path}{}", input.policy_name);
        let arn = Arn::global("iam", cx.account().as_str(), &resource);
        let tags = tags::pairs(input.tags.clone());
        let on_policy = |action| {
            let shown = format!("policy {}", input.policy_name);
            tags::with_request_tags(Permission::on(action, &arn).shown_as(shown), &tags)
        };
        let mut permissions = vec![on_policy("iam:CreatePolicy")];
        permissions.extend((!tags.is_empty()).then(|| on_policy("iam:TagPolicy")));
        Ok(Checked::all(Request { arn, path, tags, input }, permissions))
    }
}

impl WriteHandler for api::CreatePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { arn, path, tags, input } = request.into_request();
        let key = key_name(&input.policy_name);
        if tx.contains(&POLICIES, &(cx.account(), key.as_str())) {
            let text = "already exists. Duplicate names are not allowed.";
            let text = format!("A policy called {} {text}", input.policy_name);
            return Err(entity_already_exists_exception(text).into());
        }
        tags::check(&tags)?;
        let version =
            PolicyVersion { policy: documents::managed(&input.policy_document)?, created_at: cx.now };
        let policy = ManagedPolicy {
            name: input.policy_name,
            path,
            id: format!("ANPA{}", random::base32(17)),
            arn: arn.to_string(),
            description: input.description.filter(|text| !text.is_empty()),
            created_at: cx.now,
            updated_at: cx.now,
            default_version: 1,
            last_version: 1,
            tags,
        };
        tx.put(&POLICY_VERSIONS, &(cx.account(), key.as_str(), 1), version);
        tx.put(&POLICIES, &(cx.account(), key.as_str()), &policy);
        let policy = view::created_policy(&Managed::Customer(policy.into()));
        Ok(api::CreatePolicyResponse { policy: Some(policy) })
    }
}
