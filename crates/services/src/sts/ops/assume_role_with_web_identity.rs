//! `AssumeRoleWithWebIdentity`: temporary credentials of a role for a token of an OpenID Connect provider. The request is
//! not signed: the token says who calls, and was verified before.

use landfall_api::sts as api;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::assume_role::{Wanted, find_role, issue, role_arn, role_permission};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::sts::web_identity::claim;

/// A role to become.
#[derive(Debug)]
pub struct Request {
    wanted: Wanted,
    provider_id: Option<String>,
}

impl Resolve for api::AssumeRoleWithWebIdentity {
    type Request = Checked<Request>;

    fn resolve(_: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let arn = role_arn(&input.role_arn)?;
        let role = find_role(view, &arn)?;
        let permission = role_permission("sts:AssumeRoleWithWebIdentity", &arn, role.as_deref())
            .with("sts:RoleSessionName", &input.role_session_name);
        let wanted = Wanted::new(arn, role, input.role_session_name, input.duration_seconds)
            .with_policies(input.policy, input.policy_arns);
        Ok(Checked::one(Request { wanted, provider_id: input.provider_id }, permission))
    }
}

impl ReadHandler for api::AssumeRoleWithWebIdentity {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { wanted, provider_id } = request.into_request();
        if provider_id.is_some() {
            let text = "ProviderId is for OAuth 2.0 access tokens, which are not taken here: leave it out.";
            return Err(ServiceError::client("ValidationError", text).into());
        }
        let said = |name| claim(cx.caller, name).map(str::to_owned);
        if said("sub").is_none() {
            let text = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        }
        let issued = issue(cx, view, &wanted)?;
        Ok(api::AssumeRoleWithWebIdentityResponse {
            credentials: Some(issued.credentials),
            subject_from_web_identity_token: said("sub"),
            assumed_role_user: Some(issued.user),
            packed_policy_size: issued.packed_policy_size,
            provider: said("iss"),
            audience: said("aud"),
            source_identity: None,
        })
    }
}
