//! Pages: `nextToken`, `maxResults`. A token holds the key that the page before ended with, so a page costs what it shows;
//! it is sealed, and good for the operation, the account and the Region that it was given for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_shape::{Operation, ServiceError};
use landfall_vault::{Sealed, Vault};

use super::rules::wording;
use crate::pipe::{Context, Failure};

const DEFAULT: usize = 100;

/// Where a page begins and how long it is.
#[derive(Debug, Clone)]
pub struct Paging {
    /// The most items of the page.
    pub(super) limit: usize,
    /// The parts of the last key of the page before.
    pub(super) after: Option<Vec<String>>,
    /// What tokens are bound to.
    scope: String,
}

impl Paging {
    /// From the members of a request for `O`. Tokens have `parts` parts.
    ///
    /// # Errors
    /// `InvalidParameterException` for a token that no page ended with.
    pub(super) fn of<O: Operation>(
        cx: &Context<'_>,
        limit: Option<i32>,
        token: Option<&str>,
        parts: usize,
    ) -> Result<Self, ServiceError> {
        let scope = format!("{}/{}/{}", O::SCHEMA.name, cx.account(), cx.region());
        let read = |token: &str| read(cx.vault(), &scope, token).filter(|after| after.len() == parts);
        let after = token
            .map(|token| read(token).ok_or_else(|| wording::invalid("nextToken", "Invalid token")))
            .transpose()?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        Ok(Self { limit: limit.unwrap_or(DEFAULT), after, scope })
    }

    /// One part of the last key of the page before.
    pub(super) fn after(&self, part: usize) -> Option<&str> {
        self.after.as_ref()?.get(part).map(String::as_str)
    }

    /// The token of the next page, which begins behind `last`; `None` behind the last page.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub(super) fn token(&self, cx: &Context<'_>, last: Option<&str>) -> Result<Option<String>, Failure> {
        self.token_of(cx, last.map(|last| [last]))
    }

    /// As [`token`](Self::token), of several parts.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub(super) fn token_of<const PARTS: usize>(
        &self,
        cx: &Context<'_>,
        last: Option<[&str; PARTS]>,
    ) -> Result<Option<String>, Failure> {
        let Some(last) = last else { return Ok(None) };
        let plain = serde_json::to_vec(last.as_slice()).map_err(Failure::internal)?;
        let sealed = cx.vault().seal(&context(&self.scope), &plain)?;
        Ok(Some(URL_SAFE_NO_PAD.encode(sealed.as_bytes())))
    }
}

fn context(scope: &str) -> [(&str, &str); 2] {
    [("Purpose", "EcrNextToken"), ("Of", scope)]
}

fn read(vault: &Vault, scope: &str, token: &str) -> Option<Vec<String>> {
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let plain = vault.unseal(&context(scope), &sealed).ok()?;
    serde_json::from_slice(plain.expose()).ok()
}
