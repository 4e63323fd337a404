//! Calls of one or two checks under random policies: a fix that says verified is written into the documents of the case, as
//! its reader would do it, and the naive judge decides again. With all steps every check is allowed, without any one of them
//! not every one is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "this test asks only some of the questions")]
mod naive;

use std::cell::Cell;

use landfall_iam::simulate::{Case, layer_key};
use landfall_iam::{Blocker, Fix, FixStep, policy_holder, suggest_fix_for_all};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

/// Actions with what they may be about; `A` stands for the account.
const ACTIONS: [(&str, &[&str]); 13] = [
    (
        "s3:GetObject",
        &[
            "arn:aws:s3:::b/k",
            "arn:aws:s3:::b/a*b",
            "arn:aws:s3:::b/${aws:username}/x",
            "arn:aws:s3:::b/a:?c",
        ],
    ),
    ("s3:ListBucket", &["arn:aws:s3:::b"]),
    ("kms:Decrypt", &["arn:aws:kms:us-east-1:A:key/1"]),
    ("kms:GenerateDataKey", &["arn:aws:kms:us-east-1:A:key/1"]),
    ("kms:ScheduleKeyDeletion", &["arn:aws:kms:us-east-1:A:key/1"]),
    ("ecr:BatchGetImage", &["arn:aws:ecr:us-east-1:A:repository/app"]),
    ("ecr:GetAuthorizationToken", &["*"]),
    ("sts:AssumeRole", &["arn:aws:iam::A:role/p/target"]),
    ("sts:TagSession", &["arn:aws:iam::A:role/p/target"]),
    ("iam:PassRole", &["arn:aws:iam::A:role/p/target"]),
    ("ecs:ListTasks", &["arn:aws:ecs:us-east-1:A:container-instance/c/*"]),
    ("secretsmanager:GetSecretValue", &["arn:aws:secretsmanager:us-east-1:A:secret:db-AbCdEf"]),
    ("logs:GetLogEvents", &["arn:aws:logs:us-east-1:A:log-group:g:log-stream:[$LATEST]?"]),
];

