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

/// The rule of what could not be found out.
const UNKNOWN: (&str, &str) = ("unknown", "Whether this is so could not be checked");

/// One run with one result for each finding, and one for each thing that is not known.
pub(super) fn report(path: &str, checked: &[Checked]) -> Value {
    run(&checked.iter().flat_map(|it| results(path, it)).collect::<Vec<_>>())
}

fn results(path: &str, it: &Checked) -> Vec<Value> {
    let located = |mut result: Value, name: &str| {
        result["locations"] = json!([{
            "physicalLocation": {"artifactLocation": {"uri": path}},
            "logicalLocations": [{"name": name}]
        }]);
        result
    };
    let found = it
        .findings
        .iter()
        .map(|found| located(result(found), found.container.as_deref().unwrap_or(&it.name)));
    let open = it.open.iter().map(|what| located(open(what), &it.name));
    found.chain(open).collect()
}

/// What a text means: it has no place in a file.
pub(super) fn of_reason(found: &Finding) -> Value {
    run(&[result(found)])
}

fn run(results: &[Value]) -> Value {
    let rules: Vec<Value> = CAUSES
        .iter()
        .chain([&UNKNOWN])
        .map(|(id, text)| json!({"id": id, "shortDescription": {"text": text}}))
        .collect();
    let driver = json!({
        "name": "landfall check",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]})
}

fn result(found: &Finding) -> Value {
    let fix = found.fix.as_ref();
    let words = fix.map(|fix| fix.text.as_str()).filter(|text| !text.is_empty());
    let parts = [Some(found.headline.as_str()), words].into_iter().flatten();
    let parts = parts.chain(fix.map(finding::to_paste).unwrap_or_default());
    let text = parts.collect::<Vec<_>>().join("\n");
    json!({
        "ruleId": finding::cause(&found.cause),
        "kind": "fail",
        "level": "error",
        "message": {"text": text},
        "properties": {"awsMessage": found.message, "verified": fix.is_some_and(|fix| fix.verified)}
    })
}

/// `open` is SARIF's word for what could not be decided; its level is always `none` (3.27.9, 3.27.10).
fn open(what: &str) -> Value {
    json!({
        "ruleId": UNKNOWN.0,
        "kind": "open",
        "level": "none",
        "message": {"text": format!("not known: {what}")}
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Kind;

    #[test]
    fn what_is_not_known_is_an_open_result() {
        let checked = Checked {
            kind: Kind::TaskDefinition,
            name: "app".to_owned(),
            open: vec!["whether it rains".to_owned()],
            launch: "FARGATE".to_owned(),
            would_start: false,
            findings: vec![Finding::default()],
        };
        let report = report("task.json", &[checked]);
        let run = &report["runs"][0];
        let kinds: Vec<_> = run["results"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
        assert_eq!(kinds, ["fail", "open"]);
        let open = &run["results"][1];
        assert_eq!((&open["ruleId"], &open["level"]), (&json!("unknown"), &json!("none")));
        assert_eq!(open["message"]["text"], "not known: whether it rains");
        assert_eq!(open["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "task.json");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(rules.iter().any(|rule| rule["id"] == open["ruleId"]));
    }
}
