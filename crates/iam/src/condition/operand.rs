//! The values of a condition, read once when the policy is compiled.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use super::Base;
use crate::arn_match::ArnPattern;
use crate::pattern::{Pattern, Syntax};

/// Values by type. `None` is a value that cannot be read as the type and so never matches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Text(Box<[Pattern]>),
    Number(Box<[Option<Number>]>),
    /// Milliseconds since 1970.
    Date(Box<[Option<i64>]>),
    Bool(Box<[Option<bool>]>),
    /// As written; equal texts are equal bytes.
    Binary(Box<[Option<Box<str>>]>),
    Ip(Box<[Option<Network>]>),
    Arn(Box<[ArnPattern]>),
}

impl Operand {
    pub(crate) fn compile(base: Base, values: &[String], variables: bool) -> Self {
        let text = |wildcards| {
            let syntax = Syntax { wildcards, variables };
            values.iter().map(|value| Pattern::compile(value, syntax)).collect()
        };
        match base {
            Base::StringEquals | Base::StringEqualsIgnoreCase => Self::Text(text(false)),
            Base::StringLike => Self::Text(text(true)),
            Base::Numeric(_) => Self::Number(values.iter().map(|value| parse_number(value)).collect()),
            Base::Date(_) => Self::Date(values.iter().map(|value| parse_date(value)).collect()),
            Base::Bool | Base::Null => Self::Bool(values.iter().map(|value| parse_bool(value)).collect()),
            Base::Binary => Self::Binary(values.iter().map(|value| parse_binary(value)).collect()),
            Base::Ip => Self::Ip(values.iter().map(|value| parse_network(value)).collect()),
            Base::Arn => {
                Self::Arn(values.iter().map(|value| ArnPattern::condition(value, variables)).collect())
            }
        }
    }
}

/// A number: a whole one exactly, others as far as a float tells them apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "compared with a float")]
            Self::Whole(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(std::cmp::Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(other)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

pub(crate) fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(number) = whole(text).parse() {
        return Some(Number::Whole(number));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Float)
}

/// A number without a fraction of noughts.
fn whole(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction)) if !whole.is_empty() && fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    }
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn parse_binary(text: &str) -> Option<Box<str>> {
    STANDARD.decode(text).ok().map(|_| text.into())
}

/// A network, in the form that addresses are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    pub(crate) fn contains(self, candidate: IpAddr) -> bool {
        match (self, candidate) {
            (Self::V4 { address, mask }, IpAddr::V4(candidate)) => candidate.to_bits() & mask == address,
            (Self::V6 { address, mask }, IpAddr::V6(candidate)) => candidate.to_bits() & mask == address,
            _ => false,
        }
    }
}

impl From<IpNet> for Network {
    fn from(network: IpNet) -> Self {
        match network {
            IpNet::V4(network) => {
                Self::V4 { address: network.network().to_bits(), mask: network.netmask().to_bits() }
            }
            IpNet::V6(network) => {
                Self::V6 { address: network.network().to_bits(), mask: network.netmask().to_bits() }
            }
        }
    }
}

/// A network, or one address as the network of just itself.
pub(crate) fn parse_network(text: &str) -> Option<Network> {
    let network = text.parse().ok().or_else(|| parse_address(text).map(IpNet::from));
    network.map(Network::from)
}

pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// ISO 8601 with time and offset, with time alone (UTC), date alone (midnight UTC), year and month, or seconds since
/// 1970. Milliseconds since 1970. Asks for no memory, whatever the text says: values of requests are read in decisions.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(seconds) = parse_number(text) {
        let millis = seconds.float() * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range was checked, fractions of milliseconds go"
        )]
        return (millis.abs() < 1e17).then_some(millis as i64);
    }
    iso8601(text)
}

fn iso8601(text: &str) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = if rest.is_empty() { (1, rest) } else { digits(rest.strip_prefix('-')?, 2)? };
    let midnight = days_since_1970(year, month, day)? * 86_400_000;
    if rest.is_empty() {
        return Some(midnight);
    }
    let (hour, rest) = digits(rest.strip_prefix(['T', 't', ' '])?, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2)?,
        None => (0, rest),
    };
    let (millis, rest) = fraction(rest)?;
    let is_time = hour < 24 && minute < 60 && second <= 60;
    // A leap second is the last of its minute.
    let seconds = (hour * 60 + minute - offset(rest)?) * 60 + second.min(59);
    is_time.then_some(midnight + seconds * 1000 + millis)
}