fn principals() -> Vec<Value> {
    let arn = |service: &str, name: &str| format!("arn:aws:{service}::{OWN}:{name}");
    let user = arn("iam", "user/bob");
    vec![
        json!({"type": "User", "arn": user, "account": OWN, "uniqueId": "AIDABOB"}),
        json!({"type": "AssumedRole", "arn": arn("sts", "assumed-role/R/s"), "account": OWN,
            "roleArn": arn("iam", "role/p/R"), "uniqueId": "AROAR"}),
        json!({"type": "AssumedRole", "arn": arn("sts", "assumed-role/L/s"), "account": OWN,
            "roleArn": arn("iam", "role/aws-service-role/L"), "uniqueId": "AROAL", "serviceLinked": true}),
        json!({"type": "FederatedUser", "arn": arn("sts", "federated-user/f"), "account": OWN, "userArn": user,
            "uniqueId": "AIDABOB"}),
        json!({"type": "Root", "arn": arn("iam", "root"), "account": OWN}),
        json!({"type": "Service", "arn": "ecs-tasks.amazonaws.com"}),
        json!({"type": "Anonymous", "arn": "anonymous"}),
    ]
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

/// What one check is about.
fn asked() -> impl Strategy<Value = (String, String, String)> {
    let about = |(action, resources): (&'static str, &'static [&'static str])| {
        (Just(action), one_of(resources), one_of(&[OWN, OWN, OWN, OTHER]))
    };
    one_of(&ACTIONS).prop_flat_map(about).prop_map(|(action, resource, account)| {
        (action.to_owned(), resource.replace(":A:", &format!(":{account}:")), account.to_owned())
    })
}

fn conditions() -> impl Strategy<Value = Option<Value>> {
    let all = [
        json!({"StringEquals": {"aws:PrincipalTag/t": "x"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"StringNotEquals": {"aws:SourceVpce": "v"}}),
        json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}),
        json!({"Null": {"aws:SourceIp": "true"}}),
        json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    ];
    prop::option::weighted(0.6, one_of(&all))
}

fn named() -> impl Strategy<Value = Value> {
    let arns = [
        json!("*"),
        json!({"AWS": OWN}),
        json!({"AWS": OTHER}),
        json!({"AWS": format!("arn:aws:iam::{OWN}:user/bob")}),
        json!({"AWS": format!("arn:aws:iam::{OWN}:role/p/R")}),
        json!({"AWS": format!("arn:aws:sts::{OWN}:assumed-role/R/s")}),
        json!({"Service": "ecs-tasks.amazonaws.com"}),
    ];
    one_of(&arns)
}

/// A statement that nearly fits.
fn statement(
    (action, resource): (String, String),
    with_principal: bool,
    denials: f64,
) -> impl Strategy<Value = Value> {
    let service = action.split(':').next().unwrap().to_owned();
    let patterns = [action.clone(), action, "*".into(), format!("{service}:*"), "sqs:*".into()];
    let plain = if resource.contains(['*', '$', '?']) { "*".to_owned() } else { resource };
    let resources = [plain.clone(), plain, "*".into(), "arn:aws:s3:::other/*".into()];
    let parts = (
        prop::bool::weighted(denials),
        (one_of(&patterns), prop::bool::weighted(0.2)),
        (one_of(&resources), prop::bool::weighted(0.2)),
        named(),
        conditions(),
    );
    parts.prop_map(move |(denies, (action, other_actions), (resource, other_resources), who, condition)| {
        let mut statement = json!({"Effect": if denies { "Deny" } else { "Allow" }});
        statement[if other_actions && !denies { "NotAction" } else { "Action" }] = json!(action);
        if service != "sts" || !with_principal {
            statement[if other_resources { "NotResource" } else { "Resource" }] = json!(resource);
        }
        if with_principal {
            statement["Principal"] = who;
        }
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

fn document(about: (String, String), with_principal: bool, denials: f64) -> BoxedStrategy<Value> {
    let version = one_of(if with_principal { &["2012-10-17", "2008-10-17"] } else { &["2012-10-17"] });
    let statements = prop::collection::vec(statement(about, with_principal, denials), 1..3);
    (version, statements)
        .prop_map(|(version, statements)| json!({"Version": version, "Statement": statements}))
        .boxed()
}

fn maybe<S: Strategy<Value = Value>>(chance: f64, value: S) -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(chance, value)
}

/// One check, with the policy of its resource.
fn check() -> impl Strategy<Value = Value> {
    asked().prop_flat_map(|(action, resource, account)| {
        let about = (action.clone(), resource.clone());
        maybe(0.5, document(about, true, 0.08)).prop_map(move |policy| {
            let policies = policy.map_or(json!({}), |policy| json!({"resource": policy}));
            json!({"action": action, "resource": resource, "resourceAccount": account, "policies": policies})
        })
    })
}

fn context() -> impl Strategy<Value = Value> {
    let tag = prop::option::of(one_of(&["x", "y"]));
    let address = prop::option::of(one_of(&["10.1.1.1", "8.8.8.8"]));
    let keys = prop::option::of(Just(["a", "b"]));
    (tag, address, keys).prop_map(|(tag, address, keys)| {
        let values = [
            ("aws:PrincipalTag/t", json!(tag)),
            ("aws:SourceIp", json!(address)),
            ("aws:TagKeys", json!(keys)),
        ];
        values.into_iter().filter(|(_, value)| !value.is_null()).collect()
    })
}

/// A call, and the policies of its caller.
fn call() -> impl Strategy<Value = Value> {
    let checks = prop::collection::vec(check(), 1..3);
    (one_of(&principals()), checks, context()).prop_flat_map(|(principal, mut checks, context)| {
        same_resources_have_the_same_policy(&mut checks);
        let first = &checks[0];
        let about =
            (first["action"].as_str().unwrap().to_owned(), first["resource"].as_str().unwrap().to_owned());
        let kind = principal["type"].as_str().unwrap().to_owned();
        let own = |denials| document(about.clone(), false, denials);
        let layers = (
            prop::collection::vec(own(0.08), 0..3),
            maybe(0.3, own(0.08)),
            maybe(0.4, own(0.08)),
            maybe(
                0.3,
                prop::collection::vec(own(0.05).prop_map(|it| json!([it])), 1..3).prop_map(Value::from),
            ),
            maybe(0.15, document(about.clone(), true, 0.05)),
        );
        layers.prop_map(move |(identity, boundary, session, scp, endpoint)| {
            let mut policies = json!({"identity": identity});
            let boundary = boundary.filter(|_| ["User", "AssumedRole"].contains(&kind.as_str()));
            let session = session.filter(|_| ["AssumedRole", "FederatedUser"].contains(&kind.as_str()));
            for (name, layer) in
                [("boundary", boundary), ("session", session), ("scp", scp), ("vpce", endpoint)]
            {
                if let Some(layer) = layer {
                    policies[name] = layer;
                }
            }
            let request = json!({"principal": principal, "context": context, "checks": checks});
            json!({"id": "call", "request": request, "policies": policies})
        })
    })
}

fn same_resources_have_the_same_policy(checks: &mut [Value]) {
    let holder = |check: &Value| policy_holder(check["resource"].as_str().unwrap()).to_owned();
    let (first, others) = checks.split_first_mut().unwrap();
    for check in others.iter_mut().filter(|check| holder(check) == holder(first)) {
        check["policies"] = first["policies"].clone();
        check["resourceAccount"] = first["resourceAccount"].clone();
    }
}

/// Adds a statement to a document, or makes one of it.
fn extend(document: &mut Value, statement: &Value) {
    match document["Statement"].as_array_mut() {
        Some(statements) => statements.push(statement.clone()),
        None => *document = json!({"Version": "2012-10-17", "Statement": [statement]}),
    }
}

fn carry_out(case: &mut Value, step: &FixStep) {
    let added = json!({"Version": "2012-10-17", "Statement": [step.statement]});
    match layer_key(step.layer) {
        "identity" => case["policies"]["identity"].as_array_mut().unwrap().push(added),
        "scp" => {
            for level in case["policies"]["scp"].as_array_mut().unwrap() {
                level.as_array_mut().unwrap().push(added.clone());
            }
        }
        "resource" => {
            for check in case["request"]["checks"].as_array_mut().unwrap() {
                let holder = policy_holder(check["resource"].as_str().unwrap());
                if Some(holder) == step.resource.as_deref() {
                    extend(&mut check["policies"]["resource"], &step.statement);
                }
            }
        }
        layer => extend(&mut case["policies"][layer], &step.statement),
    }
}

/// Whether the naive judge allows every check when these steps are carried out.
fn allowed_with<'a>(case: &Value, steps: impl Iterator<Item = &'a FixStep>) -> bool {
    let mut case = case.clone();
    steps.for_each(|step| carry_out(&mut case, step));
    let checks = case["request"]["checks"].as_array().unwrap();
    checks.iter().all(|check| {
        let mut one = case.clone();
        for name in ["action", "resource", "resourceAccount"] {
            one["request"][name] = check[name].clone();
        }
        one["policies"]["resource"] = check["policies"]["resource"].clone();
        naive::decide(&one, naive::Switches::default()).decision == "Allow"
    })
}

fn holds(case: &Value, fix: &Fix) -> Result<(), TestCaseError> {
    let all = allowed_with(case, fix.steps.iter());
    if let Some(Blocker::Deny { .. } | Blocker::Impossible(_)) = &fix.blocked {
        prop_assert!(!fix.verified && !all, "{:?}", fix);
        return Ok(());
    }
    prop_assert!(fix.verified && fix.smallest, "{:?}", fix);
    prop_assert!(all, "{:?} does not work: {:#}", fix, case);
    for left_out in 0..fix.steps.len() {
        let others = fix.steps.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, step)| step);
        prop_assert!(!allowed_with(case, others), "step {} of {:?} is needless: {:#}", left_out, fix, case);
    }
    Ok(())
}

