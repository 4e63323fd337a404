//! How a line of the audit log looks: when, and what.

use std::fmt;

use landfall_base::{Clock as _, SystemClock};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `2026-11-23T02:30:41.123Z service="kms" operation="Decrypt" …`
pub(super) struct AuditLine;

impl<S, N> FormatEvent<S, N> for AuditLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = SystemClock.now();
        let seconds = now.iso8601();
        let seconds = seconds.strip_suffix('Z').unwrap_or(&seconds);
        write!(line, "{seconds}.{:03}Z ", now.millis().rem_euclid(1000))?;
        context.field_format().format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}
