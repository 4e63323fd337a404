//! Pages: `MaxResults`, `NextToken`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_shape::ServiceError;

use super::errors;

/// Where a page begins and how long it is.
#[derive(Debug)]
pub(super) struct Paging {
    limit: usize,
    after: Option<String>,
}

/// What a request says of ids and pages.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// What the ids are called, `vpcIds`, and whether there are any.
    pub(super) ids: (&'static str, bool),
    pub(super) max_results: Option<i32>,
    /// The least that it may be.
    pub(super) least: i32,
    pub(super) next_token: Option<&'a str>,
}

impl Paging {
    /// From the members of a request.
    ///
    /// # Errors
    /// `InvalidParameterCombination`, `InvalidParameterValue`, `InvalidNextToken`
    pub(super) fn of(wanted: &Wanted<'_>) -> Result<Self, ServiceError> {
        let (name, given) = wanted.ids;
        if given && wanted.max_results.is_some() {
            let message = format!("The parameter {name} cannot be used with the parameter maxResults");
            return Err(errors::combination(message));
        }
        let limit = match wanted.max_results {
            None => 1000,
            Some(limit) if limit < wanted.least => {
                let message = format!(
                    "Value ( {limit} ) for parameter maxResults is invalid. Expecting a value greater than {}.",
                    wanted.least
                );
                return Err(errors::invalid_value(message));
            }
            Some(limit) => usize::try_from(limit).unwrap_or(1000).min(1000),
        };
        let after = wanted.next_token.filter(|token| !token.is_empty()).map(|token| {
            let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| {
                ServiceError::client("InvalidNextToken", format!("The token '{token}' is invalid"))
            })
        });
        Ok(Self { limit, after: after.transpose()? })
    }

    /// The page of items that are sorted by id, and the token of the next.
    pub(super) fn page<T>(self, items: Vec<(String, T)>) -> (Vec<T>, Option<String>) {
        let items = items.into_iter();
        let mut items = items.filter(|(id, _)| self.after.as_ref().is_none_or(|after| id > after));
        let page: Vec<_> = items.by_ref().take(self.limit).collect();
        let more = items.next().is_some();
        let token = page.last().filter(|_| more).map(|(id, _)| STANDARD.encode(id));
        (page.into_iter().map(|(_, item)| item).collect(), token)
    }
}