fn one_step(case: &Value) -> FixStep {
    let fix = suggest_fix_for_all(Case::parse(&case.to_string()).unwrap().checks()).unwrap();
    assert!(fix.verified && fix.smallest && fix.steps.len() == 1, "{fix:?}");
    fix.steps.into_iter().next().unwrap()
}

fn asking(principal: &Value, action: &str, resource: &str, policies: &Value) -> Value {
    let request =
        json!({"principal": principal, "action": action, "resource": resource, "resourceAccount": OWN});
    json!({"id": "one", "request": request, "policies": policies})
}

/// A federated session has no policy of its own but those that it was made with; its user has.
#[test]
fn the_policy_to_change_is_one_that_there_is() {
    let all =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let federated = &principals()[3];
    let step = one_step(&asking(federated, "ecs:ListClusters", "*", &json!({"session": [all]})));
    assert_eq!(step.place, format!("a policy of `arn:aws:iam::{OWN}:user/bob`"));
    let step = one_step(&asking(&principals()[6], "s3:GetObject", "arn:aws:s3:::b/k", &json!({})));
    assert_eq!(step.place, "the resource-based policy of `arn:aws:s3:::b`");
    assert_eq!(step.resource.as_deref(), Some("arn:aws:s3:::b"));
    assert_eq!(step.statement["Resource"], "arn:aws:s3:::b/k");
}

