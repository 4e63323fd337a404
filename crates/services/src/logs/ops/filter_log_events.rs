//! `FilterLogEvents`: searches the streams of a group, in the order of time.

use std::ops::Range;
use std::sync::Arc;

use landfall_api::logs::{self as api, error};
use landfall_base::Timestamp;
use landfall_store::journal::{Journals, Record};
use landfall_store::{Begins, StoreError, View};

use crate::logs::encryption::{GroupKeys, StreamKeys};
use crate::logs::lookup::{Group, no_stream};
use crate::logs::merge::{Merge, Source};
use crate::logs::reader::Reader;
use crate::logs::record::{LogStream, STREAMS};
use crate::logs::rules::filter_pattern::FilterPattern;
use crate::logs::rules::page::{Cut, Place, parse_token, token};
use crate::logs::rules::retention;
use crate::logs::view::event_id;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Events in a page, at most.
const MOST: usize = 10_000;

/// Bytes of messages in a page, at most.
const PAGE_BYTES: usize = 1024 * 1024;

/// Bytes of messages that are looked at for a page, at most: what is rare does not hold up the caller, who gets a page
/// without events and a token.
const SCAN_BYTES: usize = 64 * 1024 * 1024;

/// Events that are looked at for a page, at most.
const SCAN_EVENTS: usize = 250_000;

/// What to search, and for what.
#[derive(Debug)]
pub struct Request {
    group: Group,
    streams: Choice,
    times: Range<Timestamp>,
    pattern: FilterPattern,
    place: Option<Place>,
    limit: usize,
}

/// Which streams.
#[derive(Debug)]
enum Choice {
    Named(Vec<String>),
    Beginning(String),
}

/// A stream that is searched.
struct Searched {
    name: String,
    row: Arc<LogStream>,
    keys: StreamKeys,
}

type Streams = Vec<(String, Arc<LogStream>)>;

impl Resolve for api::FilterLogEvents {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::given(cx, view, input.log_group_name, input.log_group_identifier)?;
        let unmask = input.unmask.unwrap_or_default().then(|| group.permission("logs:Unmask"));
        let permissions = [group.permission("logs:FilterLogEvents")].into_iter().chain(unmask).collect();
        // Unlike that of GetLogEvents, this end belongs to the range.
        let end = input.end_time.unwrap_or(i64::MAX).saturating_add(1);
        let request = Request {
            group,
            streams: choice(input.log_stream_names, input.log_stream_name_prefix)?,
            times: Timestamp::from_millis(input.start_time.unwrap_or(0))..Timestamp::from_millis(end),
            pattern: FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())
                .map_err(|_| error::invalid_parameter_exception("Invalid filter pattern"))?,
            place: parse_token(input.next_token.as_deref())?,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST),
        };
        Ok(Checked::all(request, permissions))
    }
}

fn choice(names: Option<Vec<String>>, prefix: Option<String>) -> Result<Choice, Failure> {
    match (names, prefix) {
        (Some(_), Some(_)) => {
            let text = "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.";
            Err(error::invalid_parameter_exception(text).into())
        }
        (Some(mut names), None) => {
            names.sort();
            names.dedup();
            Ok(Choice::Named(names))
        }
        (None, prefix) => Ok(Choice::Beginning(prefix.unwrap_or_default())),
    }
}

impl ReadHandler for api::FilterLogEvents {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let mut request = request.into_request();
        let row = Arc::clone(request.group.row()?);
        let kept = retention::cutoff(row.retention_days, cx.now);
        request.times.start = kept.map_or(request.times.start, |kept| kept.max(request.times.start));
        let streams = streams(view, &request)?;
        let (streams, sources) = sources(cx.journals(), streams, &request)?;
        let keys = GroupKeys::of(cx, view, &request.group.name, &row)?;
        let streams = with_keys(streams, &keys)?;
        search(&request, &streams, Merge::new(sources))
    }
}

