//! `DescribeLogStreams`: the streams of a group, by name or by their last event.

use std::sync::Arc;

use landfall_api::logs::{self as api, error};
use landfall_base::Timestamp;
use landfall_store::{Begins, View};
use serde::{Deserialize, Serialize};

use crate::logs::lookup::Group;
use crate::logs::record::{LogStream, STREAMS};
use crate::logs::rules::page::{parse_token, token};
use crate::logs::rules::retention;
use crate::logs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Streams in a page when the caller does not say.
const PAGE: usize = 50;

/// Which streams, in which order, and from where.
#[derive(Debug)]
pub struct Request {
    group: Group,
    prefix: String,
    by_time: bool,
    descending: bool,
    after: Option<After>,
    limit: usize,
}

/// The last stream of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct After {
    /// Of its last event; `None` if it has none, or when the order is by name.
    time: Option<Timestamp>,
    name: String,
}

type Found = Vec<(After, Arc<LogStream>)>;

impl Resolve for api::DescribeLogStreams {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let by_time = input.order_by == Some(api::OrderBy::LastEventTime);
        if by_time && input.log_stream_name_prefix.is_some() {
            let text = "Cannot order by LastEventTime with a logStreamNamePrefix.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let group = Group::given(cx, view, input.log_group_name, input.log_group_identifier)?;
        let permission = group.permission("logs:DescribeLogStreams");
        let request = Request {
            group,
            prefix: input.log_stream_name_prefix.unwrap_or_default(),
            by_time,
            descending: input.descending.unwrap_or_default(),
            after: parse_token(input.next_token.as_deref())?,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE),
        };
        Ok(Checked::one(request, permission))
    }
}

impl ReadHandler for api::DescribeLogStreams {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let cutoff = retention::cutoff(request.group.row()?.retention_days, cx.now);
        let mut found =
            if request.by_time { by_time(cx, view, &request, cutoff)? } else { by_name(view, &request)? };
        let more = found.len() > request.limit;
        found.truncate(request.limit);
        let last = found.last().map(|(after, _)| token(after));
        let shown = found.iter().map(|(after, row)| show(cx, &request.group, &after.name, row, cutoff));
        Ok(api::DescribeLogStreamsResponse {
            log_streams: Some(shown.collect::<Result<_, _>>()?),
            next_token: last.filter(|_| more),
        })
    }
}

fn show(
    cx: &Context<'_>,
    group: &Group,
    name: &str,
    row: &LogStream,
    cutoff: Option<Timestamp>,
) -> Result<api::LogStream, Failure> {
    let times = view::times(cx.journals(), row, cutoff)?;
    let stats = cx.journals().stats(&row.journal()).map_err(Failure::internal)?;
    Ok(view::stream(&group.name, name, row, times, &stats))
}

/// The streams of a page by name, and one more if there is.
fn by_name(view: &View, request: &Request) -> Result<Found, Failure> {
    let (account, region, group) = request.group.key();
    let prefix = (account, region, group, Begins(&request.prefix));
    let after = request.after.as_ref().map(|after| after.name.as_str());
    let most = request.limit + 1;
    let rows: Vec<_> = match (after, request.descending) {
        (None, false) => view.scan(&STREAMS, prefix).take(most).collect(),
        (None, true) => view.scan(&STREAMS, prefix).rev().take(most).collect(),
        (Some(after), false) => {
            view.scan_after(&STREAMS, prefix, &(account, region, group, after)).take(most).collect()
        }
        (Some(after), true) => {
            let key = |name: &str| (account.clone(), region.clone(), group.to_owned(), name.to_owned());
            view.range(&STREAMS, key(&request.prefix)..key(after)).rev().take(most).collect()
        }
    };
    let named = |((_, _, _, name), row)| (After { time: None, name }, row);
    Ok(rows.into_iter().map(|row| row.map(named)).collect::<Result<_, _>>()?)
}

/// The streams of a page by last event, and one more if there is. Looks at every stream of the group.
fn by_time(
    cx: &Context<'_>,
    view: &View,
    request: &Request,
    cutoff: Option<Timestamp>,
) -> Result<Found, Failure> {
    let mut found = Vec::new();
    for row in view.scan(&STREAMS, request.group.key()) {
        let ((_, _, _, name), row) = row?;
        let time = view::times(cx.journals(), &row, cutoff)?.last;
        found.push((After { time, name }, row));
    }
    found.sort_by(|a, b| if request.descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    let is_done = |(stream, _): &(After, Arc<LogStream>)| {
        request
            .after
            .as_ref()
            .is_some_and(|after| if request.descending { stream >= after } else { stream <= after })
    };
    Ok(found.into_iter().skip_while(is_done).take(request.limit + 1).collect())
}
