//! When secrets are rotated: `RotationRules` read, and the windows that follow from them (User Guide, "Rotation
//! schedules"). Windows begin on the hour, in UTC.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use landfall_api::secretsmanager::{RotationRulesType, error};
use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use serde::{Deserialize, Serialize};

/// How far ahead a day is looked for.
const MOST_DAYS: i32 = 4 * 366 + 1;
const LEAST_HOURS: i64 = 4;
const MOST: i64 = 999;

/// `RotationRules` as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// `AutomaticallyAfterDays`
    #[serde(default)]
    pub after_days: Option<i64>,
    /// `ScheduleExpression`
    #[serde(default)]
    pub schedule: Option<String>,
    /// `Duration`
    #[serde(default)]
    pub duration: Option<String>,
}

/// A time in which a rotation is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it begins; the rotation does, too.
    pub opens_at: Timestamp,
    /// When it ends: `NextRotationDate`.
    pub closes_at: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
enum Schedule {
    Days(i64),
    Hours(i64),
    Cron(Cron),
}

#[derive(Debug, PartialEq, Eq)]
struct Cron {
    hours: BTreeSet<i8>,
    months: BTreeSet<i8>,
    days: Days,
}

#[derive(Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i8>),
    LastOfMonth,
    /// Sunday is 1.
    OfWeek(BTreeSet<i8>),
    /// The n-th of a day of the week.
    Nth(i8, i8),
    /// The last of a day of the week.
    LastOfWeek(i8),
}

impl Rules {
    /// The rules of a request.
    ///
    /// # Errors
    /// `InvalidParameterException` for what is no schedule, or a window that does not fit it.
    pub fn of(rules: RotationRulesType) -> Result<Self, ServiceError> {
        if rules.automatically_after_days.is_some() && rules.schedule_expression.is_some() {
            return Err(invalid(
                "You can specify either AutomaticallyAfterDays or ScheduleExpression, but not both.",
            ));
        }
        let rules = Self {
            after_days: rules.automatically_after_days,
            schedule: rules.schedule_expression,
            duration: rules.duration,
        };
        rules.check()?;
        Ok(rules)
    }

    /// As the API shows them.
    pub fn shown(&self) -> RotationRulesType {
        RotationRulesType {
            automatically_after_days: self.after_days,
            duration: self.duration.clone(),
            schedule_expression: self.schedule.clone(),
        }
    }

    fn check(&self) -> Result<(), ServiceError> {
        let schedule = self.schedule()?;
        let Some(hours) = self.hours()? else { return Ok(()) };
        let fits = match &schedule {
            Some(Schedule::Hours(every)) => hours <= *every,
            Some(Schedule::Cron(cron)) => {
                cron.hours.last().is_none_or(|last| i64::from(*last) + hours <= 24)
                    && cron.shortest_gap().is_none_or(|gap| hours <= gap)
            }
            Some(Schedule::Days(_)) | None => hours <= 24,
        };
        if fits {
            return Ok(());
        }
        Err(invalid("The rotation window must not extend into the next rotation window or the next UTC day."))
    }

    fn schedule(&self) -> Result<Option<Schedule>, ServiceError> {
        match (&self.schedule, self.after_days) {
            (Some(text), _) => parse(text).map(Some).ok_or_else(|| {
                invalid("The ScheduleExpression is not valid: expected a rate() or cron() expression.")
            }),
            (None, days) => Ok(days.map(Schedule::Days)),
        }
    }

    /// The length of the window.
    fn hours(&self) -> Result<Option<i64>, ServiceError> {
        let Some(text) = &self.duration else { return Ok(None) };
        let hours = text.strip_suffix('h').and_then(|hours| hours.parse::<i64>().ok());
        let hours = hours.filter(|hours| (1..=24).contains(hours));
        hours.map(Some).ok_or_else(|| invalid("The Duration is not valid: expected hours from 1h to 24h."))
    }

