//! JSON as ECR prints policies: two spaces, ` : ` between name and value, lists on one line with spaces inside, objects in
//! lists without a line break before them.

use std::fmt::Write as _;

use serde_json::Value;

/// The text of a document.
pub fn print(document: &Value) -> String {
    let mut text = String::new();
    value(&mut text, document, 0);
    text
}

fn value(text: &mut String, node: &Value, depth: usize) {
    match node {
        Value::Object(members) if members.is_empty() => text.push_str("{ }"),
        Value::Object(members) => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "\n" } else { ",\n" });
                indent(text, depth + 1);
                // Writing to a string does not fail.
                let _ = write!(text, "{} : ", Value::String(name.clone()));
                value(text, member, depth + 1);
            }
            text.push('\n');
            indent(text, depth);
            text.push('}');
        }
        Value::Array(items) if items.is_empty() => text.push_str("[ ]"),
        Value::Array(items) => {
            text.push_str("[ ");
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                value(text, item, depth);
            }
            text.push_str(" ]");
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    #[test]
    fn as_ecr_prints() {
        let document = serde_json::json!({
            "Version": "2008-10-17",
            "Statement": [{ "Sid": "a \"b\"", "Action": ["ecr:A", "ecr:B"], "Condition": {}, "X": [] }, { "Sid": "c" }],
        });
        let expected = "{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"a \\\"b\\\"\",\n    \
                        \"Action\" : [ \"ecr:A\", \"ecr:B\" ],\n    \"Condition\" : { },\n    \"X\" : [ ]\n  }, {\n    \
                        \"Sid\" : \"c\"\n  } ]\n}";
        assert_eq!(super::print(&document), expected);
    }
}
