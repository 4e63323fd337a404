//! `PutResourcePolicy`: who else may use a secret.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::public_policy::is_public;
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::resource_policy;
use crate::secretsmanager::target::Target;

/// A policy to be put on a secret.
#[derive(Debug)]
pub struct Request {
    target: Target,
    policy: String,
    block_public: bool,
}

impl Resolve for api::PutResourcePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let block = input.block_public_policy;
        let permission = target
            .permission("secretsmanager:PutResourcePolicy")
            .with_some("secretsmanager:BlockPublicPolicy", block.map(|block| block.to_string()));
        let request =
            Request { target, policy: input.resource_policy, block_public: block.unwrap_or_default() };
        Ok(Checked::one(request, permission))
    }
}

impl WriteHandler for api::PutResourcePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, policy, block_public } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        let policy = resource_policy::parse(tx, &policy)?;
        if block_public && is_public(&policy, &secret.arn, cx.now).map_err(Failure::internal)? {
            let message = "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad \
                           access to the secret.";
            return Err(api::error::public_policy_exception(message).into());
        }
        secret.policy = Some(Arc::new(policy));
        secret.changed_at = cx.now;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::PutResourcePolicyResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
        })
    }
}
