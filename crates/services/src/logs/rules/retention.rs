//! How long events are kept.

use landfall_api::logs::error;
use landfall_base::Timestamp;
use landfall_shape::ServiceError;

const DAY: i64 = 86_400;

/// The periods there are, in days (CloudWatch Logs API reference, PutRetentionPolicy).
const PERIODS: &[i32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// Refuses periods that there are not.
pub(in crate::logs) fn check(days: i32) -> Result<(), ServiceError> {
    if PERIODS.contains(&days) {
        return Ok(());
    }
    let periods: Vec<_> = PERIODS.iter().map(i32::to_string).collect();
    Err(error::invalid_parameter_exception(format!(
        "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
         Member must satisfy enum value set: [{}]",
        periods.join(", ")
    )))
}

/// Events before this time are gone; `None`: none are.
pub(in crate::logs) fn cutoff(days: Option<i32>, now: Timestamp) -> Option<Timestamp> {
    days.map(|days| now.plus_seconds(-DAY * i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_periods() {
        for (days, good) in
            [(1, true), (2, false), (7, true), (3653, true), (0, false), (-1, false), (3654, false)]
        {
            assert_eq!(check(days).is_ok(), good, "{days}");
        }
    }

    #[test]
    fn a_period_is_counted_back_from_now() {
        let now = Timestamp::from_millis(10 * DAY * 1000);
        assert_eq!(cutoff(Some(3), now), Some(Timestamp::from_millis(7 * DAY * 1000)));
        assert_eq!(cutoff(None, now), None);
    }
}
