//! `GetGroupPolicy`: an inline policy of a group.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::inline::{self, Inline};
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GetGroupPolicy {
    type Request = Checked<Inline<Group>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        inline::resolve(cx, view, "iam:GetGroupPolicy", &input.group_name, input.policy_name)
    }
}

impl ReadHandler for api::GetGroupPolicy {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let inline = request.into_request();
        let policy_document = inline::document(view, &inline)?;
        Ok(api::GetGroupPolicyResponse {
            group_name: inline.target.existing()?.name.clone(),
            policy_name: inline.policy,
            policy_document,
        })
    }
}