/// The streams to search, by name.
fn streams(view: &View, request: &Request) -> Result<Streams, Failure> {
    let (account, region, group) = request.group.key();
    match &request.streams {
        Choice::Named(names) => {
            let find = |name: &String| {
                let row = view.get(&STREAMS, &(account, region, group, name.as_str()))?;
                Ok((name.clone(), row.ok_or_else(no_stream)?))
            };
            names.iter().map(find).collect()
        }
        Choice::Beginning(prefix) => {
            let rows = view.scan(&STREAMS, (account, region, group, Begins(prefix)));
            let named = rows.map(|row| row.map(|((_, _, _, name), row)| (name, row)));
            Ok(named.collect::<Result<_, StoreError>>()?)
        }
    }
}

/// The streams that may have something, and where to start in each.
fn sources<'a>(
    journals: &'a Journals,
    streams: Streams,
    request: &Request,
) -> Result<(Streams, Vec<Source<'a>>), Failure> {
    let (mut kept, mut sources) = (Vec::new(), Vec::new());
    for (name, row) in streams {
        let place = request.place.as_ref().map_or(Cut::START, |place| place.in_stream(&name));
        let stats = journals.stats(&row.journal()).map_err(Failure::internal)?;
        let (Some(first), Some(last)) = (stats.first_event_time, stats.last_event_time) else { continue };
        let start = place.max(Cut::at(request.times.start)).max(Cut::at(first));
        if last.millis() >= start.time && first < request.times.end {
            sources.push(Source::new(Reader::new(journals, &row, request.times.clone()), start));
            kept.push((name, row));
        }
    }
    Ok((kept, sources))
}

fn with_keys(streams: Streams, keys: &GroupKeys) -> Result<Vec<Searched>, Failure> {
    let searched = |(name, row): (String, Arc<LogStream>)| {
        let keys = keys.of_stream(&row)?;
        Ok(Searched { name, row, keys })
    };
    streams.into_iter().map(searched).collect()
}

fn search(
    request: &Request,
    streams: &[Searched],
    mut merge: Merge<'_>,
) -> Result<api::FilterLogEventsResponse, Failure> {
    let mut page = Page::default();
    while let Some((at, record)) = merge.next().map_err(Failure::internal)? {
        let Some(stream) = streams.get(at) else { continue };
        if page.is_full(&record, request.limit) {
            let place =
                Place { time: record.time.millis(), stream: stream.name.clone(), sequence: record.sequence };
            return Ok(page.into_response(Some(token(&place))));
        }
        page.look_at(record, stream, &request.pattern)?;
    }
    Ok(page.into_response(None))
}

#[derive(Default)]
struct Page {
    events: Vec<api::FilteredLogEvent>,
    bytes: usize,
    looked_at: usize,
    looked_at_bytes: usize,
}

impl Page {
    fn is_full(&self, next: &Record, limit: usize) -> bool {
        let too_large = self.bytes + next.payload.len() > PAGE_BYTES && !self.events.is_empty();
        let tired = self.looked_at >= SCAN_EVENTS || self.looked_at_bytes >= SCAN_BYTES;
        self.events.len() >= limit || too_large || tired
    }

    fn look_at(&mut self, record: Record, stream: &Searched, pattern: &FilterPattern) -> Result<(), Failure> {
        self.looked_at += 1;
        self.looked_at_bytes += record.payload.len();
        let (time, ingested, id) = (record.time, record.ingested, event_id(&stream.row, &record));
        let message = stream.keys.message(record.payload)?;
        if !pattern.matches(&message) {
            return Ok(());
        }
        self.bytes += message.len();
        self.events.push(api::FilteredLogEvent {
            log_stream_name: Some(stream.name.clone()),
            timestamp: Some(time.millis()),
            message: Some(message),
            ingestion_time: Some(ingested.millis()),
            event_id: Some(id),
        });
        Ok(())
    }

    fn into_response(self, next_token: Option<String>) -> api::FilterLogEventsResponse {
        api::FilterLogEventsResponse {
            events: Some(self.events),
            // AWS has answered an empty list since 2019.
            searched_log_streams: Some(Vec::new()),
            next_token,
        }
    }
}
