//! The functions of `stats`.

use std::collections::HashSet;

use super::compare::order;
use super::value::Value;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aggregate {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    Pct,
    Stddev,
    Earliest,
    Latest,
    SortsFirst,
    SortsLast,
}

impl Aggregate {
    /// The function with a name, in any case, and how many arguments it takes.
    pub(super) fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        Some(match name.to_ascii_lowercase().as_str() {
            "count" => (Self::Count, 0..=1),
            "count_distinct" => (Self::CountDistinct, 1..=1),
            "sum" => (Self::Sum, 1..=1),
            "avg" => (Self::Avg, 1..=1),
            "min" => (Self::Min, 1..=1),
            "max" => (Self::Max, 1..=1),
            "pct" | "percentile" => (Self::Pct, 2..=2),
            "stddev" => (Self::Stddev, 1..=1),
            "earliest" => (Self::Earliest, 1..=1),
            "latest" => (Self::Latest, 1..=1),
            "sortsfirst" => (Self::SortsFirst, 1..=1),
            "sortslast" => (Self::SortsLast, 1..=1),
            _ => return None,
        })
    }
}

/// The values of one call in one group so far.
#[derive(Debug, Clone)]
pub(super) enum State {
    Count(u64),
    Distinct(HashSet<String>),
    /// Count, mean, sum of squared distances from the mean (Welford), sum.
    Moments {
        kind: Aggregate,
        count: f64,
        mean: f64,
        squares: f64,
        sum: f64,
    },
    Extreme {
        kind: Aggregate,
        value: Value,
    },
    /// The value of the earliest or latest event.
    AtTime {
        kind: Aggregate,
        time: i64,
        value: Value,
    },
    Percentile {
        rank: f64,
        values: Vec<f64>,
    },
}

impl State {
    pub(super) fn new(kind: Aggregate, rank: Option<f64>) -> Self {
        match kind {
            Aggregate::Count => Self::Count(0),
            Aggregate::CountDistinct => Self::Distinct(HashSet::new()),
            Aggregate::Sum | Aggregate::Avg | Aggregate::Stddev => {
                Self::Moments { kind, count: 0.0, mean: 0.0, squares: 0.0, sum: 0.0 }
            }
            Aggregate::Min | Aggregate::Max | Aggregate::SortsFirst | Aggregate::SortsLast => {
                Self::Extreme { kind, value: Value::Missing }
            }
            Aggregate::Earliest | Aggregate::Latest => Self::AtTime { kind, time: 0, value: Value::Missing },
            Aggregate::Pct => Self::Percentile { rank: rank.unwrap_or(50.0), values: Vec::new() },
        }
    }

    /// Adds the value of an event; `None` for `count(*)`. Says how many bytes are kept for it.
    pub(super) fn add(&mut self, value: Option<Value>, at: i64) -> usize {
        let Some(value) = value else {
            if let Self::Count(count) = self {
                *count += 1;
            }
            return 0;
        };
        if value == Value::Missing {
            return 0;
        }
        match self {
            Self::Count(count) => *count += 1,
            Self::Distinct(seen) => {
                let text = value.written().unwrap_or_default().into_owned();
                let length = text.len() + 48;
                return if seen.insert(text) { length } else { 0 };
            }
            Self::Moments { count, mean, squares, sum, .. } => {
                let Some(number) = value.number() else { return 0 };
                *count += 1.0;
                *sum += number;
                let distance = number - *mean;
                *mean += distance / *count;
                *squares += distance * (number - *mean);
            }
            Self::Extreme { kind, value: best } => {
                let is_text = matches!(kind, Aggregate::SortsFirst | Aggregate::SortsLast);
                let order = if is_text { value.written().cmp(&best.written()) } else { order(&value, best) };
                let wants_less = matches!(kind, Aggregate::Min | Aggregate::SortsFirst);
                let better =
                    *best == Value::Missing || if wants_less { order.is_lt() } else { order.is_gt() };
                if better {
                    *best = value;
                }
            }
            Self::AtTime { kind, time, value: best } => {
                let better = if *kind == Aggregate::Earliest { at < *time } else { at >= *time };
                if *best == Value::Missing || better {
                    (*time, *best) = (at, value);
                }
            }
            Self::Percentile { values, .. } => {
                let Some(number) = value.number() else { return 0 };
                values.push(number);
                return 8;
            }
        }
        0
    }

    pub(super) fn value(self) -> Value {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            Self::Count(count) => Value::Number(count as f64),
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            Self::Distinct(seen) => Value::Number(seen.len() as f64),
            Self::Moments { count: 0.0, .. } => Value::Missing,
            Self::Moments { kind: Aggregate::Sum, sum, .. } => Value::from(Some(sum)),
            Self::Moments { kind: Aggregate::Avg, sum, count, .. } => Value::from(Some(sum / count)),
            Self::Moments { squares, count, .. } => Value::from(Some((squares / count).sqrt())),
            Self::Extreme { value, .. } | Self::AtTime { value, .. } => value,
            Self::Percentile { rank, values } => Value::from(percentile(values, rank)),
        }
    }
}

/// The value below or at which `rank` percent of the values are (nearest rank).
fn percentile(mut values: Vec<f64>, rank: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list: clamped to it"
    )]
    let place = (rank / 100.0 * values.len() as f64).ceil().max(1.0) as usize;
    values.get(place.min(values.len()).checked_sub(1)?).copied()
}
