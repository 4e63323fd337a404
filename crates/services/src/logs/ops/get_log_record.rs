//! `GetLogRecord`: one event with all its fields, by the `@ptr` of a query's row.

use landfall_api::logs::{self as api, error};
use landfall_shape::Entries;
use landfall_store::View;
use landfall_store::journal::Range;

use crate::logs::encryption::GroupKeys;
use crate::logs::insights::{discovered_fields, timestamp};
use crate::logs::lookup::{Group, Stream};
use crate::logs::pointer::Pointer;
use crate::logs::rules::retention;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// An event's place.
#[derive(Debug)]
pub struct Request {
    stream: Stream,
    sequence: u64,
}

impl Resolve for api::GetLogRecord {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let pointer = Pointer::parse(&input.log_record_pointer);
        let own = pointer.filter(|pointer| pointer.account == cx.account().as_str());
        let invalid = || error::invalid_parameter_exception("The specified logRecordPointer is invalid.");
        let Pointer { group, stream, sequence, .. } = own.ok_or_else(invalid)?;
        let group = Group::named(cx, view, group)?;
        let stream = Stream::in_group(view, group, stream)?;
        let unmask = input.unmask.unwrap_or_default().then(|| stream.group.permission("logs:Unmask"));
        let permissions = [stream.group.permission("logs:GetLogRecord")].into_iter().chain(unmask).collect();
        Ok(Checked::all(Request { stream, sequence }, permissions))
    }
}

impl ReadHandler for api::GetLogRecord {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { stream, sequence } = request.into_request();
        let (group, row) = stream.rows()?;
        let range = Range { sequences: sequence..sequence.saturating_add(1), limit: 1, ..Range::default() };
        let page = cx.journals().read(&row.journal(), range).map_err(Failure::internal)?;
        let kept = retention::cutoff(group.retention_days, cx.now);
        let found = page.records.into_iter().find(|record| kept.is_none_or(|kept| record.time >= kept));
        let missing = || error::resource_not_found_exception("The specified log record does not exist.");
        let record = found.ok_or_else(missing)?;
        let (time, ingested) = (timestamp(record.time.millis()), timestamp(record.ingested.millis()));
        let keys = GroupKeys::of(cx, view, &stream.group.name, group)?.of_stream(row)?;
        let text = keys.message(record.payload)?;
        let mut fields = discovered_fields(&text);
        fields.extend([
            ("@ingestionTime".to_owned(), ingested),
            ("@log".to_owned(), format!("{}:{}", cx.account(), stream.group.name.name)),
            ("@logStream".to_owned(), stream.name.clone()),
            ("@message".to_owned(), text),
            ("@timestamp".to_owned(), time),
        ]);
        Ok(api::GetLogRecordResponse { log_record: Some(Entries(fields)) })
    }
}
