//! Parameters in the order of their names, page by page. A page costs the same however many parameters there are: it
//! begins where the last one ended, jumps over what lies deeper than asked, and looks at a bounded number of rows; like
//! AWS it may then hold fewer entries than asked for, and a token.

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::ssm::error;
use landfall_base::{AccountId, Region};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::filters::Filters;
use super::record::{PARAMETERS, Parameter, ParameterKey, Version};
use super::versions;
use crate::pipe::Failure;

/// Rows that are looked at for one page.
const MOST_ROWS: usize = 5000;

/// What to list.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// What names begin with.
    pub(super) prefix: String,
    /// Only names without a further slash behind the prefix.
    pub(super) one_level: bool,
    pub(super) filters: Filters,
    /// The last name of the page before.
    pub(super) after: Option<String>,
    pub(super) limit: usize,
}

/// A parameter with one of its versions.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: ParameterKey,
    pub(super) parameter: Arc<Parameter>,
    pub(super) number: u64,
    pub(super) version: Arc<Version>,
}

/// Parameters and the token for those behind them.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) found: Vec<Found>,
    pub(super) next_token: Option<String>,
}

/// Reads a page token.
///
/// # Errors
/// `InvalidNextToken`
pub(super) fn decode_token(token: Option<&str>) -> Result<Option<String>, ServiceError> {
    let Some(token) = token else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(invalid_token)
}

/// The error for a token that no page ended with.
pub(super) fn invalid_token() -> ServiceError {
    error::invalid_next_token("The specified token isn't valid.")
}

/// A page token as clients carry it.
pub(super) fn encode_token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

impl Listing {
    /// One page.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn page(&self, view: &View) -> Result<Page, Failure> {
        match self.filters.exact_names() {
            Some(names) => self.of_names(view, &names),
            None => self.walk(view),
        }
    }

    fn of_names(&self, view: &View, names: &[String]) -> Result<Page, Failure> {
        let mut page = Page::default();
        let behind = |name: &&String| self.after.as_ref().is_none_or(|after| *name > after);
        for name in names.iter().filter(behind) {
            let key = (self.account.clone(), self.region.clone(), name.clone());
            let Some(parameter) = view.get(&PARAMETERS, &key)? else { continue };
            if self.add(view, &mut page, key, parameter)? {
                break;
            }
        }
        Ok(page)
    }

    fn walk(&self, view: &View) -> Result<Page, Failure> {
        let mut page = Page::default();
        let mut start = match &self.after {
            Some(after) if *after >= self.prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(self.prefix.clone()),
        };
        let mut rows = 0;
        while let Some(jump) = self.stretch(view, &mut page, start, &mut rows)? {
            start = Bound::Included(jump);
        }
        Ok(page)
    }

    /// Walks on from `start`; where names go deeper than asked, tells where to go on behind them.
    fn stretch(
        &self,
        view: &View,
        page: &mut Page,
        start: Bound<String>,
        rows: &mut usize,
    ) -> Result<Option<String>, Failure> {
        let key = |name: String| (self.account.clone(), self.region.clone(), name);
        for row in view.range(&PARAMETERS, (start.map(key), Bound::Unbounded)) {
            let (key, parameter) = row?;
            let inside = key.0 == self.account && key.1 == self.region;
            let Some(rest) = key.2.strip_prefix(&self.prefix).filter(|_| inside) else { return Ok(None) };
            *rows += 1;
            if self.one_level
                && let Some((level, _)) = rest.split_once('/')
            {
                // `0` is the character behind the slash.
                return Ok(Some(format!("{}{level}0", self.prefix)));
            }
            let name = key.2.clone();
            if self.add(view, page, key, parameter)? {
                return Ok(None);
            }
            if *rows >= MOST_ROWS {
                page.next_token = Some(encode_token(&name));
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Adds what passes, and says whether the page is full and another one follows.
    fn add(
        &self,
        view: &View,
        page: &mut Page,
        key: ParameterKey,
        parameter: Arc<Parameter>,
    ) -> Result<bool, Failure> {
        let Some(number) = self.number(&parameter) else { return Ok(false) };
        let Some(version) = versions::get(view, &key, number)? else { return Ok(false) };
        if !self.filters.pass(&key.2, &parameter, &version) {
            return Ok(false);
        }
        if page.found.len() >= self.limit {
            page.next_token = page.found.last().map(|last| encode_token(&last.key.2));
            return Ok(true);
        }
        page.found.push(Found { key, parameter, number, version });
        Ok(false)
    }

    /// The newest version, or the one with a label that is filtered for.
    fn number(&self, parameter: &Parameter) -> Option<u64> {
        match self.filters.labels() {
            None => Some(parameter.newest),
            Some(labels) => labels.iter().find_map(|label| parameter.labels.get(label).copied()),
        }
    }
}
