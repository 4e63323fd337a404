//! A suggested fix is carried out in the policies of the case, and the naive judge has the last word: with all steps
//! the request is allowed, without any one of them it is not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "this test asks only some of the questions")]
mod generator;
#[allow(dead_code, reason = "this test asks only some of the questions")]
mod naive;

use landfall_iam::simulate::{Case, layer_key};
use landfall_iam::{Blocker, Fix, FixStep, suggest_fix};
use serde_json::{Value, json};

use generator::Scope;

fn decision(case: &Value) -> &'static str {
    naive::decide(case, naive::Switches::default()).decision
}

/// Adds a document to a layer, or to each of its levels.
fn add(case: &mut Value, step: &FixStep) {
    let document = json!({"Version": "2012-10-17", "Statement": [step.statement]});
    let layer = &mut case["policies"][layer_key(step.layer)];
    if layer_key(step.layer) == "scp" {
        for level in layer.as_array_mut().unwrap() {
            level.as_array_mut().unwrap().push(document.clone());
        }
        return;
    }
    let mut documents = match layer.take() {
        Value::Null => Vec::new(),
        Value::Array(documents) => documents,
        one => vec![one],
    };
    documents.push(document);
    *layer = documents.into();
}

fn with_steps<'a>(case: &Value, steps: impl Iterator<Item = &'a FixStep>) -> &'static str {
    let mut fixed = case.clone();
    steps.for_each(|step| add(&mut fixed, step));
    decision(&fixed)
}

fn check(case: &Value, fix: &Fix) {
    if let Some(blocker) = &fix.blocked {
        match blocker {
            Blocker::Deny { .. } => {
                assert_eq!(with_steps(case, fix.steps.iter()), "ExplicitDeny", "{case:#}");
            }
            Blocker::Impossible(_) => {
                assert_ne!(with_steps(case, fix.steps.iter()), "Allow", "{case:#}");
            }
        }
        return;
    }
    assert!(fix.verified && fix.smallest, "{fix:?} {case:#}");
    assert_eq!(with_steps(case, fix.steps.iter()), "Allow", "{fix:?} {case:#}");
    for left_out in 0..fix.steps.len() {
        let others = fix.steps.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, step)| step);
        assert_ne!(with_steps(case, others), "Allow", "step {left_out} is needless: {fix:?} {case:#}");
    }
}

/// A statement holds one action and one resource; something else must not be allowed by it.
fn is_narrow(fix: &Fix, case: &Value) {
    for step in &fix.steps {
        assert_eq!(step.statement["Action"], case["request"]["action"]);
        let mut other = case.clone();
        other["policies"] = json!({"identity": [{"Version": "2012-10-17", "Statement": [step.statement]}]});
        other["request"]["principal"]["type"] = json!("User");
        let resource = case["request"]["resource"].as_str().unwrap();
        if resource != "*" && step.statement["Resource"] != "*" && !step.statement["Resource"].is_null() {
            other["request"]["resource"] = json!(format!("{}/more", resource.replace('*', "x")));
            assert_ne!(decision(&other), "Allow", "{step:?} {case:#}");
        }
    }
}

#[test]
fn fixes_hold_and_nothing_in_them_is_needless() {
    let (mut fixed, mut blocked) = (0, 0);
    for seed in 0..1_000 {
        let case = generator::case(seed, Scope::Everything);
        let read = Case::parse(&case.to_string()).unwrap();
        let Some(fix) = read.checks()[0].with(suggest_fix) else {
            assert_eq!(decision(&case), "Allow");
            continue;
        };
        check(&case, &fix);
        is_narrow(&fix, &case);
        if fix.blocked.is_some() { blocked += 1 } else { fixed += 1 }
    }
    assert!(fixed > 150 && blocked > 150, "{fixed} fixed, {blocked} blocked: too few of a kind");
}
