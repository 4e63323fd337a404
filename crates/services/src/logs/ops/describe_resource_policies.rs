//! `DescribeResourcePolicies`: those of the account, or those of its groups.

use landfall_api::logs as api;
use landfall_store::View;

use crate::logs::lookup::Group;
use crate::logs::record::RESOURCE_POLICIES;
use crate::logs::resource_policies::shown;
use crate::logs::rules::page::{parse_token, token};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Policies in a page when the caller does not say.
const PAGE: usize = 50;

/// Which policies, and from where.
#[derive(Debug)]
pub struct Request {
    of_groups: bool,
    group: Option<String>,
    after: Option<(String, String)>,
    most: usize,
}

impl Resolve for api::DescribeResourcePolicies {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = input.resource_arn.map(|arn| Group::of_resource(cx, view, &arn)).transpose()?;
        let request = Request {
            of_groups: group.is_some() || input.policy_scope == Some(api::PolicyScope::Resource),
            group: group.as_ref().map(|group| group.name.arn().to_string()),
            after: parse_token(input.next_token.as_deref())?,
            most: input.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE),
        };
        let permission = Permission::on_anything("logs:DescribeResourcePolicies");
        Ok(Checked::one(request, permission))
    }
}

impl Request {
    fn wants(&self, arn: &str, name: &str) -> bool {
        let seen = self.after.as_ref().is_some_and(|(a, n)| (arn, name) <= (a.as_str(), n.as_str()));
        let right = self.group.as_ref().is_none_or(|group| group == arn);
        !seen && right && self.of_groups != arn.is_empty()
    }
}

impl ReadHandler for api::DescribeResourcePolicies {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let (mut found, mut last, mut next_token) = (Vec::new(), None, None);
        for ((_, _, arn, name), row) in view.list(&RESOURCE_POLICIES, (cx.account(), cx.region()))? {
            if !request.wants(&arn, &name) {
                continue;
            }
            if found.len() == request.most {
                next_token = last.as_ref().map(token);
                break;
            }
            found.push(shown(view, &arn, &name, &row)?);
            last = Some((arn, name));
        }
        Ok(api::DescribeResourcePoliciesResponse { resource_policies: Some(found), next_token })
    }
}
