//! Times as Insights writes and cuts them.

use landfall_base::Timestamp;

/// `2026-11-26 16:23:49.123`
pub(crate) fn timestamp(millis: i64) -> String {
    let seconds = Timestamp::from_millis(millis.saturating_sub(millis.rem_euclid(1000))).iso8601();
    format!("{}.{:03}", seconds.trim_end_matches('Z').replacen('T', " ", 1), millis.rem_euclid(1000))
}

/// The milliseconds of what [`timestamp`] wrote.
pub(super) fn millis(text: &str) -> Option<i64> {
    let text = format!("{}Z", text.trim().trim_end_matches('Z').replacen(' ', "T", 1));
    Timestamp::parse_iso8601(&text).map(Timestamp::millis)
}

/// The milliseconds of a period such as `5m`, `1 hour` or `30s`. Months and quarters are of 30 and 90 days, years of 365.
pub(super) fn period(count: f64, unit: &str) -> Option<i64> {
    let unit = match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "second" | "seconds" => 1000.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => 86_400_000.0,
        "w" | "week" | "weeks" => 604_800_000.0,
        "mo" | "mon" | "month" | "months" => 2_592_000_000.0,
        "q" | "qtr" | "quarter" | "quarters" => 7_776_000_000.0,
        "y" | "yr" | "year" | "years" => 31_536_000_000.0,
        _ => return None,
    };
    let millis = count * unit;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (1.0..=1e15).contains(&millis).then_some(millis as i64)
}