    /// The next window after a rotation at `now`; `None` without a schedule.
    pub fn next(&self, now: Timestamp) -> Option<Window> {
        let schedule = self.schedule().ok()??;
        let now = civil(now)?;
        let opens = match &schedule {
            Schedule::Days(days) => {
                now.date().checked_add(Span::new().try_days(*days).ok()?).ok()?.at(0, 0, 0, 0)
            }
            Schedule::Hours(hours) => {
                now.date().at(now.hour(), 0, 0, 0).checked_add(Span::new().try_hours(*hours).ok()?).ok()?
            }
            Schedule::Cron(cron) => cron.next(now)?,
        };
        let by_the_hour = match &schedule {
            Schedule::Hours(_) => true,
            Schedule::Cron(cron) => cron.hours.len() > 1,
            Schedule::Days(_) => false,
        };
        let closes = match self.hours().ok()? {
            Some(hours) => opens.checked_add(Span::new().try_hours(hours).ok()?).ok()?,
            None if by_the_hour => opens.checked_add(1.hour()).ok()?,
            None => opens.date().tomorrow().ok()?.at(0, 0, 0, 0),
        };
        Some(Window { opens_at: timestamp(opens)?, closes_at: timestamp(closes)? })
    }
}

fn invalid(message: &str) -> ServiceError {
    error::invalid_parameter_exception(message)
}

fn civil(now: Timestamp) -> Option<DateTime> {
    let now = jiff::Timestamp::from_millisecond(now.millis()).ok()?;
    Some(TimeZone::UTC.to_datetime(now))
}

fn timestamp(time: DateTime) -> Option<Timestamp> {
    let time = TimeZone::UTC.to_timestamp(time).ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

fn parse(text: &str) -> Option<Schedule> {
    let (kind, inner) = text.trim().strip_suffix(')')?.split_once('(')?;
    match kind {
        "rate" => rate(inner),
        "cron" => cron(inner).map(Schedule::Cron),
        _ => None,
    }
}

fn rate(text: &str) -> Option<Schedule> {
    let (value, unit) = text.trim().split_once(' ')?;
    let value: i64 = value.parse().ok()?;
    match unit.trim() {
        "day" | "days" => (1..=MOST).contains(&value).then_some(Schedule::Days(value)),
        "hour" | "hours" => (LEAST_HOURS..=MOST).contains(&value).then_some(Schedule::Hours(value)),
        _ => None,
    }
}

/// Minutes, hours, day of the month, month, day of the week, year: minutes are 0, the year is every year.
fn cron(text: &str) -> Option<Cron> {
    let fields: Vec<_> = text.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields.as_slice() else { return None };
    if *minutes != "0" || *year != "*" {
        return None;
    }
    let days = match (*day, *weekday) {
        ("?", weekday) => of_week(weekday)?,
        ("L", "?") => Days::LastOfMonth,
        (day, "?") => Days::OfMonth(values(day, 1, 31, &[])?),
        ("*", "*") => Days::OfMonth((1..=31).collect()),
        _ => return None,
    };
    let cron = Cron { hours: values(hours, 0, 23, &[])?, months: values(month, 1, 12, &MONTHS)?, days };
    cron.shortest_gap().is_none_or(|gap| gap >= LEAST_HOURS).then_some(cron)
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn of_week(text: &str) -> Option<Days> {
    if let Some((day, number)) = text.split_once('#') {
        let number = number.parse().ok().filter(|number| (1..=5).contains(number))?;
        return Some(Days::Nth(value(day, 1, 7, &WEEKDAYS)?, number));
    }
    match text.strip_suffix('L') {
        Some("") => Some(Days::OfWeek(BTreeSet::from([7]))),
        Some(day) => Some(Days::LastOfWeek(value(day, 1, 7, &WEEKDAYS)?)),
        None => Some(Days::OfWeek(values(text, 1, 7, &WEEKDAYS)?)),
    }
}

/// The values of a field: single ones, ranges, steps, lists of them.
fn values(text: &str, least: i8, most: i8, names: &[&str]) -> Option<BTreeSet<i8>> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (value(from, least, most, names)?, value(to, least, most, names)?),
            None if part.contains('/') => (value(range, least, most, names)?, most),
            None => (value(range, least, most, names)?, value(range, least, most, names)?),
        };
        if from > to {
            return None;
        }
        all.extend((from..=to).step_by(step));
    }
    Some(all)
}

fn value(text: &str, least: i8, most: i8, names: &[&str]) -> Option<i8> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some(position) => i8::try_from(position).ok()? + 1,
        None => text.parse().ok()?,
    };
    (least..=most).contains(&value).then_some(value)
}

impl Cron {
    /// The fewest hours from one window of a day to the next, the first of the next day included.
    fn shortest_gap(&self) -> Option<i64> {
        let hours: Vec<i64> = self.hours.iter().map(|hour| i64::from(*hour)).collect();
        let first = *hours.first()?;
        if hours.len() == 1 {
            return None;
        }
        let nexts = hours.iter().skip(1).copied().chain([first + 24]);
        hours.iter().zip(nexts).map(|(hour, next)| next - hour).min()
    }

