//! `StartLiveTail`: begins a session that is sent what is put into groups from now on. What follows the first event of the
//! answer is sent by the gateway, which asks [`crate::logs::LiveTails`].

use landfall_api::logs::{self as api, error};
use landfall_base::random;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::logs::live_tail::{Facts, Streams};
use crate::logs::lookup::Group;
use crate::logs::rules::filter_pattern::FilterPattern;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A session to begin.
#[derive(Debug)]
pub struct Request {
    groups: Vec<Group>,
    streams: Streams,
    pattern: FilterPattern,
    input: api::StartLiveTailRequest,
}

impl Resolve for api::StartLiveTail {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut groups = Vec::new();
        for identifier in crate::logs::queries::unique(input.log_group_identifiers.clone()) {
            if identifier.ends_with('*') {
                let text = "The ARN of a log group must not end with an asterisk (*) here.";
                return Err(error::invalid_parameter_exception(text).into());
            }
            groups.push(Group::given(cx, view, None, Some(identifier))?);
        }
        let pattern = input.log_event_filter_pattern.as_deref().unwrap_or_default();
        let request = Request {
            streams: streams(&input, groups.len())?,
            pattern: FilterPattern::parse(pattern)
                .map_err(|_| error::invalid_parameter_exception("Invalid filter pattern"))?,
            groups,
            input,
        };
        let permissions = request.groups.iter().map(|group| group.permission("logs:StartLiveTail")).collect();
        Ok(Checked::all(request, permissions))
    }
}

/// Streams can be chosen within one group only, and in one way.
fn streams(input: &api::StartLiveTailRequest, groups: usize) -> Result<Streams, ServiceError> {
    let names = input.log_stream_names.clone().filter(|names| !names.is_empty());
    let prefixes = input.log_stream_name_prefixes.clone().filter(|prefixes| !prefixes.is_empty());
    let refuse = |text: &str| Err(error::invalid_parameter_exception(text));
    match (names, prefixes) {
        (None, None) => Ok(Streams::All),
        (Some(_), Some(_)) => {
            refuse("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
        }
        _ if groups != 1 => {
            refuse("logStreamNames and logStreamNamePrefixes can only be specified with one log group.")
        }
        (Some(names), None) => Ok(Streams::Named(names)),
        (None, Some(prefixes)) => Ok(Streams::Beginning(prefixes)),
    }
}

impl ReadHandler for api::StartLiveTail {
    fn run(
        cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { groups, streams, pattern, input } = request.into_request();
        for group in &groups {
            group.row()?;
        }
        let id = random::uuid();
        let facts = Facts {
            id: id.clone(),
            account: cx.account().clone(),
            region: cx.region().clone(),
            groups: groups.into_iter().map(|group| group.name).collect(),
            streams,
            pattern,
            started_at: cx.now,
        };
        if !cx.installation.live_tails.begin(facts) {
            return Err(error::limit_exceeded_exception("Rate exceeded").into());
        }
        let start = api::LiveTailSessionStart {
            request_id: Some(random::uuid()),
            session_id: Some(id),
            log_group_identifiers: Some(input.log_group_identifiers),
            log_stream_names: Some(input.log_stream_names.unwrap_or_default()),
            log_stream_name_prefixes: Some(input.log_stream_name_prefixes.unwrap_or_default()),
            log_event_filter_pattern: Some(input.log_event_filter_pattern.unwrap_or_default()),
        };
        let stream = api::StartLiveTailResponseStream { session_start: Some(start), ..Default::default() };
        Ok(api::StartLiveTailResponse { response_stream: Some(stream) })
    }
}
