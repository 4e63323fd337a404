//! `GetQueryResults`: how far a query is, and what it found once it is complete.

use landfall_api::logs::{self as api, error};
use landfall_base::Arn;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::logs::queries::result_fields;
use crate::logs::rules::page::{parse_token, token};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A query, and which part of its rows.
#[derive(Debug)]
pub struct Request {
    id: String,
    start: usize,
    most: usize,
}

impl Resolve for api::GetQueryResults {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let most = input.max_items.and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
        let request = Request {
            id: input.query_id,
            start: parse_token(input.next_token.as_deref())?.unwrap_or(0),
            most: most.unwrap_or(usize::MAX),
        };
        let permissions = permissions(cx, &request.id);
        Ok(Checked::all(request, permissions))
    }
}

/// The caller needs every group that was searched; a query that is not there has none.
fn permissions(cx: &Context<'_>, id: &str) -> Vec<Permission> {
    let query = cx.installation.queries.find(cx.account(), cx.region(), id);
    let searched = query.map_or_else(|| vec![String::new()], |query| query.facts.groups.clone());
    let on = |group: &String| {
        let resource = format!("log-group:{group}:log-stream:");
        let arn = Arn::new("logs", cx.region(), cx.account(), &resource);
        Permission::on("logs:GetQueryResults", &arn)
    };
    searched.iter().map(on).collect()
}

impl ReadHandler for api::GetQueryResults {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { id, start, most } = request.into_request();
        let found = cx.installation.queries.find(cx.account(), cx.region(), &id);
        let query = found.ok_or_else(no_query)?;
        // The status before the rows: what is complete then has them.
        let status = query.status();
        let rows = query.rows();
        let end = start.saturating_add(most);
        Ok(api::GetQueryResultsResponse {
            query_language: Some(api::QueryLanguage::Cwli),
            results: Some(rows.iter().take(end).skip(start).map(result_fields).collect()),
            statistics: Some(query.statistics()),
            status: Some(status),
            encryption_key: None,
            next_token: (end < rows.len()).then(|| token(&end)),
        })
    }
}

/// AWS's answer when a query is not there.
pub(super) fn no_query() -> ServiceError {
    error::resource_not_found_exception("The specified query does not exist.")
}
