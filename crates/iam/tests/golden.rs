//! The golden cases of `data/iam_cases.json`: decisions, deciding layers, refusals, and documents to refuse. Every
//! refused case must also get a verified fix or a named explicit deny, and a trace that agrees with the decision.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use landfall_iam::simulate::{Case, run_case};
use landfall_iam::{Layers, Policy, PolicyKind, Request, Trace, evaluate, explain, suggest_fix, trace};
use serde_json::Value;

fn file() -> Value {
    serde_json::from_str(include_str!("data/iam_cases.json")).unwrap()
}

/// Runs one case as `landfall iam simulate` does; all mismatches as text.
fn run(case: &Value) -> Vec<String> {
    let text = case.to_string();
    let mut problems = Vec::new();
    for check in Case::parse(&text).unwrap().checks() {
        check.with(|request, layers| problems.extend(trace_problems(request, layers)));
    }
    let answer: Value = serde_json::from_str(&run_case(&text, false).unwrap()).unwrap();
    let expected = &case["expected"];
    for (name, have) in
        [("decision", &answer["decision"]), ("layer", &answer["layer"]), ("id", &answer["id"])]
    {
        let want = if name == "id" { &case["id"] } else { &expected[name] };
        if !want.is_null() && want != have {
            problems.push(format!("{name} {have}, expected {want}"));
        }
    }
    let denial = answer["message"].as_str().unwrap_or_default();
    if expected["messageSuffix"].as_str().is_some_and(|suffix| !denial.ends_with(suffix)) {
        problems.push(format!("`{denial}` does not end in {}", expected["messageSuffix"]));
    }
    problems
}

/// Whether trace, hints and fix agree with the decision.
fn trace_problems(request: &Request<'_>, layers: &Layers<'_>) -> Vec<String> {
    let decision = evaluate(request, layers);
    let trace = trace(request, layers);
    let stored: Trace = serde_json::from_str(&serde_json::to_string(&trace).unwrap()).unwrap();
    let mut statements = trace.layers.iter().flat_map(|it| &it.policies).flat_map(|it| &it.statements);
    let fix = suggest_fix(request, layers);
    let fixed = fix.as_ref().map(|fix| fix.verified || fix.blocked.is_some());
    let wanted_fix = (!decision.is_allowed()).then_some(true);
    let checks = [
        (stored == trace, "the trace changes when it is stored"),
        (trace.effect == decision.effect, "the trace decides otherwise"),
        (statements.all(|it| it.matched.is_some() == it.misses.is_empty()), "misses disagree with matches"),
        (explain(&trace).is_empty() == decision.is_allowed(), "hints for an allowed request, or none"),
        (fixed == wanted_fix, "no verified fix and no blocker, or a fix for an allowed request"),
    ];
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

#[test]
fn decisions() {
    let file = file();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 146);
    let failures: Vec<_> = cases
        .iter()
        .map(|case| (case, run(case)))
        .filter(|(_, problems)| !problems.is_empty())
        .map(|(case, problems)| format!("{} {}: {problems:#?} ({})", case["id"], case["title"], case["why"]))
        .collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn documents() {
    let file = file();
    let documents = file["policyValidation"].as_array().unwrap();
    assert_eq!(documents.len(), 40);
    for entry in documents {
        let kind = match entry["kind"].as_str().unwrap() {
            "identity" => PolicyKind::Identity,
            "trust" => PolicyKind::RoleTrust,
            other => panic!("unknown kind {other}"),
        };
        let error = Policy::parse(entry["document"].as_str().unwrap(), kind).err();
        let found = error.as_ref().map(|error| (error.code(), error.message()));
        let expected = entry["expectedCode"]
            .as_str()
            .map(|code| (code, entry["expectedMessage"].as_str().unwrap().to_owned()));
        assert_eq!(found, expected, "{}", entry["name"]);
    }
}

#[test]
fn an_answer_has_trace_and_fix_on_request() {
    let file = file();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        let answer: Value = serde_json::from_str(&run_case(&case.to_string(), true).unwrap()).unwrap();
        let checks = case["request"]["checks"].as_array().map_or(1, Vec::len);
        assert_eq!(answer["trace"].as_array().unwrap().len(), checks, "{}", case["id"]);
        let refused = answer["decision"] != "Allow";
        assert_eq!(answer["fix"].as_array().unwrap().is_empty(), !refused, "{}", case["id"]);
        assert_eq!(answer["message"].is_null(), !refused, "{}", case["id"]);
    }
}

#[test]
fn what_is_no_case_is_named() {
    let principal = r#""principal":{"type":"Anonymous","arn":"anonymous"}"#;
    let table = [
        ("[]".to_owned(), "not a case"),
        ("{}".to_owned(), "missing field `request`"),
        (r#"{"id":"x","request":{}}"#.to_owned(), "case `x`: `request.action` is missing"),
        (
            r#"{"request":{"action":"a:b","resource":"*","principal":{"type":"Bot","arn":"b"}}}"#.to_owned(),
            "`principal.type` is `Bot`",
        ),
        (
            format!(r#"{{"request":{{"action":"a:b","resource":"*",{principal},"context":{{"k":{{}}}}}}}}"#),
            "as `k`: expected text",
        ),
        (
            format!(
                r#"{{"request":{{"action":"a:b","resource":"*",{principal}}},"policies":{{"identity":5}}}}"#
            ),
            "`policies.identity` holds a document that is no policy",
        ),
        (
            format!(
                r#"{{"request":{{"action":"a:b","resource":"*",{principal}}},"policies":{{"scp":{{}}}}}}"#
            ),
            "`policies.scp` is no list",
        ),
    ];
    for (text, expected) in table {
        let error = run_case(&text, false).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
