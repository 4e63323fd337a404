//! `GetResourcePolicy`: the policy on a secret, if there is one.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::principals;
use crate::secretsmanager::target::Target;

impl Resolve for api::GetResourcePolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:GetResourcePolicy");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::GetResourcePolicy {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let secret = request.request.usable()?;
        Ok(api::GetResourcePolicyResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
            resource_policy: secret
                .policy
                .as_deref()
                .map(|policy| principals::shown(view, policy))
                .transpose()?,
        })
    }
}
