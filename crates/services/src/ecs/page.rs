//! Pages of lists. A token is the last item of the page before, so that a list that changes in between is continued at the
//! right place.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use landfall_api::ecs::error;
use landfall_shape::ServiceError;

const MOST: usize = 100;

/// How a list is sorted by its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Lowest key first.
    Ascending,
    /// Highest key first.
    Descending,
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    /// The items.
    pub(super) items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub(super) next_token: Option<String>,
}

/// Cuts a page out of `items`, whose keys are unique and in `order`.
///
/// # Errors
/// `InvalidParameterException` for a token that was not ours and for sizes outside 1–100.
pub(super) fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    order: Order,
    token: Option<&str>,
    size: Option<i32>,
) -> Result<Page<T>, ServiceError> {
    let size = page_size(size)?;
    let start = match token {
        None => 0,
        Some(token) => {
            let last = decode(token)?;
            let seen = |item: &T| match order {
                Order::Ascending => key(item) <= last,
                Order::Descending => key(item) >= last,
            };
            items.partition_point(seen)
        }
    };
    let more = items.len().saturating_sub(start) > size;
    let items: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let next_token = items.last().filter(|_| more).map(|item| BASE64_URL_SAFE_NO_PAD.encode(key(item)));
    Ok(Page { items, next_token })
}

fn page_size(size: Option<i32>) -> Result<usize, ServiceError> {
    match size.map(usize::try_from) {
        None => Ok(MOST),
        Some(Ok(size @ 1..=MOST)) => Ok(size),
        Some(_) => Err(error::invalid_parameter_exception("Max results must be between 1 and 100.")),
    }
}

fn decode(token: &str) -> Result<String, ServiceError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| error::invalid_parameter_exception("Invalid token."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(token: Option<&str>, size: Option<i32>) -> Result<Page<char>, ServiceError> {
        page("abcde".chars().collect(), char::to_string, Order::Ascending, token, size)
    }

    #[test]
    fn pages_join_up() {
        let mut token = None;
        let mut seen = String::new();
        loop {
            let page = of(token.as_deref(), Some(2)).unwrap();
            seen.extend(page.items);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, "abcde");
    }

    #[test]
    fn a_list_that_shrinks_in_between_goes_on_at_the_right_place() {
        for (order, all, left, rest) in
            [(Order::Ascending, "abcde", "acde", "cde"), (Order::Descending, "edcba", "ecba", "cba")]
        {
            // The page ends with the item that is gone when the next one is asked for.
            let size = all.find(if order == Order::Ascending { 'b' } else { 'd' }).unwrap() + 1;
            let size = i32::try_from(size).ok();
            let first = page(all.chars().collect(), char::to_string, order, None, size).unwrap();
            let token = first.next_token.as_deref();
            let next = page(left.chars().collect(), char::to_string, order, token, None).unwrap();
            assert_eq!(next.items, rest.chars().collect::<Vec<_>>(), "{order:?}");
        }
    }

    #[test]
    fn the_last_full_page_has_no_token() {
        assert_eq!(of(None, Some(5)).unwrap().next_token, None);
    }

    #[test]
    fn strange_tokens_and_sizes_are_refused() {
        assert!(of(Some("%%"), None).is_err());
        for size in [-1, 0, 101] {
            assert!(of(None, Some(size)).is_err(), "{size}");
        }
    }
}
