//! A suggested fix is carried out in the policies of the case, and the naive judge has the last word: with all steps
//! the request is allowed, without any one of them it is not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "this test asks only some of the questions")]
mod generator;
#[allow(dead_code, reason = "this test asks only some of the questions")]
mod naive;

use landfall_iam::simulate::{Case, layer_key};
use landfall_iam::{Blocker, Fix, FixStep, suggest_fix, suggest_fix_for_all};
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

/// A case of several checks: `request.checks` replaces parts of the request.
fn fix_of(case: &Value) -> Option<Fix> {
    suggest_fix_for_all(Case::parse(&case.to_string()).unwrap().checks())
}

/// The decision on each check, by the naive judge.
fn decisions(case: &Value) -> Vec<&'static str> {
    let of = |over: &Value| {
        let mut one = case.clone();
        for (name, value) in over.as_object().unwrap() {
            one["request"][name] = value.clone();
        }
        decision(&one)
    };
    case["request"]["checks"].as_array().unwrap().iter().map(of).collect()
}

fn call(checks: Value, policies: Value) -> Value {
    let principal = json!({"type": "User", "arn": "arn:aws:iam::111122223333:user/alice", "account": "111122223333",
        "uniqueId": "AIDAALICE"});
    json!({"id": "call", "request": {"principal": principal, "resourceAccount": "111122223333", "context": {},
        "action": "x:Y", "resource": "*", "checks": checks}, "policies": policies})
}

#[test]
fn one_fix_allows_all_checks_of_a_call() {
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let family = "arn:aws:ecs:us-east-1:111122223333:task-definition/app:*";
    let pass = |name: &str| json!({"action": "iam:PassRole", "resource": role(name)});
    let register = json!({"action": "ecs:RegisterTaskDefinition", "resource": family});
    let tag = json!({"action": "ecs:TagResource", "resource": family});
    let allow =
        |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let identity =
        |statement: Value| json!({"identity": [{"Version": "2012-10-17", "Statement": [statement]}]});
    let table = [
        (
            json!([register, pass("exec"), pass("task")]),
            identity(allow(json!("ecs:RegisterTaskDefinition"), json!("*"))),
            vec![allow(json!("iam:PassRole"), json!([role("exec"), role("task")]))],
        ),
        (
            json!([register, pass("exec"), pass("exec")]),
            json!({}),
            vec![
                allow(json!("ecs:RegisterTaskDefinition"), json!(family)),
                allow(json!("iam:PassRole"), json!(role("exec"))),
            ],
        ),
        (
            json!([pass("exec"), tag, register]),
            json!({}),
            vec![
                allow(json!("iam:PassRole"), json!(role("exec"))),
                allow(json!(["ecs:TagResource", "ecs:RegisterTaskDefinition"]), json!(family)),
            ],
        ),
    ];
    for (checks, policies, expected) in table {
        let mut case = call(checks, policies);
        let fix = fix_of(&case).unwrap();
        assert!(fix.verified && fix.smallest && fix.blocked.is_none(), "{fix:?}");
        assert_eq!(fix.steps.iter().map(|step| step.statement.clone()).collect::<Vec<_>>(), expected);
        fix.steps.iter().for_each(|step| add(&mut case, step));
        assert!(decisions(&case).iter().all(|it| *it == "Allow"), "{case:#}");
    }
}

#[test]
fn a_check_that_is_denied_blocks_the_call() {
    let deny = json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}});
    let checks = json!([{"action": "ecs:ListClusters"}, {"action": "iam:PassRole", "resource": "arn:aws:iam::111122223333:role/r"}]);
    let fix = fix_of(&call(checks, json!({"identity": [deny]}))).unwrap();
    assert!(!fix.verified && !fix.smallest && matches!(fix.blocked, Some(Blocker::Deny { .. })), "{fix:?}");
    assert_eq!(fix.steps.len(), 1);
}

/// Clusters, roles that are passed, log groups and parameters have no policy in which another account could be let in.
#[test]
fn foreign_resources_without_policies_are_impossible() {
    let everything = json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let foreign = |action: &str, resource: &str| {
        let resource = format!("arn:aws:{resource}").replace("ACCOUNT", "444455556666");
        json!({"action": action, "resource": resource, "resourceAccount": "444455556666"})
    };
    let impossible = [
        foreign("ecs:DeleteCluster", "ecs:us-east-1:ACCOUNT:cluster/c"),
        foreign("iam:PassRole", "iam::ACCOUNT:role/r"),
        foreign("logs:FilterLogEvents", "logs:us-east-1:ACCOUNT:log-group:g:log-stream:"),
        foreign("ssm:GetParameter", "ssm:us-east-1:ACCOUNT:parameter/p"),
    ];
    let secret = foreign("secretsmanager:GetSecretValue", "secretsmanager:us-east-1:ACCOUNT:secret:s-AbCdEf");
    for policies in [json!({}), json!({"identity": [everything]})] {
        for check in &impossible {
            let fix = fix_of(&call(json!([secret, check]), policies.clone())).unwrap();
            assert!(fix.steps.is_empty() && !fix.verified, "{fix:?}");
            assert!(matches!(fix.blocked, Some(Blocker::Impossible(_))), "{fix:?}");
        }
        let fix = fix_of(&call(json!([secret]), policies)).unwrap();
        assert!(fix.verified && fix.smallest && fix.blocked.is_none(), "{fix:?}");
    }
}

/// Two requests by one caller under the same policies of its own; only what is on the resource is left out.
#[test]
fn fixes_of_several_checks_hold_and_nothing_in_them_is_needless() {
    let mut several = 0;
    for seed in 0..1_000 {
        let mut case = generator::case(seed, Scope::Everything);
        let other = generator::case(seed + 10_000, Scope::Everything);
        let fields = |request: &Value| json!({"action": request["action"], "resource": request["resource"], "resourceAccount": request["resourceAccount"]});
        case["request"]["checks"] = json!([fields(&case["request"]), fields(&other["request"])]);
        for on_resource in ["resource", "grants"] {
            case["policies"].as_object_mut().unwrap().remove(on_resource);
        }
        let Some(fix) = fix_of(&case) else {
            assert!(decisions(&case).iter().all(|it| *it == "Allow"), "{case:#}");
            continue;
        };
        if fix.blocked.is_some() || fix.steps.iter().any(|step| step.resource.is_some()) {
            continue;
        }
        assert!(fix.verified && fix.smallest, "{fix:?} {case:#}");
        let with = |steps: &mut dyn Iterator<Item = &FixStep>| {
            let mut fixed = case.clone();
            steps.for_each(|step| add(&mut fixed, step));
            decisions(&fixed).iter().all(|it| *it == "Allow")
        };
        assert!(with(&mut fix.steps.iter()), "{fix:?} {case:#}");
        for left_out in 0..fix.steps.len() {
            let mut others = fix.steps.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, it)| it);
            assert!(!with(&mut others), "step {left_out} is needless: {fix:?} {case:#}");
        }
        several += usize::from(fix.steps.len() > 1);
    }
    assert!(several > 50, "{several} fixes of several steps");
}
