//! Pages: `nextToken`, `maxResults`. A token holds the key that the page before ended with, so a page costs what it shows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_shape::ServiceError;

use super::rules::wording;

const DEFAULT: usize = 100;

/// Where a page begins and how long it is.
#[derive(Debug, Clone)]
pub struct Paging {
    /// The most items of the page.
    pub(super) limit: usize,
    /// The parts of the last key of the page before.
    pub(super) after: Option<Vec<String>>,
}

impl Paging {
    /// From the members of a request. Tokens have `parts` parts.
    ///
    /// # Errors
    /// `InvalidParameterException` for a token that no page ended with.
    pub(super) fn of(limit: Option<i32>, token: Option<&str>, parts: usize) -> Result<Self, ServiceError> {
        let read = |token: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let after: Vec<String> = serde_json::from_slice(&bytes).ok()?;
            Some(after).filter(|after| after.len() == parts)
        };
        let after = token
            .map(|token| read(token).ok_or_else(|| wording::invalid("nextToken", "Invalid token")))
            .transpose()?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        Ok(Self { limit: limit.unwrap_or(DEFAULT), after })
    }

    /// One part of the last key of the page before.
    pub(super) fn after(&self, part: usize) -> Option<&str> {
        self.after.as_ref()?.get(part).map(String::as_str)
    }
}

/// The token of the next page, which begins behind this key.
pub(super) fn token(after: &[&str]) -> Option<String> {
    serde_json::to_vec(after).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}
