//! What `@ptr` holds: the place of an event, for GetLogRecord.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::AccountId;
use serde::{Deserialize, Serialize};

/// The place of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pointer {
    pub(super) account: String,
    pub(super) group: String,
    pub(super) stream: String,
    pub(super) sequence: u64,
}

impl Pointer {
    pub(super) fn new(account: &AccountId, group: &str, stream: &str, sequence: u64) -> Self {
        Self { account: account.to_string(), group: group.to_owned(), stream: stream.to_owned(), sequence }
    }

    pub(super) fn text(&self) -> String {
        // Plain texts and a number always become JSON.
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
    }
}
