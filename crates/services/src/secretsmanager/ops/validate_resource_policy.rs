//! `ValidateResourcePolicy`: whether a policy may be put on a secret, and whether it is public.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::secretsmanager::names::arn_of_name;
use crate::secretsmanager::public_policy::is_public;
use crate::secretsmanager::resource_policy;
use crate::secretsmanager::target::Target;

const ACTION: &str = "secretsmanager:ValidateResourcePolicy";

/// A policy to be judged.
#[derive(Debug)]
pub struct Request {
    target: Option<Target>,
    policy: String,
}

impl Resolve for api::ValidateResourcePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = input.secret_id.map(|id| Target::find(cx, view, &id)).transpose()?;
        let permission = match &target {
            Some(target) => target.permission(ACTION),
            None => Permission::on_anything(ACTION),
        };
        Ok(Checked::one(Request { target, policy: input.resource_policy }, permission))
    }
}

impl ReadHandler for api::ValidateResourcePolicy {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, policy } = request.into_request();
        let arn = match &target {
            Some(target) => target.usable()?.arn.clone(),
            // Without a secret the policy is judged as it would be on any one.
            None => arn_of_name(&(cx.account().clone(), cx.region().clone(), "any".to_owned())),
        };
        let policy = resource_policy::parse(view, &policy)?;
        let public = is_public(&policy, &arn, cx.now).map_err(Failure::internal)?;
        let error = || api::ValidationErrorsEntry {
            check_name: Some("BlockPublicPolicy".to_owned()),
            error_message: Some("The resource policy grants broad access to the secret.".to_owned()),
        };
        Ok(api::ValidateResourcePolicyResponse {
            policy_validation_passed: Some(!public),
            validation_errors: Some(public.then(error).into_iter().collect()),
        })
    }
}
