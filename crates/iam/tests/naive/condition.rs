//! Condition operators.

use std::net::IpAddr;

use super::{Asked, pattern};

impl Asked<'_> {
    pub(super) fn condition_holds(&self, name: &str, key: &str, wanted: &[String], variables: bool) -> bool {
        let values = self.values(key);
        if name == "Null" {
            return wanted
                .iter()
                .any(|it| it.eq_ignore_ascii_case(if values.is_none() { "true" } else { "false" }));
        }
        let (set, rest) = name.split_once(':').unwrap_or(("", name));
        let (operator, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |it| (it, true));
        let negated = operator.contains("Not");
        let Some(values) = values else {
            return match set {
                "ForAllValues" => true,
                "ForAnyValue" => if_exists,
                _ => if_exists || negated,
            };
        };
        let accepts = |value: &String| self.accepts(operator, negated, value, wanted, variables);
        match set {
            "ForAllValues" => values.iter().all(accepts),
            "ForAnyValue" => values.iter().any(accepts),
            _ => values.len() == 1 && accepts(&values[0]),
        }
    }

    /// One value of the request against all values of the policy. What cannot be read satisfies no operator.
    fn accepts(
        &self,
        operator: &str,
        negated: bool,
        value: &str,
        wanted: &[String],
        variables: bool,
    ) -> bool {
        let positive = operator.replace("Not", "");
        let results: Vec<Option<bool>> =
            wanted.iter().map(|it| self.compares(&positive, value, it, variables, negated)).collect();
        let text_like = positive.starts_with("String") || positive.starts_with("Arn");
        let some = results.contains(&Some(true));
        if !negated {
            return some;
        }
        if text_like {
            let null = results.contains(&None);
            let fails = null && self.switches.null_variable_fails_negated;
            return !(some || fails);
        }
        !some && !results.contains(&None)
    }

    /// `None`: a side cannot be read, or a variable has no value.
    fn compares(
        &self,
        operator: &str,
        value: &str,
        wanted: &str,
        variables: bool,
        negated: bool,
    ) -> Option<bool> {
        let filled = |wildcards| match (variables, wildcards) {
            (true, _) => self.fill(wanted, wildcards),
            (false, true) => Some(pattern::wild(wanted)),
            (false, false) => Some(pattern::plain(wanted)),
        };
        let ordering = || -> Option<std::cmp::Ordering> {
            if operator.starts_with("Numeric") {
                return number(value)?.partial_cmp(&number(wanted)?);
            }
            date(value)?.partial_cmp(&date(wanted)?)
        };
        match operator {
            "StringEquals" => Some(filled(false)?.text() == value),
            "StringEqualsIgnoreCase" => Some(filled(false)?.text().to_lowercase() == value.to_lowercase()),
            "StringLike" => Some(filled(true)?.matches(value)),
            "ArnEquals" | "ArnLike" => self.arn_value_matches(value, wanted, variables),
            "Bool" => Some(boolean(value)? == boolean(wanted)?),
            "BinaryEquals" => Some(value == wanted),
            "IpAddress" => in_network(value, wanted, negated && self.switches.not_ip_fails_for_other_family),
            _ if operator.ends_with("LessThan") => Some(ordering()?.is_lt()),
            _ if operator.ends_with("LessThanEquals") => Some(ordering()?.is_le()),
            _ if operator.ends_with("GreaterThan") => Some(ordering()?.is_gt()),
            _ if operator.ends_with("GreaterThanEquals") => Some(ordering()?.is_ge()),
            _ if operator.ends_with("Equals") => Some(ordering()?.is_eq()),
            other => panic!("unknown operator {other}"),
        }
    }

    fn arn_value_matches(&self, value: &str, wanted: &str, variables: bool) -> Option<bool> {
        let fields = pattern::fields(wanted, variables);
        let lone = variables && wanted.starts_with("${") && wanted.find('}') == Some(wanted.len() - 1);
        let Some(actual) = pattern::six(value) else {
            let null = variables && self.fill(wanted, true).is_none();
            return if null { None } else { Some(wanted == "*") };
        };
        if lone {
            return Some(self.fill(wanted, true)?.matches(value));
        }
        for (at, text) in actual.iter().enumerate() {
            let field = fields.get(at).map_or("*", String::as_str);
            let filled = if variables { self.fill(field, true)? } else { pattern::wild(field) };
            if !filled.matches(text) {
                return Some(false);
            }
        }
        Some(true)
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|it| it.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    text.to_lowercase().parse().ok()
}

/// Seconds since 1970 of `2026-06-01`, `2026-06-01T12:00:00Z` and `…+02:00`, or as a number.
fn date(text: &str) -> Option<f64> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let shifted = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    let clock = if text.len() > 10 { part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)? } else { 0 };
    let offset = match text.get(19..20) {
        Some("+") => part(20, 22)? * 3600 + part(23, 25)? * 60,
        Some("-") => -(part(20, 22)? * 3600 + part(23, 25)? * 60),
        _ => 0,
    };
    Some((days * 86_400 + clock - offset) as f64)
}

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(it) => (true, u128::from(u32::from(it)) << 96),
        IpAddr::V6(it) => (false, u128::from(it)),
    }
}

fn in_network(value: &str, wanted: &str, other_family_is_unreadable: bool) -> Option<bool> {
    let (text, length) = wanted.split_once('/').unwrap_or((wanted, ""));
    let (v4, have) = bits(value.parse().ok()?);
    let (want_v4, want) = bits(text.parse().ok()?);
    if v4 != want_v4 {
        return if other_family_is_unreadable && length.is_empty() { None } else { Some(false) };
    }
    let most = if v4 { 32 } else { 128 };
    let length: u32 = if length.is_empty() { most } else { length.parse().ok().filter(|it| *it <= most)? };
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
    Some(have & mask == want & mask)
}
