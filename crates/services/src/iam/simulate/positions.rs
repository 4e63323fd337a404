//! Where in a document a statement is.

use landfall_api::iam as api;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "Statement", borrow)]
    statement: &'a RawValue,
}

/// Where a statement begins, and where the text behind it does; lines and columns count from one.
pub(super) fn of_statement(document: &str, index: usize) -> Option<(api::Position, api::Position)> {
    let outline: Outline<'_> = serde_json::from_str(document).ok()?;
    let all = outline.statement.get();
    let statement = if all.starts_with('[') {
        serde_json::from_str::<Vec<&RawValue>>(all).ok()?.get(index)?.get()
    } else {
        all
    };
    let start = statement.as_ptr().addr().checked_sub(document.as_ptr().addr())?;
    Some((position(document, start)?, position(document, start + statement.len())?))
}

fn position(document: &str, offset: usize) -> Option<api::Position> {
    let before = document.get(..offset)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some(api::Position { line: i32::try_from(line).ok(), column: i32::try_from(column).ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(document: &str, index: usize) -> Option<[i32; 4]> {
        let (start, end) = of_statement(document, index)?;
        Some([start.line?, start.column?, end.line?, end.column?])
    }

    #[test]
    fn statements_of_a_list_and_alone() {
        let list = "{\"Version\":\"x\",\n \"Statement\":[\n  {\"Sid\":\"a\"},\n  {\"Sid\":\n\"é\"}]}";
        assert_eq!(numbers(list, 0), Some([3, 3, 3, 14]));
        assert_eq!(numbers(list, 1), Some([4, 3, 5, 5]));
        assert_eq!(numbers(list, 2), None);
        assert_eq!(numbers("{\"Statement\": {}}", 0), Some([1, 15, 1, 17]));
        assert_eq!(numbers("nonsense", 0), None);
    }
}
