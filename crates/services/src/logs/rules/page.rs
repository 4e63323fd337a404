//! Places between events and rows, and the tokens that carry them from page to page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::logs::error;
use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use landfall_store::journal::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A place in one stream: between the events with a smaller (time, sequence number) and the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::logs) struct Cut {
    /// Milliseconds since the Unix epoch.
    pub(in crate::logs) time: i64,
    /// A number in the stream's journal.
    pub(in crate::logs) sequence: u64,
}

impl Cut {
    /// Before every event.
    pub(in crate::logs) const START: Self = Self { time: 0, sequence: 0 };

    /// Right before an event.
    pub(in crate::logs) fn before(record: &Record) -> Self {
        Self { time: record.time.millis(), sequence: record.sequence }
    }

    /// Right behind an event.
    pub(in crate::logs) fn behind(record: &Record) -> Self {
        Self { time: record.time.millis(), sequence: record.sequence.saturating_add(1) }
    }

    /// The earliest place at a time.
    pub(in crate::logs) fn at(time: Timestamp) -> Self {
        Self { time: time.millis(), sequence: 0 }
    }
}

/// A place among the events of several streams, which are ordered by time, stream name and sequence number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::logs) struct Place {
    /// Milliseconds since the Unix epoch.
    pub(in crate::logs) time: i64,
    /// The stream of the next event.
    pub(in crate::logs) stream: String,
    /// The next event's number in the stream's journal.
    pub(in crate::logs) sequence: u64,
}

impl Place {
    /// What this place is in one stream.
    pub(in crate::logs) fn in_stream(&self, stream: &str) -> Cut {
        match stream.cmp(&self.stream) {
            std::cmp::Ordering::Less => Cut { time: self.time.saturating_add(1), sequence: 0 },
            std::cmp::Ordering::Equal => Cut { time: self.time, sequence: self.sequence },
            std::cmp::Ordering::Greater => Cut { time: self.time, sequence: 0 },
        }
    }
}

/// Which way a GetLogEvents token leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs) enum Way {
    /// To later events.
    Forward,
    /// To earlier events.
    Backward,
}

impl Way {
    fn letter(self) -> char {
        match self {
            Self::Forward => 'f',
            Self::Backward => 'b',
        }
    }
}

/// `f/…/s` or `b/…/s` around 56 digits, as AWS's tokens look.
pub(in crate::logs) fn event_token(way: Way, cut: Cut) -> String {
    format!("{}/{:028}{:028}/s", way.letter(), cut.time.max(0), cut.sequence)
}

/// Reads [`event_token`] back.
pub(in crate::logs) fn parse_event_token(token: &str) -> Result<(Way, Cut), ServiceError> {
    read_event_token(token).ok_or_else(invalid_token)
}

fn read_event_token(token: &str) -> Option<(Way, Cut)> {
    let (letter, rest) = token.split_once('/')?;
    let way = [Way::Forward, Way::Backward].into_iter().find(|way| letter == way.letter().to_string())?;
    let digits = rest.strip_suffix("/s")?;
    if digits.len() != 56 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (time, sequence) = digits.split_at_checked(28)?;
    Some((way, Cut { time: time.parse().ok()?, sequence: sequence.parse().ok()? }))
}

/// A token for any other place.
pub(in crate::logs) fn token(place: &impl Serialize) -> String {
    // Places are plain structures of texts and numbers, which always become JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// Reads [`token`] back, if there is one.
pub(in crate::logs) fn parse_token<T: DeserializeOwned>(
    token: Option<&str>,
) -> Result<Option<T>, ServiceError> {
    let Some(token) = token else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| invalid_token())
}

fn invalid_token() -> ServiceError {
    error::invalid_parameter_exception("The specified nextToken is invalid.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_read_back(time in 0i64.., sequence: u64, stream: String, forward: bool) {
            let way = if forward { Way::Forward } else { Way::Backward };
            let cut = Cut { time, sequence };
            prop_assert_eq!(parse_event_token(&event_token(way, cut)).unwrap(), (way, cut));
            let place = Place { time, stream, sequence };
            prop_assert_eq!(parse_token(Some(&token(&place))).unwrap(), Some(place));
        }

        #[test]
        fn no_token_panics(text: String) {
            let _ = parse_event_token(&text);
            let _ = parse_token::<Place>(Some(&text));
        }
    }

    #[test]
    fn wrong_tokens_are_refused() {
        let digits = "0".repeat(56);
        for text in [
            "",
            "f",
            "f//s",
            "x/1/s",
            &format!("f/{digits}"),
            &format!("f/+{}/s", &digits[1..]),
            &format!("f/{}/s", "9".repeat(56)),
        ] {
            let error = parse_event_token(text).unwrap_err();
            assert_eq!(error.message, "The specified nextToken is invalid.", "{text}");
        }
    }
}