    fn next(&self, now: DateTime) -> Option<DateTime> {
        let mut date = now.date();
        for _ in 0..MOST_DAYS {
            if self.has(date) {
                let mut times = self.hours.iter().map(|hour| date.at(*hour, 0, 0, 0));
                if let Some(time) = times.find(|time| *time > now) {
                    return Some(time);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        let last = date.days_in_month();
        self.months.contains(&date.month())
            && match &self.days {
                Days::OfMonth(days) => days.contains(&date.day()),
                Days::LastOfMonth => date.day() == last,
                Days::OfWeek(days) => days.contains(&weekday),
                Days::Nth(day, number) => weekday == *day && (date.day() - 1) / 7 + 1 == *number,
                Days::LastOfWeek(day) => weekday == *day && date.day() + 7 > last,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_iso8601(text).unwrap()
    }

    fn rules(schedule: &str, duration: Option<&str>) -> Result<Rules, ServiceError> {
        Rules::of(RotationRulesType {
            schedule_expression: Some(schedule.to_owned()),
            duration: duration.map(str::to_owned),
            automatically_after_days: None,
        })
    }

    #[test]
    fn windows() {
        // A Monday.
        let now = at("2026-11-23T02:30:41Z");
        let cases = [
            ("rate(1 day)", None, "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
            ("rate(10 days)", Some("3h"), "2026-12-03T00:00:00Z", "2026-12-03T03:00:00Z"),
            ("rate(4 hours)", None, "2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"),
            ("cron(0 8 * * ? *)", None, "2026-11-23T08:00:00Z", "2026-11-24T00:00:00Z"),
            ("cron(0 2 * * ? *)", Some("2h"), "2026-11-24T02:00:00Z", "2026-11-24T04:00:00Z"),
            ("cron(0 8/8 * * ? *)", None, "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"),
            ("cron(0 16 1,15 * ? *)", None, "2026-12-01T16:00:00Z", "2026-12-02T00:00:00Z"),
            ("cron(0 0 L * ? *)", None, "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("cron(0 1 ? * SUN#1 *)", None, "2026-12-06T01:00:00Z", "2026-12-07T00:00:00Z"),
            ("cron(0 1 ? * 6L *)", None, "2026-11-27T01:00:00Z", "2026-11-28T00:00:00Z"),
            ("cron(0 1 ? JAN MON-FRI *)", None, "2027-01-01T01:00:00Z", "2027-01-02T00:00:00Z"),
            ("cron(0 1 29 2 ? *)", None, "2028-02-29T01:00:00Z", "2028-03-01T00:00:00Z"),
        ];
        for (schedule, duration, opens, closes) in cases {
            let window = rules(schedule, duration).unwrap().next(now).unwrap();
            assert_eq!((window.opens_at, window.closes_at), (at(opens), at(closes)), "{schedule}");
        }
        let days = Rules { after_days: Some(30), ..Rules::default() };
        assert_eq!(days.next(now).unwrap().opens_at, at("2026-12-23T00:00:00Z"));
        assert_eq!(Rules::default().next(now), None);
    }

    #[test]
    fn what_is_no_schedule() {
        let refused = [
            ("", None),
            ("rate(3 hours)", None),
            ("rate(0 days)", None),
            ("rate(1000 days)", None),
            ("rate(1 week)", None),
            ("cron(5 8 * * ? *)", None),
            ("cron(0 8 * * ? 2027)", None),
            ("cron(0 8 * *)", None),
            ("cron(0 24 * * ? *)", None),
            ("cron(0 */2 * * ? *)", None),
            ("cron(0 8 1 * 1 *)", None),
            ("cron(0 8 ? * 1#6 *)", None),
            ("cron(0 8 5-1 * ? *)", None),
            ("at(2027)", None),
            ("rate(4 hours)", Some("5h")),
            ("rate(1 day)", Some("25h")),
            ("rate(1 day)", Some("3")),
            ("cron(0 20 * * ? *)", Some("5h")),
            ("cron(0 0/8 * * ? *)", Some("9h")),
        ];
        for (schedule, duration) in refused {
            let refusal = rules(schedule, duration).unwrap_err();
            assert_eq!(refusal.code, "InvalidParameterException", "{schedule} {duration:?}");
        }
        let both = RotationRulesType {
            automatically_after_days: Some(1),
            schedule_expression: Some("rate(1 day)".to_owned()),
            duration: None,
        };
        assert_eq!(Rules::of(both).unwrap_err().code, "InvalidParameterException");
    }
}
