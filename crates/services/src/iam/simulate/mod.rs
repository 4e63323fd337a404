//! Policy simulation: the evaluator that decides on calls, asked about calls that nobody makes. Policies of resources
//! count only where the caller gives them (IAM User Guide, "Testing IAM policies with the IAM policy simulator").

mod context_keys;
mod positions;
mod results;
mod scenario;

use context_keys::context_keys;
pub(super) use scenario::{Scenario, SourceTarget, custom_source, keys_of};

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Context as Conditions, Layers, Policy, Principal, Request, ResourceKind, ResourceLayer,
};

use super::organization::Levels;
use super::policies::{AttachedPolicy, PrincipalPolicies};

/// May this principal, with these policies, do this to that?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// Its policies.
    pub policies: &'a PrincipalPolicies,
    /// `service:Action`
    pub action: &'a str,
    /// The resource's ARN or `*`.
    pub resource: &'a str,
    /// The account that owns the resource; `None` for the principal's own.
    pub owner: Option<&'a AccountId>,
    /// Condition keys.
    pub context: &'a Conditions,
    /// The policy of the resource.
    pub resource_policy: Option<&'a Policy>,
    /// The policy of what the resource is in.
    pub outer_policy: Option<&'a Policy>,
    /// How much depends on that policy; `None` leaves it to the action, where there is none.
    pub resource_kind: Option<ResourceKind<'a>>,
    /// Service control policies.
    pub scp: &'a Levels,
    /// Resource control policies.
    pub rcp: &'a Levels,
}

/// Puts a question to the evaluator; `answer` gets it in the evaluator's form.
pub fn ask<T>(question: &Question<'_>, answer: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
    let request = Request {
        principal: question.principal,
        action: question.action,
        resource: question.resource,
        resource_account: question.owner,
        context: question.context,
    };
    let identity: Vec<_> = question.policies.identity.iter().map(AttachedPolicy::attached).collect();
    let boundary: Vec<_> = question.policies.boundary.iter().map(AttachedPolicy::attached).collect();
    let own = question.resource_policy.map(|policy| Attached::to_resource("ResourcePolicy", policy));
    let outer = question.outer_policy.map(|policy| Attached::to_resource("registry policy", policy));
    let resource: Vec<_> = own.into_iter().chain(outer).collect();
    let (scp, rcp) = (question.scp.attached(), question.rcp.attached());
    let scp: Vec<_> = scp.iter().map(Vec::as_slice).collect();
    let rcp: Vec<_> = rcp.iter().map(Vec::as_slice).collect();
    let kind = question.resource_kind.or((!resource.is_empty()).then_some(ResourceKind::Ordinary));
    let resource = kind.map(|kind| ResourceLayer { policies: &resource, kind });
    let layers = Layers {
        identity: &identity,
        boundary: &boundary,
        resource,
        scp: &scp,
        rcp: &rcp,
        ..Layers::default()
    };
    answer(&request, &layers)
}
