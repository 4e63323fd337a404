//! Traces of policies that are too long to be listed in full.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Context, Element, Layers, Policy, PolicyKind, Principal, Request, StatementTrace, Trace,
    evaluate, explain, trace,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/exec";

fn caller() -> Principal {
    let account: AccountId = "111122223333".parse().unwrap();
    Principal::role_session(ROLE.parse().unwrap(), &account, "AROAEXEC", "s1")
}

fn policy(statements: &[Value]) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    Policy::stored(&document.to_string(), PolicyKind::Identity).unwrap()
}

/// The trace of a request under several identity policies, proven to say what the decision says.
fn traced(policies: &[Policy], action: &str, resource: &str) -> Trace {
    let (principal, context) = (caller(), Context::new().with("aws:RequestedRegion", "r"));
    let request =
        Request { principal: &principal, action, resource, resource_account: None, context: &context };
    let attached: Vec<_> = policies.iter().map(|policy| Attached::inline("own", policy)).collect();
    let layers = Layers { identity: &attached, ..Layers::default() };
    let (trace, decision) = (trace(&request, &layers), evaluate(&request, &layers));
    assert_eq!((trace.effect, trace.layer), (decision.effect, decision.layer));
    let deciding = decision.deciding.map(|it| it.index);
    let matched =
        || trace.layers[0].policies.iter().flat_map(|it| &it.statements).filter(|it| it.matched.is_some());
    assert!(deciding.is_none_or(|index| matched().any(|it| it.index == index)));
    trace
}

/// Every statement of a long policy by its place: cut up, its parts are short enough to be listed in full.
fn in_full(statements: &[Value], action: &str, resource: &str) -> BTreeMap<usize, StatementTrace> {
    let parts: Vec<_> = statements.chunks(10).map(policy).collect();
    let trace = traced(&parts, action, resource);
    let parts = trace.layers.into_iter().next().unwrap().policies.into_iter().enumerate();
    let statements = parts.flat_map(|(at, part)| {
        assert_eq!(part.others, None);
        part.statements.into_iter().map(move |it| StatementTrace { index: 10 * at + it.index, ..it })
    });
    statements.map(|it| (it.index, it)).collect()
}

fn misses_action(statement: &StatementTrace) -> bool {
    statement.misses.iter().any(|miss| miss.element == Element::Action)
}

fn actions() -> impl Strategy<Value = Value> {
    let names = ["ecr:Get", "ecr:GetAll", "ecr:Put", "s3:Get", "s3:Put*", "ecr:*", "E*r:?et", "*"];
    prop_oneof![
        prop::sample::select(names.to_vec()).prop_map(|name| json!(name)),
        prop::collection::vec(prop::sample::select(names.to_vec()), 1..4).prop_map(|names| json!(names)),
        (0..200u32).prop_map(|number| json!(["ecr:Get", format!("s3:Other{number}")])),
        (0..200u32).prop_map(|number| json!(format!("ecr:Other{number}"))),
    ]
}

