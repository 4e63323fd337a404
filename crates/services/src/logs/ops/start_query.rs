//! `StartQuery`: starts an Insights query over one group or several.

use std::ops::Range;
use std::sync::Arc;

use landfall_api::logs::{self as api, error};
use landfall_base::{Timestamp, random};
use landfall_shape::{ServiceError, Structure, Value};
use landfall_store::View;

use crate::logs::encryption::GroupKeys;
use crate::logs::insights::{Query, SyntaxError};
use crate::logs::lookup::Group;
use crate::logs::queries::{ACTIVE, Facts, Searched, Work};
use crate::logs::record::{LogStream, STREAMS};
use crate::logs::rules::retention;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Groups of a query, at most.
const GROUPS: usize = 50;

/// Rows of a result when the caller does not say.
const ROWS: usize = 10_000;

/// Numbers above this are milliseconds, though the API speaks of seconds: SDKs' users send both.
const MILLISECONDS: i64 = 100_000_000_000;

/// A query to start.
#[derive(Debug)]
pub struct Request {
    groups: Vec<Group>,
    times: Range<Timestamp>,
    text: String,
    query: Query,
    limit: usize,
}

impl Resolve for api::StartQuery {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.query_language.as_ref().is_some_and(|language| *language != api::QueryLanguage::Cwli) {
            let text = "Only queries in the language CWLI are answered here.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let query = Query::parse(&input.query_string).map_err(malformed)?;
        let groups = groups(cx, view, &input)?;
        let permissions = groups.iter().map(|group| group.permission("logs:StartQuery")).collect();
        let times = moment(input.start_time, 0)..moment(input.end_time, 999);
        if times.start > times.end {
            let text = "End time should not be earlier than start time.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let limit = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(ROWS);
        let request = Request { groups, times, text: input.query_string, query, limit: limit.min(ROWS) };
        Ok(Checked::all(request, permissions))
    }
}

/// The time that a number stands for; a whole second ends with its last millisecond, which is included.
fn moment(number: i64, rest: i64) -> Timestamp {
    let millis =
        if number > MILLISECONDS { number } else { number.saturating_mul(1000).saturating_add(rest) };
    Timestamp::from_millis(millis)
}

fn groups(cx: &Context<'_>, view: &View, input: &api::StartQueryRequest) -> Result<Vec<Group>, Failure> {
    let ways = [
        input.log_group_name.is_some(),
        input.log_group_names.is_some(),
        input.log_group_identifiers.is_some(),
    ];
    if ways.into_iter().filter(|given| *given).count() != 1 {
        let text = "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.";
        return Err(error::invalid_parameter_exception(text).into());
    }
    let names = input.log_group_name.iter().chain(input.log_group_names.iter().flatten());
    let mut groups = Vec::new();
    for name in crate::logs::queries::unique(names.cloned().collect()) {
        groups.push(Group::named(cx, view, name)?);
    }
    for identifier in crate::logs::queries::unique(input.log_group_identifiers.clone().unwrap_or_default()) {
        groups.push(Group::given(cx, view, None, Some(identifier))?);
    }
    if (1..=GROUPS).contains(&groups.len()) {
        return Ok(groups);
    }
    Err(error::invalid_parameter_exception(format!(
        "A query is over at least one log group and at most {GROUPS}."
    ))
    .into())
}

/// AWS's answer to a text that is no query.
fn malformed(error: SyntaxError) -> ServiceError {
    let offset = |offset: usize| Value::Integer(i64::try_from(offset).unwrap_or(i64::MAX));
    let mut location = Structure::new();
    location.push("startCharOffset", offset(error.start));
    location.push("endCharOffset", offset(error.end));
    let mut compile = Structure::new();
    compile.push("location", Value::Structure(location));
    compile.push("message", Value::String(error.message.clone()));
    let mut answer = error::malformed_query_exception(error.message);
    answer.members.push("queryCompileError", Value::Structure(compile));
    answer
}

impl ReadHandler for api::StartQuery {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let mut streams = Vec::new();
        for group in &request.groups {
            streams.extend(searched(cx, view, group, &request.times)?);
        }
        let queries = &cx.installation.queries;
        if queries.active(cx.account(), cx.region()) >= ACTIVE {
            let text = "Account maximum query concurrency limit of [100] reached.";
            return Err(error::limit_exceeded_exception(text).into());
        }
        let facts = Facts {
            id: random::uuid(),
            account: cx.account().clone(),
            region: cx.region().clone(),
            text: request.text,
            groups: request.groups.iter().map(|group| group.name.name.clone()).collect(),
            created_at: cx.now,
            caller: cx.caller.arn(),
        };
        let id = facts.id.clone();
        let work =
            Work { query: request.query, limit: request.limit, streams, journals: cx.journals().clone() };
        queries.start(facts, work).map_err(Failure::internal)?;
        Ok(api::StartQueryResponse { query_id: Some(id) })
    }
}

/// The streams of a group, and the times that are searched there.
fn searched(
    cx: &Context<'_>,
    view: &View,
    group: &Group,
    times: &Range<Timestamp>,
) -> Result<Vec<Searched>, Failure> {
    let kept = retention::cutoff(group.row()?.retention_days, cx.now);
    let start = kept.map_or(times.start, |kept| kept.max(times.start));
    let end = Timestamp::from_millis(times.end.millis().saturating_add(1));
    let name: Arc<str> = group.name.name.as_str().into();
    let keys = GroupKeys::of(cx, view, &group.name, group.row()?)?;
    let stream = |((_, _, _, stream), row): ((_, _, _, String), Arc<LogStream>)| {
        Ok(Searched {
            group: Arc::clone(&name),
            name: stream.into(),
            keys: keys.of_stream(&row)?,
            row,
            times: start..end,
        })
    };
    view.list(&STREAMS, group.key())?.into_iter().map(stream).collect()
}
