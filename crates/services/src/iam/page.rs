//! Lists in pieces: `Marker`, `MaxItems`, `IsTruncated`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_shape::ServiceError;
use landfall_store::StoreError;

use crate::pipe::Failure;

/// Items in a page if the caller does not say (IAM API reference, `MaxItems`).
const DEFAULT_ITEMS: i32 = 100;

/// The part of a list that a caller wants.
#[derive(Debug)]
pub struct Paging {
    after: String,
    limit: usize,
}

/// A part of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) is_truncated: Option<bool>,
    pub(super) marker: Option<String>,
}

impl Paging {
    /// Reads `Marker` and `MaxItems`. A marker is the sort key of the last item that was given, encoded.
    pub(super) fn of(marker: Option<&str>, max_items: Option<i32>) -> Result<Self, Failure> {
        let invalid = || ServiceError::client("ValidationError", "Invalid Marker.");
        let after = match marker {
            Some(marker) => URL_SAFE_NO_PAD.decode(marker).ok().and_then(|key| String::from_utf8(key).ok()),
            None => Some(String::new()),
        };
        let limit = usize::try_from(max_items.unwrap_or(DEFAULT_ITEMS)).unwrap_or(1).max(1);
        Ok(Self { after: after.ok_or_else(invalid)?, limit })
    }

    /// The sort key behind which the page begins; empty for the first page.
    pub(super) fn after(&self) -> &str {
        &self.after
    }

    /// Takes the page out of rows in the order of their sort keys.
    pub(super) fn take<T>(
        &self,
        rows: impl IntoIterator<Item = Result<(String, T), StoreError>>,
    ) -> Result<Page<T>, Failure> {
        let mut rows = rows.into_iter().skip_while(|row| {
            row.as_ref().is_ok_and(|(key, _)| !self.after.is_empty() && *key <= self.after)
        });
        let mut last = String::new();
        let mut items = Vec::new();
        for row in rows.by_ref().take(self.limit) {
            let (key, item) = row?;
            last = key;
            items.push(item);
        }
        let truncated = rows.next().transpose()?.is_some();
        let marker = truncated.then(|| URL_SAFE_NO_PAD.encode(last));
        Ok(Page { items, is_truncated: Some(truncated), marker })
    }

    /// Sorts items by their keys and takes the page.
    pub(super) fn sort_and_take<T>(&self, mut items: Vec<(String, T)>) -> Result<Page<T>, Failure> {
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.take(items.into_iter().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(limit: i32) -> Vec<Vec<u32>> {
        let (mut marker, mut pages) = (None, Vec::new());
        loop {
            let items = [3, 1, 4, 2, 5].map(|number: u32| (number.to_string(), number)).to_vec();
            let paging = Paging::of(marker.as_deref(), Some(limit)).unwrap();
            let page = paging.sort_and_take(items).unwrap();
            pages.push(page.items);
            assert_eq!(page.is_truncated, Some(page.marker.is_some()));
            marker = page.marker;
            if marker.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn pages_follow_each_other() {
        assert_eq!(pages(2), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(pages(5), [vec![1, 2, 3, 4, 5]]);
        assert_eq!(pages(1).len(), 5);
    }

    #[test]
    fn a_marker_that_is_none_is_refused() {
        for marker in ["%", "a b", "_w"] {
            let error = Paging::of(Some(marker), None).unwrap_err();
            assert_eq!(
                error.to_string(),
                ServiceError::client("ValidationError", "Invalid Marker.").to_string()
            );
        }
    }
}
