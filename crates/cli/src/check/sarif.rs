//! Findings as SARIF 2.1.0 (OASIS), which code review tools show beside the file.

use landfall_api::landfall::Finding;
use serde_json::{Value, json};

use super::Checked;
use crate::finding;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const CAUSES: [(&str, &str); 6] = [
    ("permission", "A policy does not allow it, or denies it"),
    ("content", "A secret, parameter or file is missing or holds the wrong thing"),
    ("configuration", "The task definition, or something it names, is not right"),
    ("registry", "The registry says no"),
    ("network", "Something cannot be reached"),
    ("capacity", "There is no room"),
];

/// One run with one result for each finding.
pub(super) fn report(path: &str, checked: &[Checked]) -> Value {
    let located = |it: &Checked, found: &Finding| {
        let mut result = result(found);
        result["locations"] = json!([{
            "physicalLocation": {"artifactLocation": {"uri": path}},
            "logicalLocations": [{"name": found.container.as_deref().unwrap_or(&it.name)}]
        }]);
        result
    };
    let of = |it: &Checked| it.findings.iter().map(|found| located(it, found)).collect::<Vec<_>>();
    run(&checked.iter().flat_map(of).collect::<Vec<_>>())
}

/// What a text means: it has no place in a file.
pub(super) fn of_reason(found: &Finding) -> Value {
    run(&[result(found)])
}

fn run(results: &[Value]) -> Value {
    let rules: Vec<Value> =
        CAUSES.iter().map(|(id, text)| json!({"id": id, "shortDescription": {"text": text}})).collect();
    let driver = json!({
        "name": "landfall check",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]})
}

fn result(found: &Finding) -> Value {
    let fix = found.fix.as_ref();
    let parts = [
        Some(found.headline.as_str()),
        fix.map(|fix| fix.text.as_str()).filter(|text| !text.is_empty()),
        fix.and_then(|fix| fix.command.as_deref()),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
    json!({
        "ruleId": finding::cause(&found.cause),
        "level": "error",
        "message": {"text": text},
        "properties": {"awsMessage": found.message, "verified": fix.is_some_and(|fix| fix.verified)}
    })
}