/// A star is a character in the keys of S3 only, and policies of 2008 have no variables to say so.
#[test]
fn a_star_is_written_as_what_it_means() {
    let user = &principals()[0];
    let of = |action: &str, resource: &str| {
        one_step(&asking(user, action, resource, &json!({}))).statement["Resource"].clone()
    };
    let instances = format!("arn:aws:ecs:us-east-1:{OWN}:container-instance/c/*");
    assert_eq!(of("ecs:ListTasks", &instances), instances);
    assert_eq!(of("s3:GetObject", "arn:aws:s3:::b/a*b"), "arn:aws:s3:::b/a${*}b");
    let listing = json!({"Version": "2008-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}]});
    let old = asking(&principals()[6], "s3:GetObject", "arn:aws:s3:::b/a*b", &json!({"resource": listing}));
    assert_eq!(one_step(&old).statement["Resource"], "arn:aws:s3:::b/a*b");
}

/// The policy of a key has to allow each of the checks, also where the case has none yet.
#[test]
fn a_key_without_a_policy_gets_a_statement_for_every_check() {
    let key = format!("arn:aws:kms:us-east-1:{OWN}:key/1");
    let mut case = asking(&principals()[0], "kms:ReEncryptFrom", &key, &json!({"identity": []}));
    case["request"]["checks"] = json!([{}, {"action": "kms:ReEncryptTo"}]);
    let step = one_step(&case);
    assert_eq!(step.resource.as_deref(), Some(key.as_str()));
    assert_eq!(step.statement["Action"], json!(["kms:ReEncryptFrom", "kms:ReEncryptTo"]));
}

#[test]
fn a_verified_fix_carried_out_allows_the_call() {
    let (fixed, blocked) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    });
    let result = runner.run(&call(), |case| {
        let read = Case::parse(&case.to_string()).unwrap();
        let Some(fix) = suggest_fix_for_all(read.checks()) else {
            prop_assert!(allowed_with(&case, [].iter()));
            return Ok(());
        };
        let count = if fix.blocked.is_some() { &blocked } else { &fixed };
        count.set(count.get() + 1);
        holds(&case, &fix)
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    assert!(fixed.get() > 300 && blocked.get() > 50, "{} fixed, {} blocked", fixed.get(), blocked.get());
}
