//! `DescribeQueryDefinitions`: the kept queries of the caller's account and Region.

use landfall_api::logs as api;
use landfall_store::View;

use crate::logs::record::{QUERY_DEFINITIONS, QueryDefinition};
use crate::logs::rules::page::{parse_token, token};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Definitions in a page when the caller does not say.
const PAGE: usize = 1000;

/// Which definitions, and from where.
#[derive(Debug)]
pub struct Request {
    prefix: String,
    after: Option<String>,
    most: usize,
}

impl Resolve for api::DescribeQueryDefinitions {
    type Request = Checked<Request>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let request = Request {
            prefix: input.query_definition_name_prefix.unwrap_or_default(),
            after: parse_token(input.next_token.as_deref())?,
            most: input.max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE),
        };
        let permission = Permission::on_anything("logs:DescribeQueryDefinitions");
        Ok(Checked::one(request, permission))
    }
}

impl ReadHandler for api::DescribeQueryDefinitions {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let mut found: Vec<api::QueryDefinition> = Vec::new();
        let mut next_token = None;
        for ((_, _, id), row) in view.list(&QUERY_DEFINITIONS, (cx.account(), cx.region()))? {
            let seen = request.after.as_ref().is_some_and(|after| id <= *after);
            if seen || !row.name.starts_with(&request.prefix) {
                continue;
            }
            if found.len() == request.most {
                next_token = found.last().and_then(|last| last.query_definition_id.as_ref()).map(token);
                break;
            }
            found.push(definition(id, &row));
        }
        Ok(api::DescribeQueryDefinitionsResponse { query_definitions: Some(found), next_token })
    }
}

fn definition(id: String, row: &QueryDefinition) -> api::QueryDefinition {
    api::QueryDefinition {
        query_language: row.language.as_deref().map(api::QueryLanguage::from),
        query_definition_id: Some(id),
        name: Some(row.name.clone()),
        query_string: Some(row.query.clone()),
        last_modified: Some(row.modified_at.millis()),
        log_group_names: Some(row.groups.clone()),
        parameters: None,
    }
}
