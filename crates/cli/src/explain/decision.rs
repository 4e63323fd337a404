//! The decision of a step: the server keeps the policy engine's record of it as JSON.

use serde::Deserialize;
use serde_json::Value;

/// What of the record fits into a line.
#[derive(Debug, Deserialize)]
struct Record {
    allowed: bool,
    layer: String,
    deciding: Option<String>,
}

/// The record for programs: a document where it is one, its text otherwise.
pub(super) fn as_json(decision: &str) -> Value {
    serde_json::from_str(decision).unwrap_or_else(|_| decision.into())
}

/// The record in a line for people.
pub(super) fn as_text(decision: &str) -> String {
    let Ok(record) = serde_json::from_str::<Record>(decision) else { return decision.to_owned() };
    match (record.allowed, record.deciding) {
        (true, Some(by)) => format!("allowed by {by}"),
        (true, None) => "allowed".to_owned(),
        (false, Some(by)) => format!("denied by {by}"),
        (false, None) => format!("denied: no policy of the kind `{}` allows it", record.layer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line() {
        for (record, line) in [
            (
                r#"{"allowed":true,"layer":"identity","deciding":"policy p, statement 1"}"#,
                "allowed by policy p, statement 1",
            ),
            (r#"{"allowed":true,"layer":"root","deciding":null}"#, "allowed"),
            (
                r#"{"allowed":false,"layer":"identity","deciding":"policy p, statement 2"}"#,
                "denied by policy p, statement 2",
            ),
            (r#"{"allowed":false,"layer":"identity"}"#, "denied: no policy of the kind `identity` allows it"),
            ("in words already", "in words already"),
        ] {
            assert_eq!(as_text(record), line);
        }
    }

    #[test]
    fn programs_get_the_whole_record() {
        assert_eq!(as_json(r#"{"allowed":true}"#)["allowed"], true);
        assert_eq!(as_json("words"), "words");
    }
}
