//! `DescribeLogGroups`: the log groups of the caller's account and Region, by name.

use std::sync::Arc;

use landfall_api::logs::{self as api, error};
use landfall_shape::ServiceError;
use landfall_store::{Begins, View};

use crate::logs::names::GroupName;
use crate::logs::record::{GROUPS, LogGroup};
use crate::logs::rules::page::{parse_token, token};
use crate::logs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Groups in a page when the caller does not say.
const PAGE: usize = 50;

/// Which groups, and from where.
#[derive(Debug)]
pub struct Request {
    filter: Filter,
    after: Option<String>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Filter {
    prefix: String,
    substring: Option<String>,
    class: Option<String>,
    names: Option<Vec<String>>,
    /// Only other accounts were asked for, and none is linked.
    nothing: bool,
}

impl Resolve for api::DescribeLogGroups {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let request = Request {
            after: parse_token(input.next_token.as_deref())?,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE),
            filter: filter(cx, input)?,
        };
        Ok(Checked::one(request, Permission::on_everything(cx, "logs:DescribeLogGroups")))
    }
}

fn filter(cx: &Context<'_>, input: api::DescribeLogGroupsRequest) -> Result<Filter, ServiceError> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
        return Err(error::invalid_parameter_exception(text));
    }
    let named = input.log_group_name_prefix.is_some() || input.log_group_name_pattern.is_some();
    if named && input.log_group_identifiers.is_some() {
        let text = "LogGroup identifiers cannot be combined with a LogGroup name prefix or pattern.";
        return Err(error::invalid_parameter_exception(text));
    }
    let linked = input.include_linked_accounts.unwrap_or_default();
    let accounts = input.account_identifiers.filter(|_| linked).unwrap_or_default();
    Ok(Filter {
        prefix: input.log_group_name_prefix.unwrap_or_default(),
        substring: input.log_group_name_pattern,
        class: input.log_group_class.map(|class| class.as_str().to_owned()),
        names: input.log_group_identifiers.map(|identifiers| names(cx, identifiers)),
        nothing: !accounts.is_empty() && accounts.iter().all(|account| account != cx.account().as_str()),
    })
}

/// The names that identifiers stand for; those of other accounts and Regions stand for nothing here.
fn names(cx: &Context<'_>, identifiers: Vec<String>) -> Vec<String> {
    let name = |identifier: String| match GroupName::of_arn(&identifier) {
        Some(group) => (group.account == *cx.account() && group.region == *cx.region()).then_some(group.name),
        None => Some(identifier),
    };
    identifiers.into_iter().filter_map(name).collect()
}

impl Filter {
    fn takes(&self, name: &str, row: &LogGroup) -> bool {
        !self.nothing
            && self.substring.as_deref().is_none_or(|substring| name.contains(substring))
            && self.class.as_deref().is_none_or(|class| row.class == class)
            && self.names.as_deref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }
}

impl ReadHandler for api::DescribeLogGroups {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let mut found = groups(cx, view, &request)?;
        let more = found.len() > request.limit;
        found.truncate(request.limit);
        let last = found.last().map(|(name, _)| token(&name.name));
        Ok(api::DescribeLogGroupsResponse {
            next_token: last.filter(|_| more),
            log_groups: Some(found.iter().map(|(name, row)| view::group(name, row)).collect()),
        })
    }
}

/// The groups of a page, and one more if there is.
fn groups(
    cx: &Context<'_>,
    view: &View,
    request: &Request,
) -> Result<Vec<(GroupName, Arc<LogGroup>)>, Failure> {
    let prefix = (cx.account(), cx.region(), Begins(&request.filter.prefix));
    let rows = match &request.after {
        Some(after) => view.scan_after(&GROUPS, prefix, &(cx.account(), cx.region(), after.as_str())),
        None => view.scan(&GROUPS, prefix),
    };
    let mut found = Vec::new();
    for row in rows {
        let ((account, region, name), row) = row?;
        if request.filter.takes(&name, &row) {
            found.push((GroupName { account, region, name }, row));
        }
        if found.len() > request.limit {
            break;
        }
    }
    Ok(found)
}
