//! The functions of expressions (user guide, "Supported operations and functions").

use std::net::IpAddr;

use super::compare::order;
use super::time;
use super::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Bin,
    Ceil,
    Coalesce,
    Concat,
    DateCeil,
    DateFloor,
    Floor,
    FromMillis,
    Greatest,
    IsBlank,
    IsEmpty,
    IsInSubnet,
    IsIp,
    IsIpv4,
    IsIpv6,
    IsPresent,
    Least,
    Log,
    Ltrim,
    Now,
    Replace,
    Rtrim,
    Sqrt,
    StrContains,
    StrLen,
    Substr,
    ToLower,
    ToMillis,
    ToUpper,
    Trim,
}

type Row = (&'static str, Function, std::ops::RangeInclusive<usize>);

/// Names in lower case, and how many arguments they take.
const FUNCTIONS: &[Row] = &[
    ("abs", Function::Abs, 1..=1),
    ("bin", Function::Bin, 1..=1),
    ("ceil", Function::Ceil, 1..=1),
    ("coalesce", Function::Coalesce, 1..=64),
    ("concat", Function::Concat, 1..=64),
    ("dateceil", Function::DateCeil, 2..=2),
    ("datefloor", Function::DateFloor, 2..=2),
    ("floor", Function::Floor, 1..=1),
    ("frommillis", Function::FromMillis, 1..=1),
    ("greatest", Function::Greatest, 1..=64),
    ("isblank", Function::IsBlank, 1..=1),
    ("isempty", Function::IsEmpty, 1..=1),
    ("isipinsubnet", Function::IsInSubnet, 2..=2),
    ("isipv4insubnet", Function::IsInSubnet, 2..=2),
    ("isipv6insubnet", Function::IsInSubnet, 2..=2),
    ("ispresent", Function::IsPresent, 1..=1),
    ("isvalidip", Function::IsIp, 1..=1),
    ("isvalidipv4", Function::IsIpv4, 1..=1),
    ("isvalidipv6", Function::IsIpv6, 1..=1),
    ("least", Function::Least, 1..=64),
    ("log", Function::Log, 1..=1),
    ("ltrim", Function::Ltrim, 1..=2),
    ("now", Function::Now, 0..=0),
    ("replace", Function::Replace, 3..=3),
    ("rtrim", Function::Rtrim, 1..=2),
    ("sqrt", Function::Sqrt, 1..=1),
    ("strcontains", Function::StrContains, 2..=2),
    ("strlen", Function::StrLen, 1..=1),
    ("substr", Function::Substr, 2..=3),
    ("tolower", Function::ToLower, 1..=1),
    ("tomillis", Function::ToMillis, 1..=1),
    ("toupper", Function::ToUpper, 1..=1),
    ("trim", Function::Trim, 1..=2),
];

/// The longest text that a function makes.
const LONGEST: usize = 1024 * 1024;

impl Function {
    /// The function with a name, in any case, and how many arguments it takes.
    pub(super) fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        let row = FUNCTIONS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name));
        row.map(|(_, function, arguments)| (*function, arguments.clone()))
    }

    /// What it makes of its arguments. `now` is in milliseconds.
    pub(super) fn call(self, arguments: &[Value], now: i64) -> Value {
        let at = |index: usize| arguments.get(index).unwrap_or(&Value::Missing);
        let first = at(0);
        match self {
            Self::Coalesce => {
                arguments.iter().find(|value| **value != Value::Missing).cloned().unwrap_or_default()
            }
            Self::IsPresent => Value::Truth(*first != Value::Missing),
            Self::IsEmpty => Value::Truth(text(first).is_empty()),
            Self::IsBlank => Value::Truth(text(first).trim().is_empty()),
            Self::Concat => Value::Text(limited(arguments.iter().map(text).collect())),
            Self::Now => number(now / 1000),
            Self::Greatest => arguments.iter().max_by(|a, b| order(a, b)).cloned().unwrap_or_default(),
            Self::Least => arguments.iter().min_by(|a, b| order(a, b)).cloned().unwrap_or_default(),
            Self::IsIp | Self::IsIpv4 | Self::IsIpv6 => Value::Truth(self.is_address(&text(first))),
            Self::IsInSubnet => Value::Truth(is_in_subnet(&text(first), &text(at(1)))),
            _ if *first == Value::Missing => Value::Missing,
            Self::Abs => first.number().map(f64::abs).into(),
            Self::Ceil => first.number().map(f64::ceil).into(),
            Self::Floor => first.number().map(f64::floor).into(),
            Self::Log => first.number().map(f64::ln).into(),
            Self::Sqrt => first.number().map(f64::sqrt).into(),
            Self::Bin | Self::DateFloor => cut(first, at(1), false),
            Self::DateCeil => cut(first, at(1), true),
            Self::FromMillis => {
                first.number().map_or(Value::Missing, |at| Value::Text(time::timestamp(whole(at))))
            }
            Self::ToMillis => millis(first).map_or(Value::Missing, number),
            _ => self.of_text(&text(first), arguments),
        }
    }

    fn of_text(self, text_of_first: &str, arguments: &[Value]) -> Value {
        let argument = |index: usize| arguments.get(index);
        let characters = argument(1).map(text);
        let belongs = |c: char| characters.as_ref().map_or(c.is_whitespace(), |all| all.contains(c));
        let text = match self {
            Self::StrLen => return number(text_of_first.chars().count() as i64),
            Self::StrContains => {
                return Value::Truth(text_of_first.contains(&characters.unwrap_or_default()));
            }
            Self::Ltrim => text_of_first.trim_start_matches(belongs).to_owned(),
            Self::Rtrim => text_of_first.trim_end_matches(belongs).to_owned(),
            Self::Trim => text_of_first.trim_matches(belongs).to_owned(),
            Self::ToLower => text_of_first.to_lowercase(),
            Self::ToUpper => text_of_first.to_uppercase(),
            Self::Replace => {
                let (from, to) = (characters.unwrap_or_default(), argument(2).map(text).unwrap_or_default());
                if from.is_empty() { text_of_first.to_owned() } else { text_of_first.replace(&from, &to) }
            }
            _ => substring(text_of_first, argument(1), argument(2)),
        };
        Value::Text(limited(text))
    }

    fn is_address(self, text: &str) -> bool {
        text.parse::<IpAddr>().is_ok_and(|address| match self {
            Self::IsIpv4 => address.is_ipv4(),
            Self::IsIpv6 => address.is_ipv6(),
            _ => true,
        })
    }
}

