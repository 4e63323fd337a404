//! Secrets in order, page by page. The pages of the two common orders, by creation and by name, cost the same however
//! many secrets there are; the others sort what the account has in the Region.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::secretsmanager::{SortByType, SortOrderType, error};
use landfall_base::{AccountId, Region, Timestamp};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::filters::Filters;
use super::record::{BY_CREATION, SECRETS, Secret, SecretKey};
use crate::pipe::Failure;

/// What is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// `CreatedDate`
    Created,
    /// `LastAccessedDate`; what was never read comes first.
    Accessed,
    /// `LastChangedDate`
    Changed,
    /// `Name`
    Name,
}

impl Order {
    /// The order that a request asks for; by creation if it asks for none.
    pub fn of(sort_by: Option<&SortByType>) -> Self {
        match sort_by {
            Some(SortByType::Name) => Self::Name,
            Some(SortByType::LastAccessedDate) => Self::Accessed,
            Some(SortByType::LastChangedDate) => Self::Changed,
            _ => Self::Created,
        }
    }
}

/// Where a secret stands in an order: its time, and its name among equals.
type Position = (i64, String);

/// Where the next page begins. Says which order it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    order: Order,
    descending: bool,
    after: Position,
}

/// What to list.
#[derive(Debug)]
pub struct Listing {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// What must match.
    pub filters: Filters,
    /// Also secrets that are scheduled for deletion.
    pub include_deleted: bool,
    /// The order.
    pub order: Order,
    /// The other way round.
    pub descending: bool,
    /// Where to begin.
    pub cursor: Option<Cursor>,
    /// The most entries of a page.
    pub limit: usize,
}

/// Secrets and the token for those behind them.
#[derive(Debug)]
pub struct Page {
    /// The secrets with their keys.
    pub secrets: Vec<(SecretKey, Arc<Secret>)>,
    /// `NextToken`; `None` on the last page.
    pub next_token: Option<String>,
}

/// Whether a request asks for descending order.
pub(super) fn is_descending(order: Option<&SortOrderType>) -> bool {
    order == Some(&SortOrderType::Desc)
}

/// A page token as clients carry it.
pub(super) fn encode_token(cursor: &impl Serialize) -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).map_err(Failure::internal)?))
}

/// Reads a page token.
///
/// # Errors
/// `InvalidNextTokenException` for what was not made by [`encode_token`].
pub(super) fn decode_token<T: DeserializeOwned>(token: Option<&str>) -> Result<Option<T>, ServiceError> {
    let Some(token) = token else { return Ok(None) };
    let json = URL_SAFE_NO_PAD.decode(token).ok();
    let cursor = json.and_then(|json| serde_json::from_slice(&json).ok());
    cursor.map(Some).ok_or_else(invalid_token)
}

fn invalid_token() -> ServiceError {
    error::invalid_next_token_exception("The NextToken value is invalid.")
}

impl Listing {
    /// One page.
    ///
    /// # Errors
    /// `InvalidNextTokenException` for a token of another order; the store's.
    pub fn page(&self, view: &View) -> Result<Page, Failure> {
        let after = self.start()?;
        let mut page = Page { secrets: Vec::new(), next_token: None };
        let mut last = None;
        for position in self.positions(view, after)? {
            let position = position?;
            let key = (self.account.clone(), self.region.clone(), position.1.clone());
            let Some(secret) = view.get(&SECRETS, &key)?.filter(|secret| self.is_wanted(secret)) else {
                continue;
            };
            if page.secrets.len() == self.limit {
                page.next_token = last.map(|after| encode_token(&self.cursor_after(after))).transpose()?;
                break;
            }
            page.secrets.push((key, secret));
            last = Some(position);
        }
        Ok(page)
    }

    fn is_wanted(&self, secret: &Secret) -> bool {
        (self.include_deleted || secret.deletion.is_none()) && self.filters.pass(secret)
    }

    fn start(&self) -> Result<Option<&Position>, ServiceError> {
        match &self.cursor {
            Some(cursor) if (cursor.order, cursor.descending) != (self.order, self.descending) => {
                Err(invalid_token())
            }
            cursor => Ok(cursor.as_ref().map(|cursor| &cursor.after)),
        }
    }

    fn cursor_after(&self, after: Position) -> Cursor {
        Cursor { order: self.order, descending: self.descending, after }
    }

    fn positions<'v>(&self, view: &'v View, after: Option<&Position>) -> Result<Positions<'v>, StoreError> {
        Ok(match self.order {
            Order::Name => self.by_name(view, after),
            Order::Created => self.by_creation(view, after),
            Order::Accessed => self.sorted(view, after, |secret| secret.accessed_on)?,
            Order::Changed => self.sorted(view, after, |secret| Some(secret.changed_at))?,
        })
    }

    fn by_name<'v>(&self, view: &'v View, after: Option<&Position>) -> Positions<'v> {
        let (account, region) = (&self.account, &self.region);
        let key = |name: &str| (account.clone(), region.clone(), name.to_owned());
        let rows = match (after, self.descending) {
            (None, _) => view.scan(&SECRETS, (account, region)),
            (Some((_, name)), false) => {
                view.scan_after(&SECRETS, (account, region), &(account, region, name.as_str()))
            }
            (Some((_, name)), true) => view.range(&SECRETS, key("")..key(name)),
        };
        directed(rows.map(|row| Ok((0, row?.0.2))), self.descending)
    }

    fn by_creation<'v>(&self, view: &'v View, after: Option<&Position>) -> Positions<'v> {
        let (account, region) = (&self.account, &self.region);
        let key = |millis, name: &str| {
            (account.clone(), region.clone(), Timestamp::from_millis(millis), name.to_owned())
        };
        let rows = match (after, self.descending) {
            (None, _) => view.scan(&BY_CREATION, (account, region)),
            (Some((millis, name)), false) => {
                view.scan_after(&BY_CREATION, (account, region), &key(*millis, name))
            }
            (Some((millis, name)), true) => view.range(&BY_CREATION, key(i64::MIN, "")..key(*millis, name)),
        };
        let position = |row: Result<((_, _, Timestamp, String), _), _>| {
            let ((_, _, created_at, name), _) = row?;
            Ok((created_at.millis(), name))
        };
        directed(rows.map(position), self.descending)
    }

    fn sorted<'v>(
        &self,
        view: &'v View,
        after: Option<&Position>,
        time: impl Fn(&Secret) -> Option<Timestamp>,
    ) -> Result<Positions<'v>, StoreError> {
        let rows = view.list(&SECRETS, (&self.account, &self.region))?;
        let position = |((_, _, name), secret): (SecretKey, Arc<Secret>)| {
            (time(&secret).map_or(i64::MIN, Timestamp::millis), name)
        };
        let mut positions: Vec<Position> = rows.into_iter().map(position).collect();
        positions.sort();
        let behind = |position: &Position| {
            after.is_none_or(|after| if self.descending { position < after } else { position > after })
        };
        positions.retain(behind);
        Ok(directed(positions.into_iter().map(Ok), self.descending))
    }
}

type Positions<'v> = Box<dyn Iterator<Item = Result<Position, StoreError>> + 'v>;

fn directed<'v>(
    positions: impl DoubleEndedIterator<Item = Result<Position, StoreError>> + 'v,
    descending: bool,
) -> Positions<'v> {
    if descending { Box::new(positions.rev()) } else { Box::new(positions) }
}