fn resources() -> impl Strategy<Value = Value> {
    let wide = [
        "*",
        "arn:aws:ecr:r:111122223333:repository/${*}",
        "arn:aws:ecr:r:111122223333:Repository/T1/*",
        "arn:aws:ecr:*:*:repository/*",
        "arn:aws:ecr:r:*:repository/${aws:PrincipalAccount}/x",
    ];
    prop_oneof![
        8 => (0..60u32).prop_map(|number| json!(format!("arn:aws:ecr:r:111122223333:repository/t{number}/*"))),
        2 => (0..60u32).prop_map(|number| json!(format!("arn:aws:ecr:r:444455556666:repository/t{number}/x"))),
        1 => prop::sample::select(wide.to_vec()).prop_map(|text| json!(text)),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let region = prop::option::of(prop::sample::select(vec!["r", "other"]));
    (
        actions(),
        resources(),
        region,
        prop::bool::weighted(0.1),
        prop::array::uniform2(prop::bool::weighted(0.05)),
        prop::option::of("[A-Z][a-z0-9]{0,3}"),
    )
        .prop_map(|(actions, resources, region, denies, [not_action, not_resource], sid)| {
            let mut statement = json!({"Effect": if denies { "Deny" } else { "Allow" }});
            if let Some(sid) = sid {
                statement["Sid"] = json!(sid);
            }
            statement[if not_action { "NotAction" } else { "Action" }] = actions;
            statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
            if let Some(region) = region {
                statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": region}});
            }
            statement
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_that_matched_is_listed_and_the_rest_is_counted(
        statements in prop::collection::vec(statement(), 17..160),
        action in prop::sample::select(vec!["ecr:Get", "ECR:put", "s3:Get", "ecr:Other7", "sqs:Send", "get"]),
        number in 0..60u32,
    ) {
        let resource = format!("arn:aws:ecr:r:111122223333:repository/t{number}/x");
        let full = in_full(&statements, action, &resource);
        let trace = traced(&[policy(&statements)], action, &resource);
        let own = &trace.layers[0].policies[0];
        let others = own.others.unwrap();
        prop_assert_eq!(own.statements.len() + others.count(), statements.len());
        for listed in &own.statements {
            prop_assert_eq!(Some(listed), full.get(&listed.index));
        }
        let matched = |it: &&StatementTrace| it.matched.is_some();
        let listed: Vec<_> = own.statements.iter().filter(matched).map(|it| it.index).collect();
        let expected: Vec<_> = full.values().filter(matched).map(|it| it.index).collect();
        prop_assert_eq!(listed, expected);
        let misses: Vec<_> = own.statements.iter().filter(|it| it.matched.is_none()).collect();
        prop_assert!(misses.len() <= 8);
        // Nobody is said to name another action who does not.
        let wrong = full.values().filter(|it| misses_action(it)).count();
        prop_assert!(others.other_actions <= wrong);
        let unlisted = wrong - misses.iter().filter(|it| misses_action(it)).count();
        prop_assert!(others.other_actions + others.examined + others.skipped >= unlisted);
    }
}

/// `count` statements for one action each, and further ones at a place in the middle.
fn among(count: usize, action: &str, further: &[Value]) -> Vec<Value> {
    let filler = |number| json!({"Effect": "Allow", "Action": action, "Resource": format!("arn:aws:secretsmanager:r:111122223333:secret:t{number}/*")});
    let mut statements: Vec<_> = (0..count).map(filler).collect();
    statements.splice(count / 2..count / 2, further.iter().cloned());
    statements
}

const SECRET: &str = "arn:aws:secretsmanager:r:111122223333:secret:prod/db-AbCdEf";
const GET: &str = "secretsmanager:GetSecretValue";

#[test]
fn the_nearest_of_thousands_is_found() {
    let allow =
        |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let elsewhere = SECRET.replace("111122223333", "444455556666");
    let conditional = json!({"Effect": "Allow", "Action": GET, "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "other"}}});
    let table = [
        (allow(GET, SECRET.trim_end_matches("-AbCdEf")), "a secret's ARN ends in six random characters"),
        (allow(GET, &elsewhere), "its account were `111122223333` instead of `444455556666`"),
        (allow(GET, &SECRET.to_lowercase()), "resource names are case-sensitive"),
        (allow("secretsmanager:GetSecretValues", SECRET), "is not an action"),
        (allow("secretsmanager:GetSecretValu", "*"), "is not an action"),
        (conditional, "`aws:RequestedRegion` were StringEquals `other`"),
    ];
    for filler in [GET, "ecr:Get"] {
        // With wrong resources of the right action before it, a wrong action is too far away to be listed.
        for (statement, expected) in table.iter().filter(|it| filler != GET || it.0["Action"] == GET) {
            let statements = among(3_000, filler, std::slice::from_ref(statement));
            let trace = traced(&[policy(&statements)], GET, SECRET);
            let hints = explain(&trace);
            let found = hints.iter().any(|hint| hint.contains("statement 1501 ") && hint.contains(expected));
            assert!(found, "{filler} {expected}: {hints:#?}");
        }
    }
}

#[test]
fn statements_that_are_not_listed_are_counted_by_reason() {
    let counts = |statements: &[Value]| {
        let trace = traced(&[policy(statements)], GET, SECRET);
        let own = &trace.layers[0].policies[0];
        let others = own.others.unwrap();
        (own.statements.len(), others.other_actions, others.examined, others.skipped)
    };
    assert_eq!(counts(&among(5_000, "ecr:Get", &[])), (0, 5_000, 0, 0));
    assert_eq!(counts(&among(5_000, GET, &[])), (5, 0, 7, 4_988));
    let other = json!({"Effect": "Allow", "Action": "ecr:Get", "Resource": "*"});
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    assert_eq!(counts(&among(100, GET, &[other, all])), (6, 1, 1, 94));
    // Each lists the action among different others, so that no two are alike.
    let unlike =
        |number| json!({"Effect": "Allow", "Action": [GET, format!("a:b{number}")], "Resource": "arn:x"});
    let (listed, other_actions, examined, skipped) = counts(&(0..1_000).map(unlike).collect::<Vec<_>>());
    assert_eq!((listed, other_actions, listed + examined + skipped), (5, 0, 1_000));
}

#[test]
fn denies_take_no_place_from_allows() {
    let deny = json!({"Effect": "Deny", "Action": GET, "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "other"}}});
    let mut statements = vec![deny; 100];
    statements
        .push(json!({"Effect": "Allow", "Action": GET, "Resource": SECRET.trim_end_matches("-AbCdEf")}));
    let trace = traced(&[policy(&statements)], GET, SECRET);
    assert_eq!(trace.layers[0].policies[0].statements[0].index, 100);
    assert!(explain(&trace)[0].contains("statement 101 "));
}

#[test]
fn short_policies_are_listed_in_full_and_old_traces_can_be_read() {
    let short = traced(&[policy(&among(16, "ecr:Get", &[]))], GET, SECRET);
    let own = &short.layers[0].policies[0];
    assert_eq!((own.statements.len(), own.others), (16, None));
    let text = serde_json::to_string(&short).unwrap();
    assert!(!text.contains("others"));
    assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), short);
    let long = traced(&[policy(&among(17, "ecr:Get", &[]))], GET, SECRET);
    let text = serde_json::to_string(&long).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), long);
}
