//! Lines as a web server writes them, and the requests that carry them.

use landfall_base::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::party::{GROUP, stream};

/// Lines of one request: as many as fit into 1 MiB with 26 bytes for each (CloudWatch Logs API reference, PutLogEvents).
const BATCH: u64 = 8_000;

/// How far writing is.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) written: u64,
    pub(super) requests: usize,
    /// When the newest request was made, in milliseconds.
    newest: i64,
}

impl Lines {
    /// The next request for a stream, and how many lines it has.
    pub(super) fn batch(&mut self, number: usize) -> (Value, u64) {
        self.newest = SystemClock.now().millis();
        let lines = self.written..self.written + BATCH;
        let events: Vec<Value> =
            lines.map(|line| json!({ "timestamp": self.newest, "message": text(line) })).collect();
        let body = json!({ "logGroupName": GROUP, "logStreamName": stream(number), "logEvents": events });
        (body, BATCH)
    }

    /// A request was answered.
    pub(super) fn sent(&mut self, count: u64) {
        self.written += count;
        self.requests += 1;
    }

    pub(super) fn time_of_newest(&self) -> i64 {
        self.newest
    }
}

/// About ninety bytes; every thousandth line is an error.
fn text(line: u64) -> String {
    let level = if line % 1000 == 7 { "ERROR" } else { "INFO" };
    format!(
        "{level} request={line:012} path=/api/v1/orders/{} status=200 bytes={} took={}ms",
        line.wrapping_mul(2_654_435_761) % 1_000_000,
        line * 37 % 9_000,
        line % 97
    )
}
