//! `ListLogGroups`: names and classes of the log groups of the caller's account and Region, by name.

use landfall_api::logs::{self as api, error};
use landfall_store::View;
use regex::{Regex, RegexBuilder};

use crate::logs::names::GroupName;
use crate::logs::record::{GROUPS, LogGroup};
use crate::logs::rules::page::{parse_token, token};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Groups in a page when the caller does not say.
const PAGE: usize = 50;

/// Which groups, and from where.
#[derive(Debug)]
pub struct Request {
    pattern: Option<Regex>,
    class: Option<String>,
    tags: Vec<api::TagFilter>,
    nothing: bool,
    after: Option<String>,
    limit: usize,
}

impl Resolve for api::ListLogGroups {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        // No group has data sources or field indexes.
        let sources = input.data_sources.is_some_and(|it| !it.is_empty());
        let indexes = input.field_index_names.is_some_and(|it| !it.is_empty());
        let accounts = input.account_identifiers.unwrap_or_default();
        let elsewhere =
            !accounts.is_empty() && accounts.iter().all(|account| account != cx.account().as_str());
        let request = Request {
            pattern: input.log_group_name_pattern.as_deref().map(pattern).transpose()?,
            class: input.log_group_class.map(|class| class.as_str().to_owned()),
            tags: input.log_group_tags.unwrap_or_default(),
            nothing: sources || indexes || elsewhere,
            after: parse_token(input.next_token.as_deref())?,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE),
        };
        Ok(Checked::one(request, Permission::on_anything("logs:ListLogGroups")))
    }
}

/// A text that names hold or, with `^`, begin with; `|` joins several (API reference, ListLogGroups).
fn pattern(text: &str) -> Result<Regex, Failure> {
    let part = |part: &str| match part.strip_prefix('^') {
        Some(start) => format!("^{}", regex::escape(start)),
        None => regex::escape(part),
    };
    let joined = text.split('|').map(part).collect::<Vec<_>>().join("|");
    let invalid = |_| error::invalid_parameter_exception("logGroupNamePattern is invalid.");
    Ok(RegexBuilder::new(&joined).size_limit(256 * 1024).build().map_err(invalid)?)
}

impl Request {
    fn takes(&self, name: &str, row: &LogGroup) -> bool {
        let tagged = |filter: &api::TagFilter| {
            let values = filter.values.as_deref().unwrap_or_default();
            let fits = |value: &String| values.is_empty() || values.contains(value);
            row.tags.iter().any(|(key, value)| *key == filter.key && fits(value))
        };
        !self.nothing
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && self.class.as_ref().is_none_or(|class| row.class == *class)
            && self.tags.iter().all(tagged)
    }
}

impl ReadHandler for api::ListLogGroups {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let place = (cx.account(), cx.region());
        let rows = match &request.after {
            Some(after) => view.scan_after(&GROUPS, place, &(cx.account(), cx.region(), after.as_str())),
            None => view.scan(&GROUPS, place),
        };
        let mut found: Vec<api::LogGroupSummary> = Vec::new();
        let mut next_token = None;
        for row in rows {
            let ((account, region, name), row) = row?;
            if !request.takes(&name, &row) {
                continue;
            }
            if found.len() == request.limit {
                next_token = found.last().and_then(|last| last.log_group_name.as_ref()).map(token);
                break;
            }
            let arn = GroupName { account, region, name: name.clone() }.arn();
            found.push(api::LogGroupSummary {
                log_group_name: Some(name),
                log_group_arn: Some(arn.into()),
                log_group_class: Some(api::LogGroupClass::from(row.class.as_str())),
            });
        }
        Ok(api::ListLogGroupsResponse { log_groups: Some(found), next_token })
    }
}