fn limited(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

fn text(value: &Value) -> String {
    value.written().unwrap_or_default().into_owned()
}

#[expect(clippy::cast_precision_loss, reason = "times and lengths are below 2^53")]
fn number(number: i64) -> Value {
    Value::Number(number as f64)
}

#[expect(clippy::cast_possible_truncation, reason = "a conversion from floating point saturates")]
fn whole(number: f64) -> i64 {
    number as i64
}

fn substring(text: &str, start: Option<&Value>, length: Option<&Value>) -> String {
    let count = |value: Option<&Value>| {
        value.and_then(Value::number).map(|it| usize::try_from(whole(it)).unwrap_or(0))
    };
    text.chars().skip(count(start).unwrap_or(0)).take(count(length).unwrap_or(usize::MAX)).collect()
}

/// A time in milliseconds: written out, or a number.
fn millis(value: &Value) -> Option<i64> {
    match value {
        Value::Text(text) => time::millis(text).or_else(|| value.number().map(whole)),
        value => value.number().map(whole),
    }
}

fn cut(at: &Value, period: &Value, up: bool) -> Value {
    let (Some(at), Some(period)) = (millis(at), period.number().map(whole).filter(|period| *period > 0))
    else {
        return Value::Missing;
    };
    let floor = at - at.rem_euclid(period);
    let cut = if up && floor < at { floor.saturating_add(period) } else { floor };
    Value::Text(time::timestamp(cut))
}

/// Whether an address is in a subnet such as `10.0.0.0/8`.
fn is_in_subnet(address: &str, subnet: &str) -> bool {
    let parse = || {
        let (base, length) = subnet.split_once('/')?;
        let (address, base) = (address.parse::<IpAddr>().ok()?, base.parse::<IpAddr>().ok()?);
        let (address, width) = bits(address);
        let (base, of_base) = bits(base);
        let length = length.parse::<u32>().ok().filter(|length| *length <= width && width == of_base)?;
        let shift = width - length;
        Some(address.checked_shr(shift).unwrap_or(0) == base.checked_shr(shift).unwrap_or(0))
    };
    parse().unwrap_or(false)
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}