/// A number of so many digits, and what follows.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| plain)?, rest))
}

/// The milliseconds of a fraction of a second, if there is one, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at_checked(length)?;
    let millis = (0..3)
        .fold(0, |sum, at| sum * 10 + digits.as_bytes().get(at).map_or(0, |digit| i64::from(digit - b'0')));
    (1..=9).contains(&length).then_some((millis, rest))
}

/// Minutes east of UTC, at the end of a text.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) =
        if rest.is_empty() { (0, rest) } else { digits(rest.strip_prefix(':').unwrap_or(rest), 2)? };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// `None` for a day that the calendar does not have. It is looked for before it is asked for: an error of `jiff` would
/// take memory.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let first = (1..=12).contains(&month).then(|| jiff::civil::date(year, month, 1))?;
    let date = (1..=first.days_in_month()).contains(&day).then(|| jiff::civil::date(year, month, day))?;
    Some(date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let noon = 1_780_315_200_000;
        let table = [
            ("2026-06-01T12:00:00Z", Some(noon)),
            ("2026-06-01T14:00:00+02:00", Some(noon)),
            ("2026-06-01T12:00Z", Some(noon)),
            ("2026-06-01T12:00:00", Some(noon)),
            ("1780315200", Some(noon)),
            ("2026-06-01", Some(noon - 43_200_000)),
            ("2026-06", Some(noon - 43_200_000)),
            ("2026-06-01T12:00:00.0625z", Some(noon + 62)),
            ("2026-06-01T10:30:00-0130", Some(noon)),
            ("2026-06-01T23:00:00+11", Some(noon)),
            ("2026-06-01T11:59:60Z", Some(noon - 1_000)),
            ("1970-01-01", Some(0)),
            ("1969-12-31T23:59:59.999", Some(-1)),
            ("2000-02-29", Some(951_782_400_000)),
            ("2024-12-31", Some(1_735_603_200_000)),
            ("1900-03-01", Some(-2_203_891_200_000)),
            ("0000-01-01", Some(-62_167_219_200_000)),
            ("0001-01-01", Some(-62_135_596_800_000)),
            ("9999-12-31", Some(253_402_214_400_000)),
            ("1900-02-29", None),
            ("2026-00-01", None),
            ("2026-04-31", None),
            ("2026-06-01T24:00:00Z", None),
            ("2026-06-01T12:60:00Z", None),
            ("2026-06-01T12", None),
            ("2026-06-01T12:00:00.", None),
            ("2026-06-01T12:00:00+2", None),
            ("2026-06-01T12:00:00Zulu", None),
            ("+026-06-01", None),
            ("é2026-06", None),
            ("2026-13-01", None),
            ("soon", None),
            ("1e300", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let table = [
            ("9007199254740993", "9007199254740992", Some(Greater)),
            ("-9007199254740993", "-9007199254740992", Some(Less)),
            ("9007199254740993.0", "9007199254740993", Some(Equal)),
            ("10", "10.0", Some(Equal)),
            ("1e3", "1000", Some(Equal)),
            ("0.5", "1", Some(Less)),
            ("+7", "7", Some(Equal)),
            ("1.50", "1.5", Some(Equal)),
        ];
        for (one, other, expected) in table {
            let (one, other) = (parse_number(one).unwrap(), parse_number(other).unwrap());
            assert_eq!(one.partial_cmp(&other), expected, "{one:?} {other:?}");
        }
        for text in ["", ".", ".0", "x", "1.x", "inf", "nan"] {
            assert_eq!(parse_number(text).is_some(), text == ".0", "{text}");
        }
    }

    #[test]
    fn networks() {
        assert_eq!(parse_network("203.0.113.9"), parse_network("203.0.113.9/32"));
        assert_eq!(parse_network("2001:DB8::/64"), parse_network("2001:db8:0::/64"));
        assert_eq!(parse_network("203.0.113.0/33"), None);
    }
}
