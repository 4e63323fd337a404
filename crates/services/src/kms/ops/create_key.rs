//! `CreateKey`: a new key.

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::key_policy;
use crate::kms::keys;
use crate::kms::names::key_arn;
use crate::kms::record::KeyKey;
use crate::kms::rules;
use crate::kms::view;
use crate::pipe::{Authorized, Checked, Context, Failure, KeyGuard, Permission, Resolve, WriteHandler};

/// A key to be made.
#[derive(Debug)]
pub struct Request {
    place: KeyKey,
    policy: Option<String>,
    bypass: Option<bool>,
    description: String,
    tags: Vec<(String, String)>,
}

impl Resolve for api::CreateKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_kind(&input)?;
        let tags = rules::tags(input.tags)?;
        let place = keys::new_place(cx.account(), cx.region());
        let permissions = permissions(cx, &place, input.bypass_policy_lockout_safety_check, &tags)?;
        let request = Request {
            place,
            policy: input.policy,
            bypass: input.bypass_policy_lockout_safety_check,
            description: input.description.unwrap_or_default(),
            tags,
        };
        Ok(Checked::all(request, permissions))
    }
}

fn permissions(
    cx: &Context<'_>,
    place: &KeyKey,
    bypass: Option<bool>,
    tags: &[(String, String)],
) -> Result<Vec<Permission>, Failure> {
    let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let create = Permission::on_anything("kms:CreateKey")
        .with("kms:CallerAccount", cx.account().as_str())
        .with("kms:KeySpec", rules::KEY_SPEC)
        .with("kms:KeyUsage", rules::KEY_USAGE)
        .with("kms:KeyOrigin", "AWS_KMS")
        .with("kms:MultiRegion", "false")
        .with("kms:BypassPolicyLockoutSafetyCheck", bypass.unwrap_or_default().to_string())
        .with_request_tags(pairs());
    if tags.is_empty() {
        return Ok(vec![create]);
    }
    // The key has no policy yet: IAM alone decides about the tags it is made with.
    let tag = Permission::on("kms:TagResource", &key_arn(place))
        .with("kms:CallerAccount", cx.account().as_str())
        .with_request_tags(pairs())
        .guarded_by_key(key_policy::default(cx.account())?, KeyGuard::default());
    Ok(vec![create, tag])
}

impl WriteHandler for api::CreateKey {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { place, policy, bypass, description, tags } = request.into_request();
        let policy = match policy {
            Some(text) => key_policy::parse(cx, tx, &key_arn(&place), &text, bypass)?,
            None => key_policy::default(&place.0)?,
        };
        let mut key = keys::new_key(cx.vault(), &place, policy, cx.now)?;
        key.description = description;
        rules::set_tags(&mut key.tags, tags)?;
        keys::put(tx, &place, &key)?;
        Ok(api::CreateKeyResponse { key_metadata: Some(view::metadata(&place, &key)) })
    }
}
