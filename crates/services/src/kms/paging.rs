//! Pages: `Limit`, `Marker`, `NextMarker`, `Truncated`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_api::kms::error;
use landfall_shape::ServiceError;

/// Where a page begins and how long it is.
#[derive(Debug)]
pub(super) struct Paging {
    limit: usize,
    after: Option<String>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_marker: Option<String>,
    pub(super) truncated: Option<bool>,
}

impl Paging {
    /// From the members of a request.
    ///
    /// # Errors
    /// `InvalidMarkerException` for a marker that no page ended with.
    pub(super) fn of(limit: Option<i32>, marker: Option<&str>, default: usize) -> Result<Self, ServiceError> {
        let after = marker.map(|marker| {
            let text = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| error::invalid_marker_exception("Could not parse marker"))
        });
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        Ok(Self { limit: limit.unwrap_or(default), after: after.transpose()? })
    }

    /// What the page before ended with.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The page of rows that begin after [`after`](Self::after): no more are read than are shown, and one.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn page_of<T, E>(
        self,
        rows: impl IntoIterator<Item = Result<T, E>>,
        key: impl Fn(&T) -> &str,
    ) -> Result<Page<T>, E> {
        self.page_with(rows, [], key)
    }

    /// The same, with a few `others` in their places between the rows.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn page_with<T, E>(
        self,
        rows: impl IntoIterator<Item = Result<T, E>>,
        others: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &str,
    ) -> Result<Page<T>, E> {
        let rows = rows.into_iter().take(self.limit.saturating_add(1));
        let mut rows: Vec<T> = rows.collect::<Result<_, E>>()?;
        rows.extend(others);
        rows.sort_by(|one, other| key(one).cmp(key(other)));
        Ok(self.page(rows, key))
    }

    /// The page of rows that are sorted by the text that `key` gives.
    pub(super) fn page<T>(self, rows: impl IntoIterator<Item = T>, key: impl Fn(&T) -> &str) -> Page<T> {
        let rows = rows.into_iter();
        let mut rows = rows.filter(|row| self.after.as_deref().is_none_or(|after| key(row) > after));
        let items: Vec<T> = rows.by_ref().take(self.limit).collect();
        let more = rows.next().is_some();
        let last = items.last().filter(|_| more).map(|row| URL_SAFE_NO_PAD.encode(key(row)));
        Page { items, next_marker: last, truncated: Some(more) }
    }
}
