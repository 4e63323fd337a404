//! `GetUserPolicy`: an inline policy of a user.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::inline::{self, Inline};
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetUserPolicy {
    type Request = Checked<Inline<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        inline::resolve(cx, view, "iam:GetUserPolicy", &input.user_name, input.policy_name)
    }
}

impl ReadHandler for api::GetUserPolicy {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let inline = request.into_request();
        let policy_document = inline::document(view, &inline)?;
        Ok(api::GetUserPolicyResponse {
            user_name: inline.target.existing()?.name.clone(),
            policy_name: inline.policy,
            policy_document,
        })
    }
}
