//! Times single calls.

use std::hint::black_box;
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

/// Calls `call` with 0, 1, … `count - 1` in turn, for half a second or 400,000 times, and times each call.
pub(crate) fn measure<T>(count: usize, mut call: impl FnMut(usize) -> T) -> Figures {
    const MOST: usize = 400_000;
    let mut times = Vec::with_capacity(MOST);
    for at in (0..count).cycle().take(count.min(20_000)).take_while(within(Duration::from_millis(200))) {
        black_box(call(at));
    }
    for at in (0..count).cycle().take(MOST).take_while(within(Duration::from_millis(500))) {
        let start = Instant::now();
        black_box(call(at));
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Figures { median: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
}

fn within(limit: Duration) -> impl FnMut(&usize) -> bool {
    let start = Instant::now();
    move |_| start.elapsed() < limit
}

pub(crate) fn nanoseconds(time: Duration) -> String {
    match time.as_nanos() {
        few @ 0..10_000 => format!("{few} ns"),
        many if many < 10_000_000 => format!("{:.1} µs", many as f64 / 1e3),
        many => format!("{:.1} ms", many as f64 / 1e6),
    }
}
