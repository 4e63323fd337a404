//! `SimulatePrincipalPolicy`: what the policies of a user, group or role would decide, together with further ones.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::page::Paging;
use crate::iam::simulate::{Scenario, SourceTarget};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Whose policies, and what about them.
#[derive(Debug)]
pub struct Request {
    target: SourceTarget,
    scenario: api::SimulateCustomPolicyRequest,
    paging: Paging,
}

impl Resolve for api::SimulatePrincipalPolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = SourceTarget::find(cx, view, &input.policy_source_arn)?;
        let permission = target.permission("iam:SimulatePrincipalPolicy");
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let scenario = api::SimulateCustomPolicyRequest {
            policy_input_list: input.policy_input_list.unwrap_or_default(),
            permissions_boundary_policy_input_list: input.permissions_boundary_policy_input_list,
            action_names: input.action_names,
            resource_arns: input.resource_arns,
            resource_policy: input.resource_policy,
            resource_owner: input.resource_owner,
            caller_arn: input.caller_arn,
            context_entries: input.context_entries,
            ..Default::default()
        };
        Ok(Checked::one(Request { target, scenario, paging }, permission))
    }
}

impl ReadHandler for api::SimulatePrincipalPolicy {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, scenario, paging } = request.into_request();
        Scenario::read(cx, view, target.into_source()?, scenario)?.page(&paging)
    }
}
