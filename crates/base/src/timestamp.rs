//! Points in time as the AWS APIs carry them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch; fractions below a millisecond are dropped.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0) as i64)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, with fraction, as awsJson carries times.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn whole_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus (or minus) a number of seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Midnight UTC of the same day.
    #[must_use]
    pub const fn day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(86_400_000))
    }

    fn calendar(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    fn civil(self) -> jiff::civil::DateTime {
        jiff::tz::TimeZone::UTC.to_datetime(self.calendar())
    }

    /// `2026-11-23T02:30:41Z`, as awsQuery answers carry times (ISO 8601).
    pub fn iso8601(self) -> String {
        self.written("-", ":")
    }

    /// `20261123T023041Z`, as SigV4 carries times.
    pub fn sigv4(self) -> String {
        self.written("", "")
    }

    /// Year to second, with what stands between the parts of the date and of the time. Every call writes several of these,
    /// so the digits are put down without the formatting machinery.
    fn written(self, in_date: &str, in_time: &str) -> String {
        let at = self.civil();
        let mut text = String::with_capacity("2026-11-23T02:30:41Z".len());
        let (century, year) = (at.year().unsigned_abs() / 100, at.year().unsigned_abs() % 100);
        push_two(&mut text, century);
        for (before, part) in [("", year), (in_date, unsigned(at.month())), (in_date, unsigned(at.day()))] {
            text.push_str(before);
            push_two(&mut text, part);
        }
        for (before, part) in [("T", at.hour()), (in_time, at.minute()), (in_time, at.second())] {
            text.push_str(before);
            push_two(&mut text, unsigned(part));
        }
        text.push('Z');
        text
    }

    /// `Mon, 23 Nov 2026 02:30:41 GMT`, as the HTTP `Date` header carries times (RFC 9110 §5.6.7).
    pub fn http_date(self) -> String {
        self.calendar().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Reads an ISO 8601 time with offset or `Z`.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_millisecond()))
    }

    /// Reads a SigV4 `X-Amz-Date`: `20261123T023041Z`.
    pub fn parse_sigv4(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        if date.len() != 8 || time.len() != 6 {
            return None;
        }
        let two = |text: &str, at: usize| number(text.get(at..at + 2)?).and_then(|it| i8::try_from(it).ok());
        let moment = jiff::civil::DateTime::new(
            number(date.get(..4)?)?,
            two(date, 4)?,
            two(date, 6)?,
            two(time, 0)?,
            two(time, 2)?,
            two(time, 4)?,
            0,
        );
        Some(Self(jiff::tz::TimeZone::UTC.to_timestamp(moment.ok()?).ok()?.as_millisecond()))
    }
}

/// Two digits of a number below 100.
fn push_two(text: &mut String, number: u16) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from(b'0' + digit as u8));
    }
}

fn unsigned(part: i8) -> u16 {
    part.unsigned_abs().into()
}

/// Digits only: `parse` would take a sign, too.
fn number(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.calendar())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.calendar())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_reads_back() {
        let moment = Timestamp::from_millis(1_795_401_041_000);
        assert_eq!(Timestamp::parse_iso8601(&moment.iso8601()), Some(moment));
        assert_eq!(Timestamp::parse_sigv4(&moment.sigv4()), Some(moment));
        assert_eq!(moment.sigv4(), "20261123T023041Z");
        assert_eq!(moment.iso8601(), "2026-11-23T02:30:41Z");
        assert_eq!(Timestamp::from_millis(-1).iso8601(), "1969-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(-59_011_459_199_000).iso8601(), "0100-01-01T00:00:01Z");
        for wrong in [
            "20261323T023041Z",
            "+0261123T023041Z",
            "20261123T023041",
            "20261123T0230411Z",
            "é0261123T02304Z",
        ] {
            assert_eq!(Timestamp::parse_sigv4(wrong), None, "{wrong}");
        }
        assert_eq!(Timestamp::from_seconds(moment.seconds()), moment);
    }

    #[test]
    fn http_dates_are_as_rfc_9110_has_them() {
        assert_eq!(Timestamp::from_millis(784_111_777_000).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
