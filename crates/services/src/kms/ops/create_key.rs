//! `CreateKey`: a new key.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_store::{Tx, View, WriteError};

use crate::kms::asymmetric;
use crate::kms::key_policy;
use crate::kms::keys;
use crate::kms::kind::Kind;
use crate::kms::names::{any_key_arn, key_arn};
use crate::kms::record::KeyKey;
use crate::kms::rules;
use crate::kms::view;
use crate::pipe::{
    Authorized, AwaitingHandler, Checked, Context, Failure, KeyGuard, Permission, Resolve, Surroundings,
};

/// A key to be made.
#[derive(Debug)]
pub struct Request {
    place: KeyKey,
    kind: Kind,
    policy: Option<String>,
    bypass: Option<bool>,
    description: String,
    tags: Vec<(String, String)>,
}

impl Resolve for api::CreateKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let kind = Kind::asked(&input)?;
        rules::check_origin(&input)?;
        let tags = rules::tags(input.tags)?;
        let place = keys::new_place(cx.account(), cx.region());
        let permissions = permissions(cx, kind, input.bypass_policy_lockout_safety_check, &tags)?;
        let request = Request {
            place,
            kind,
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
    kind: Kind,
    bypass: Option<bool>,
    tags: &[(String, String)],
) -> Result<Vec<Permission>, Failure> {
    let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let create = Permission::on_anything("kms:CreateKey")
        .with("kms:CallerAccount", cx.account().as_str())
        .with("kms:KeySpec", kind.spec.as_str())
        .with("kms:KeyUsage", kind.usage.as_str())
        .with("kms:KeyOrigin", "AWS_KMS")
        .with("kms:MultiRegion", "false")
        .with("kms:BypassPolicyLockoutSafetyCheck", bypass.unwrap_or_default().to_string())
        .with_request_tags(pairs());
    if tags.is_empty() {
        return Ok(vec![create]);
    }
    // The key has neither a policy nor a name yet: IAM alone decides about the tags it is made with.
    let tag = Permission::on("kms:TagResource", &any_key_arn(cx.account(), cx.region()))
        .with("kms:CallerAccount", cx.account().as_str())
        .with_request_tags(pairs())
        .guarded_by_key(key_policy::default(cx.account())?, KeyGuard::default());
    Ok(vec![create, tag])
}

impl AwaitingHandler for api::CreateKey {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let spec = request.kind.spec;
        // An RSA key takes up to a second: nobody else's call waits for it, in a transaction least of all.
        let secret = tokio::task::spawn_blocking(move || asymmetric::new_secret(spec)).await;
        let secret = secret.map_err(Failure::internal)??;
        let store = &cx.installation.store;
        let written = store.write_async("CreateKey", |tx| keep(&cx.context(), tx, request, &secret));
        written.await.map_err(WriteError::flatten)
    }
}

fn keep(
    cx: &Context<'_>,
    tx: &mut Tx,
    request: Request,
    secret: &Sensitive<Vec<u8>>,
) -> Result<api::CreateKeyResponse, Failure> {
    let Request { place, kind, policy, bypass, description, tags } = request;
    let policy = match policy {
        Some(text) => key_policy::parse(cx, tx, &key_arn(&place), &text, bypass)?,
        None => key_policy::default(&place.0)?,
    };
    let mut key = keys::new_key(cx.vault(), &place, policy, cx.now, (kind, secret))?;
    key.description = description;
    rules::set_tags(&mut key.tags, tags)?;
    keys::put(tx, &place, &key)?;
    Ok(api::CreateKeyResponse { key_metadata: Some(view::metadata(&place, &key)) })
}
