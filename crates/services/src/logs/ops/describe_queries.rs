//! `DescribeQueries`: the queries of the caller's account and Region, the latest first.

use std::sync::Arc;

use landfall_api::logs as api;
use landfall_store::View;

use crate::logs::queries::Running;
use crate::logs::rules::page::{parse_token, token};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Queries in a page when the caller does not say.
const PAGE: usize = 1000;

/// Which queries, and from where.
#[derive(Debug)]
pub struct Request {
    group: Option<String>,
    status: Option<api::QueryStatus>,
    start: usize,
    most: usize,
}

impl Resolve for api::DescribeQueries {
    type Request = Checked<Request>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let request = Request {
            group: input.log_group_name,
            status: input.status,
            start: parse_token(input.next_token.as_deref())?.unwrap_or(0),
            most: input.max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE),
        };
        Ok(Checked::one(request, Permission::on_anything("logs:DescribeQueries")))
    }
}

impl ReadHandler for api::DescribeQueries {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { group, status, start, most } = request.into_request();
        let mut queries = cx.installation.queries.list(cx.account(), cx.region());
        queries.retain(|query| {
            let in_group = group.as_ref().is_none_or(|group| query.facts.groups.contains(group));
            in_group && status.as_ref().is_none_or(|status| query.status() == *status)
        });
        let end = start.saturating_add(most);
        Ok(api::DescribeQueriesResponse {
            queries: Some(queries.iter().take(end).skip(start).map(info).collect()),
            next_token: (end < queries.len()).then(|| token(&end)),
        })
    }
}

fn info(query: &Arc<Running>) -> api::QueryInfo {
    api::QueryInfo {
        query_language: Some(api::QueryLanguage::Cwli),
        query_id: Some(query.facts.id.clone()),
        query_string: Some(query.facts.text.clone()),
        status: Some(query.status()),
        create_time: Some(query.facts.created_at.millis()),
        log_group_name: query.facts.groups.first().cloned(),
        query_duration: Some(query.took()),
        bytes_scanned: query.statistics().bytes_scanned,
        user_identity: Some(query.facts.caller.clone()),
    }
}
