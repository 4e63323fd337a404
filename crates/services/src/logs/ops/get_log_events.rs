//! `GetLogEvents`: pages through the events of one stream, to later ones and to earlier ones.

use std::ops::Range;

use landfall_api::logs as api;
use landfall_base::Timestamp;
use landfall_store::View;
use landfall_store::journal::Record;

use crate::logs::encryption::{GroupKeys, StreamKeys};
use crate::logs::lookup::{Group, Stream};
use crate::logs::reader::{Limit, Reader};
use crate::logs::rules::page::{Cut, Way, event_token, parse_event_token};
use crate::logs::rules::retention;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The most a page holds.
const MOST: Limit = Limit { events: 10_000, bytes: 1024 * 1024 };

/// A stream and a part of it.
#[derive(Debug)]
pub struct Request {
    stream: Stream,
    times: Range<Timestamp>,
    start: (Way, Option<Cut>),
    limit: Limit,
}

impl Resolve for api::GetLogEvents {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::given(cx, view, input.log_group_name, input.log_group_identifier)?;
        let stream = Stream::in_group(view, group, input.log_stream_name)?;
        let unmask = input.unmask.unwrap_or_default().then(|| stream.group.permission("logs:Unmask"));
        let permissions = [stream.permission("logs:GetLogEvents")].into_iter().chain(unmask).collect();
        let start = start(input.next_token.as_deref(), input.start_from_head.unwrap_or_default())?;
        let from = Timestamp::from_millis(input.start_time.unwrap_or(0));
        let to = Timestamp::from_millis(input.end_time.unwrap_or(i64::MAX));
        let events = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST.events);
        let request = Request { stream, times: from..to, start, limit: Limit { events, ..MOST } };
        Ok(Checked::all(request, permissions))
    }
}

/// Where a page starts, and which way it goes. Without a token: at the last event, backward, unless asked otherwise.
fn start(token: Option<&str>, from_head: bool) -> Result<(Way, Option<Cut>), Failure> {
    Ok(match token {
        Some(token) => {
            let (way, cut) = parse_event_token(token)?;
            (way, Some(cut))
        }
        None if from_head => (Way::Forward, None),
        None => (Way::Backward, None),
    })
}

impl ReadHandler for api::GetLogEvents {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { stream, times, start: (way, cut), limit } = request.into_request();
        let (group, row) = stream.rows()?;
        let kept = retention::cutoff(group.retention_days, cx.now);
        let times = kept.map_or(times.start, |kept| kept.max(times.start))..times.end;
        let keys = GroupKeys::of(cx, view, &stream.group.name, group)?.of_stream(row)?;
        let reader = Reader::new(cx.journals(), row, times);
        let records = match way {
            Way::Forward => reader.behind(cut.unwrap_or(Cut::START), limit),
            Way::Backward => reader.before(cut, limit),
        };
        page(records.map_err(Failure::internal)?, cut.unwrap_or(Cut::START), &keys)
    }
}

/// The page, with a token for each way on. At an end the token that leads there comes back as it was.
fn page(records: Vec<Record>, start: Cut, keys: &StreamKeys) -> Result<api::GetLogEventsResponse, Failure> {
    let forward = records.last().map_or(start, Cut::behind);
    let backward = records.first().map_or(start, Cut::before);
    Ok(api::GetLogEventsResponse {
        events: Some(records.into_iter().map(|record| event(record, keys)).collect::<Result<_, Failure>>()?),
        next_forward_token: Some(event_token(Way::Forward, forward)),
        next_backward_token: Some(event_token(Way::Backward, backward)),
    })
}

fn event(record: Record, keys: &StreamKeys) -> Result<api::OutputLogEvent, Failure> {
    Ok(api::OutputLogEvent {
        timestamp: Some(record.time.millis()),
        ingestion_time: Some(record.ingested.millis()),
        message: Some(keys.message(record.payload)?),
    })
}
