//! `ListPolicies`: the managed policies of the account, of AWS, or both.

use landfall_api::iam as api;
use landfall_store::{StoreError, View};

use crate::iam::managed::{Managed, Usage, Usages};
use crate::iam::page::Paging;
use crate::iam::policies::aws_managed_policies;
use crate::iam::record::POLICIES;
use crate::iam::view::listed_policy;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListPolicies {
    type Request = Checked<(api::ListPoliciesRequest, Paging)>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        let shown = format!("policy path {}", input.path_prefix.as_deref().unwrap_or("/"));
        Ok(Checked::one((input, paging), Permission::on_anything("iam:ListPolicies").shown_as(shown)))
    }
}

impl ReadHandler for api::ListPolicies {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (wanted, paging) = &request.request;
        let usages = Usages::of(view, cx.account())?;
        let policies = in_scope(cx, view, wanted.scope.as_ref())?;
        let listed = policies.into_iter().filter_map(|policy| {
            let usage = usages.get(policy.arn());
            fits(&policy, usage, wanted).then(|| (policy.arn().to_owned(), listed_policy(&policy, usage)))
        });
        let page = paging.sort_and_take(listed.collect())?;
        Ok(api::ListPoliciesResponse {
            policies: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn in_scope(
    cx: &Context<'_>,
    view: &View,
    scope: Option<&api::PolicyScopeType>,
) -> Result<Vec<Managed>, StoreError> {
    let mut policies = Vec::new();
    if scope != Some(&api::PolicyScopeType::Local) {
        policies.extend(aws_managed_policies().values().map(Managed::Aws));
    }
    if scope != Some(&api::PolicyScopeType::Aws) {
        for row in view.scan(&POLICIES, (cx.account(),)) {
            policies.push(Managed::Customer(row?.1));
        }
    }
    Ok(policies)
}

fn fits(policy: &Managed, usage: Usage, wanted: &api::ListPoliciesRequest) -> bool {
    let attached = wanted.only_attached != Some(true) || usage.attached > 0;
    let used = match &wanted.policy_usage_filter {
        Some(api::PolicyUsageType::PermissionsBoundary) => usage.boundary > 0,
        Some(_) => usage.attached > 0,
        None => true,
    };
    attached && used && policy.path().starts_with(wanted.path_prefix.as_deref().unwrap_or("/"))
}
