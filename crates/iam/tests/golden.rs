//! The golden cases of `data/iam_cases.json`: decisions, deciding layers, refusals, and documents to refuse. Every
//! refused case must also get a verified fix or a named explicit deny, and a trace that agrees with the decision.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cases;

use landfall_iam::{
    Effect, Layer, Layers, Policy, PolicyKind, Request, Trace, evaluate, explain, suggest_fix, trace,
};
use serde_json::Value;

fn file() -> Value {
    serde_json::from_str(include_str!("data/iam_cases.json")).unwrap()
}

fn layer_named(name: &str) -> Layer {
    match name {
        "identity" => Layer::Identity,
        "boundary" => Layer::Boundary,
        "session" => Layer::Session,
        "scp" => Layer::ServiceControl,
        "rcp" => Layer::ResourceControl,
        "vpce" => Layer::Endpoint,
        other => panic!("unknown layer {other}"),
    }
}

/// Runs one case; all mismatches as text.
fn run(case: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut refusal = None;
    for check in cases::checks(case) {
        check.with(|request, layers| {
            problems.extend(trace_problems(request, layers));
            let decision = evaluate(request, layers);
            if !decision.is_allowed() && refusal.is_none() {
                refusal = Some((decision.effect, decision.layer, decision.denial_through_service(request)));
            }
        });
    }
    let (effect, layer, denial) = refusal.unwrap_or((Effect::Allow, Layer::Inherent, String::new()));
    let expected = &case["expected"];
    if format!("{effect:?}") != expected["decision"].as_str().unwrap() {
        problems.push(format!("decided {effect:?} in {layer:?}, expected {}", expected["decision"]));
    }
    if expected["layer"].as_str().is_some_and(|wanted| layer_named(wanted) != layer) {
        problems.push(format!("layer {layer:?}, expected {}", expected["layer"]));
    }
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
