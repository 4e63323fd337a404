//! Rotation: what `RotateSecret` takes and refuses, the steps, their failures, the schedule, what is seen of it.

use std::collections::BTreeMap;

use landfall_api::iam;
use landfall_iam::ResourceService;

use super::*;
use crate::secretsmanager::rotation::{
    FUNCTIONS, Function, Invocation, Program, ROTATIONS, arn_of, conclude, default_policy, next_invocations,
    start_due,
};

const CANNOT_INVOKE: &str = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function \
                             policy grants access to the principal secretsmanager.amazonaws.com.";
const NO_FUNCTION: &str = "No Lambda rotation function ARN is associated with this secret.";
const PREVIOUS: &str = "A previous rotation isn't complete. That rotation will be reattempted.";
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

fn function_arn() -> String {
    arn_of(&(account(), region(), "f".to_owned())).to_string()
}

fn rotate(name: &str) -> api::RotateSecretRequest {
    api::RotateSecretRequest {
        secret_id: name.to_owned(),
        client_request_token: Some(token(2)),
        rotation_lambda_arn: Some(function_arn()),
        ..Default::default()
    }
}

fn every_day() -> Option<api::RotationRulesType> {
    Some(api::RotationRulesType { schedule_expression: Some("rate(1 day)".to_owned()), ..Default::default() })
}

fn invalid_request(message: &str) -> (String, String) {
    ("InvalidRequestException".to_owned(), message.to_owned())
}

impl Fixture {
    /// With a function `f` that a role `f` is for, and a secret `a`.
    fn with_function() -> Self {
        let fixture = Self(TestInstallation::new(&[OPERATIONS, crate::iam::OPERATIONS]));
        let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"lambda.amazonaws.com"}}}"#;
        fixture.root::<iam::CreateRole>(iam::CreateRoleRequest {
            role_name: "f".to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..Default::default()
        });
        fixture.function(&default_policy(&function_arn().parse().unwrap()));
        fixture.secret("a");
        fixture
    }

    fn function(&self, policy: &str) {
        let arn: Arn = function_arn().parse().unwrap();
        let role_arn = Arn::global("iam", account().as_str(), "role/f");
        let policy = Policy::parse(policy, PolicyKind::Resource(ResourceService::Other)).unwrap();
        let function = Function {
            name: "f".to_owned(),
            role_arn,
            program: Program::Command(vec!["/bin/true".to_owned()]),
            credential: None,
            environment: BTreeMap::new(),
            timeout_seconds: 1,
            policy: Arc::new(policy),
            created_at: START,
            arn,
        };
        let written = self.0.call.installation().store.write("function", |tx| {
            tx.put(&FUNCTIONS, &(&account(), &region(), "f"), &function);
            Ok::<_, StoreError>(())
        });
        written.unwrap();
    }

    fn next(&self) -> Option<Invocation> {
        let mut found = next_invocations(self.0.call.installation(), |_| false).unwrap();
        assert!(found.len() < 2);
        found.pop()
    }

    /// Takes the next step as a function would that works.
    fn work(&self) -> String {
        let invocation = self.next().expect("nothing is to be invoked");
        assert!(invocation.ready.is_ok(), "{:?}", invocation.ready);
        let event: BTreeMap<String, String> = serde_json::from_str(&invocation.event).unwrap();
        let version = event["ClientRequestToken"].clone();
        match event["Step"].as_str() {
            "createSecret" => {
                self.root::<api::PutSecretValue>(api::PutSecretValueRequest {
                    secret_id: event["SecretId"].clone(),
                    client_request_token: Some(version),
                    secret_string: Some(Sensitive::from("rotated")),
                    version_stages: Some(vec!["AWSPENDING".to_owned()]),
                    secret_binary: None,
                    rotation_token: None,
                });
            }
            "finishSecret" => {
                let current = self.row("a").unwrap().stages.version("AWSCURRENT").map(str::to_owned);
                self.root::<api::UpdateSecretVersionStage>(api::UpdateSecretVersionStageRequest {
                    secret_id: event["SecretId"].clone(),
                    version_stage: "AWSCURRENT".to_owned(),
                    remove_from_version_id: current,
                    move_to_version_id: Some(version),
                });
            }
            _ => {}
        }
        conclude(self.0.call.installation(), &invocation, Ok(())).unwrap();
        event["Step"].clone()
    }

    fn fail(&self, reason: &str) {
        let invocation = self.next().expect("nothing is to be invoked");
        conclude(self.0.call.installation(), &invocation, Err(reason.to_owned())).unwrap();
    }

    fn start_due(&self) -> usize {
        start_due(self.0.call.installation()).unwrap()
    }
}

#[test]
fn the_four_steps() {
    let fixture = Fixture::with_function();
    let input = api::RotateSecretRequest { rotation_rules: every_day(), ..rotate("a") };
    assert_eq!(fixture.root::<api::RotateSecret>(input).version_id, Some(token(2)));
    // The version is pending before it has a value: rotation functions look for that.
    assert_eq!(
        fixture.stages("a"),
        [(token(1), vec!["AWSCURRENT".to_owned()]), (token(2), vec!["AWSPENDING".to_owned()])]
    );
    let pending = |stage: Option<&str>, id: Option<String>| api::GetSecretValueRequest {
        secret_id: "a".to_owned(),
        version_stage: stage.map(str::to_owned),
        version_id: id,
    };
    let missing = "Secrets Manager can't find the specified secret value for";
    assert_eq!(
        fixture.refused::<api::GetSecretValue>(pending(Some("AWSPENDING"), None)).1,
        format!("{missing} staging label: AWSPENDING")
    );
    assert_eq!(
        fixture.refused::<api::GetSecretValue>(pending(Some("AWSPENDING"), Some(token(2)))),
        ("ResourceNotFoundException".to_owned(), format!("{missing} VersionId: {}", token(2)))
    );
    for step in STEPS {
        assert_eq!(fixture.value("a"), "v1");
        assert_eq!(fixture.work(), step);
    }
    assert!(fixture.next().is_none());
    assert_eq!(fixture.value("a"), "rotated");
    let described = fixture.describe("a");
    assert_eq!(described.rotation_enabled, Some(true));
    assert_eq!(described.rotation_lambda_arn, Some(function_arn()));
    assert_eq!(described.rotation_rules, every_day());
    assert_eq!(described.last_rotated_date, Some(START));
    // The end of the next day's window.
    let next = Timestamp::parse_iso8601("2026-11-25T00:00:00Z");
    assert_eq!(described.next_rotation_date, next);
}

#[test]
fn what_is_refused() {
    let fixture = Fixture::with_function();
    let without = api::RotateSecretRequest { rotation_lambda_arn: None, ..rotate("a") };
    assert_eq!(fixture.refused::<api::RotateSecret>(without), invalid_request(NO_FUNCTION));
    for arn in [
        "arn:aws:lambda:us-east-1:111122223333:function:none",
        "arn:aws:lambda:eu-west-1:111122223333:function:f",
        "arn:aws:iam::111122223333:role/f",
        "f",
    ] {
        let input = api::RotateSecretRequest { rotation_lambda_arn: Some(arn.to_owned()), ..rotate("a") };
        let refusal = ("AccessDeniedException".to_owned(), CANNOT_INVOKE.to_owned());
        assert_eq!(fixture.refused::<api::RotateSecret>(input), refusal, "{arn}");
    }
    fixture.root::<api::RotateSecret>(rotate("a"));
    let again = api::RotateSecretRequest { client_request_token: Some(token(3)), ..rotate("a") };
    assert_eq!(fixture.refused::<api::RotateSecret>(again), invalid_request(PREVIOUS));
    assert_eq!(fixture.root::<api::RotateSecret>(rotate("a")).version_id, Some(token(2)));
    fixture.secret("b");
    let cancel = api::CancelRotateSecretRequest { secret_id: "b".to_owned() };
    assert_eq!(fixture.refused::<api::CancelRotateSecret>(cancel).0, "InvalidRequestException");
    assert_eq!(fixture.describe("b").rotation_enabled, None);
}

#[test]
fn who_may_invoke_the_function() {
    let cases = [
        ("secretsmanager.amazonaws.com", "aws:SourceAccount", "111122223333", true),
        ("secretsmanager.amazonaws.com", "aws:SourceAccount", "444455556666", false),
        ("events.amazonaws.com", "aws:SourceAccount", "111122223333", false),
    ];
    for (service, key, value, allowed) in cases {
        let fixture = Fixture::with_function();
        fixture.function(&document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"lambda:InvokeFunction",
                "Resource":"*","Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}"#
        )));
        let result = fixture.call::<api::RotateSecret>(&root(), rotate("a"));
        assert_eq!(result.is_ok(), allowed, "{service} {value}");
    }
    let fixture = Fixture::with_function();
    let rotator = r#"{"Effect":"Allow","Action":"secretsmanager:RotateSecret","Resource":"*"}"#;
    let rotator = fixture.user(&account(), "rotator", rotator);
    let (code, message) = fixture.denied::<api::RotateSecret>(&rotator, rotate("a"));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("lambda:InvokeFunction"), "{message}");
}

#[test]
fn a_failure_is_tried_again_and_given_up_in_the_end() {
    let fixture = Fixture::with_function();
    let input = api::RotateSecretRequest { rotation_rules: every_day(), ..rotate("a") };
    fixture.root::<api::RotateSecret>(input);
    assert_eq!([fixture.work(), fixture.work()], ["createSecret", "setSecret"]);
    let mut wait = 5;
    for number in 1..=5 {
        fixture.fail("broken");
        assert!(fixture.next().is_none(), "try {number} waits");
        fixture.0.clock.advance_seconds(wait);
        wait *= 3;
    }
    assert!(fixture.next().is_none());
    let run = fixture.0.call.installation().store.view().get(&ROTATIONS, &(&account(), &region(), "a"));
    let run = run.unwrap().unwrap();
    assert_eq!((run.failures, run.given_up), (5, true));
    assert_eq!(run.failure.as_deref(), Some("createSecret: broken"));
    // The value is as it was, and what was made is still pending.
    assert_eq!(fixture.value("a"), "v1");
    assert_eq!(fixture.row("a").unwrap().stages.version("AWSPENDING"), Some(token(2).as_str()));
    assert_eq!(fixture.describe("a").last_rotated_date, None);
    // The next one goes on with that version.
    fixture.0.clock.advance_seconds(days(1));
    assert_eq!(fixture.start_due(), 1);
    let invocation = fixture.next().unwrap();
    assert_eq!(invocation.run.token, token(2));
    for step in STEPS {
        if step == "createSecret" {
            conclude(fixture.0.call.installation(), &fixture.next().unwrap(), Ok(())).unwrap();
        } else {
            assert_eq!(fixture.work(), step);
        }
    }
    assert_eq!(fixture.value("a"), "rotated");
}

/// Moves a label from the version that has it.
fn move_label(fixture: &Fixture, label: &str, to: Option<String>) {
    let from = fixture.row("a").unwrap().stages.version(label).map(str::to_owned);
    fixture.root::<api::UpdateSecretVersionStage>(api::UpdateSecretVersionStageRequest {
        secret_id: "a".to_owned(),
        version_stage: label.to_owned(),
        remove_from_version_id: from,
        move_to_version_id: to,
    });
}

#[test]
fn a_failed_rotation_ends_by_hand() {
    let run = |fixture: &Fixture| {
        let view = fixture.0.call.installation().store.view();
        view.get(&ROTATIONS, &(&account(), &region(), "a")).unwrap()
    };
    // With the first try and with all of them behind it.
    for failures in [1, 5] {
        let failed = || {
            let fixture = Fixture::with_function();
            fixture.root::<api::RotateSecret>(api::RotateSecretRequest {
                rotation_rules: every_day(),
                ..rotate("a")
            });
            fixture.work();
            for _ in 0..failures {
                fixture.fail("broken");
                fixture.0.clock.advance_seconds(1000);
            }
            fixture
        };
        // Its version becomes current: it is done.
        let fixture = failed();
        move_label(&fixture, "AWSCURRENT", Some(token(2)));
        assert_eq!(run(&fixture), None);
        assert!(fixture.next().is_none());
        assert!(fixture.describe("a").last_rotated_date.is_some());
        assert_eq!(fixture.value("a"), "rotated");
        // Its version is pending no more: it was given up.
        let fixture = failed();
        move_label(&fixture, "AWSPENDING", None);
        assert_eq!(run(&fixture), None);
        assert!(fixture.next().is_none());
        assert_eq!(fixture.describe("a").last_rotated_date, None);
        assert_eq!(fixture.value("a"), "v1");
        // Another version is pending instead.
        let fixture = failed();
        let version_stages = Some(vec!["AWSPENDING".to_owned()]);
        fixture.root::<api::PutSecretValue>(api::PutSecretValueRequest { version_stages, ..put("a", 3) });
        assert_eq!(run(&fixture), None);
        // A new value beside it ends nothing: AWSPENDING says that it is in progress.
        let fixture = failed();
        fixture.put("a", 4);
        assert_eq!(run(&fixture).map(|it| it.token.clone()), Some(token(2)));
        assert_eq!(fixture.next().is_some(), failures == 1);
    }
    // The version has no value yet, and gets it and AWSCURRENT by hand.
    let fixture = Fixture::with_function();
    fixture.root::<api::RotateSecret>(rotate("a"));
    fixture.fail("broken");
    fixture.put("a", 2);
    assert_eq!(run(&fixture), None);
}

#[test]
fn a_step_of_a_first_try_that_makes_its_version_current_is_not_its_end() {
    let fixture = Fixture::with_function();
    fixture.root::<api::RotateSecret>(rotate("a"));
    assert_eq!(fixture.work(), "createSecret");
    move_label(&fixture, "AWSCURRENT", Some(token(2)));
    assert_eq!([fixture.work(), fixture.work()], ["setSecret", "testSecret"]);
}

#[test]
fn a_last_step_that_does_nothing_is_a_failure() {
    let fixture = Fixture::with_function();
    fixture.root::<api::RotateSecret>(rotate("a"));
    for _ in STEPS {
        conclude(fixture.0.call.installation(), &fixture.next().unwrap(), Ok(())).unwrap();
    }
    let run = fixture.0.call.installation().store.view().get(&ROTATIONS, &(&account(), &region(), "a"));
    let failure = run.unwrap().unwrap().failure.clone().unwrap();
    assert_eq!(failure, format!("finishSecret: finishSecret did not make version {} AWSCURRENT", token(2)));
}

#[test]
fn a_new_value_by_hand_counts_where_days_are_counted() {
    let by_days = api::RotationRulesType { automatically_after_days: Some(30), ..Default::default() };
    let by_rate = api::RotationRulesType {
        schedule_expression: Some("rate(30 days)".to_owned()),
        ..Default::default()
    };
    for (rules, counts) in [(by_days, true), (by_rate, false)] {
        let fixture = Fixture::with_function();
        let input = api::RotateSecretRequest { rotation_rules: Some(rules), ..rotate("a") };
        fixture.root::<api::RotateSecret>(input);
        assert_eq!(STEPS.map(|_| fixture.work()), STEPS);
        let first = fixture.describe("a").next_rotation_date.unwrap();
        fixture.0.clock.advance_seconds(days(10));
        let pending = Some(vec!["AWSPENDING".to_owned()]);
        fixture.root::<api::PutSecretValue>(api::PutSecretValueRequest {
            version_stages: pending,
            ..put("a", 3)
        });
        assert_eq!(fixture.describe("a").next_rotation_date, Some(first));
        fixture.put("a", 4);
        let moved = if counts { first.plus_seconds(days(10)) } else { first };
        assert_eq!(fixture.describe("a").next_rotation_date, Some(moved));
        // The schedule follows: nothing is begun at the time that was moved.
        fixture.0.clock.advance_seconds(days(20));
        assert_eq!(fixture.start_due(), usize::from(!counts));
    }
}

#[test]
fn missed_windows_count_once() {
    let fixture = Fixture::with_function();
    fixture
        .root::<api::RotateSecret>(api::RotateSecretRequest { rotation_rules: every_day(), ..rotate("a") });
    assert_eq!(STEPS.map(|_| fixture.work()), STEPS);
    assert_eq!(fixture.start_due(), 0);
    fixture.0.clock.advance_seconds(days(10));
    assert_eq!((fixture.start_due(), fixture.start_due()), (1, 0));
    let next = fixture.describe("a").next_rotation_date.unwrap();
    assert!(next > after_days(10) && next <= after_days(12));
}

#[test]
fn turned_off() {
    let fixture = Fixture::with_function();
    fixture
        .root::<api::RotateSecret>(api::RotateSecretRequest { rotation_rules: every_day(), ..rotate("a") });
    assert_eq!(fixture.work(), "createSecret");
    let running = fixture.next().unwrap();
    let cancel = || api::CancelRotateSecretRequest { secret_id: "a".to_owned() };
    assert_eq!(fixture.root::<api::CancelRotateSecret>(cancel()).version_id, Some(token(2)));
    // A step that was being taken comes to nothing.
    conclude(fixture.0.call.installation(), &running, Ok(())).unwrap();
    assert!(fixture.next().is_none());
    let described = fixture.describe("a");
    assert_eq!(described.rotation_enabled, Some(false));
    assert_eq!(described.rotation_rules, every_day());
    assert_eq!(described.next_rotation_date, None);
    assert_eq!(fixture.row("a").unwrap().stages.version("AWSPENDING"), Some(token(2).as_str()));
    fixture.0.clock.advance_seconds(days(10));
    assert_eq!(fixture.start_due(), 0);
    // The function is remembered.
    let again = api::RotateSecretRequest { rotation_lambda_arn: None, ..rotate("a") };
    fixture.root::<api::RotateSecret>(again);
    assert_eq!(fixture.describe("a").rotation_enabled, Some(true));
    // What is to be deleted is not rotated, and what is deleted leaves nothing behind.
    fixture.root::<api::DeleteSecret>(delete("a"));
    assert!(fixture.next().is_none());
    let force = api::DeleteSecretRequest { force_delete_without_recovery: Some(true), ..delete("a") };
    fixture.root::<api::DeleteSecret>(force);
    let view = fixture.0.call.installation().store.view();
    assert_eq!(view.scan(&ROTATIONS, ()).count(), 0);
    assert_eq!(view.scan(&crate::secretsmanager::rotation::DUE, ()).count(), 0);
}

#[test]
fn not_at_once_means_a_test() {
    let fixture = Fixture::with_function();
    let input = || api::RotateSecretRequest {
        rotate_immediately: Some(false),
        rotation_rules: every_day(),
        ..rotate("a")
    };
    assert_eq!(fixture.root::<api::RotateSecret>(input()).version_id, None);
    let pending = api::GetSecretValueRequest { version_stage: Some("AWSPENDING".to_owned()), ..get("a") };
    assert_eq!(text(fixture.root::<api::GetSecretValue>(pending).secret_string), "v1");
    assert_eq!(fixture.work(), "testSecret");
    assert!(fixture.next().is_none());
    assert_eq!(fixture.stages("a"), [(token(1), vec!["AWSCURRENT".to_owned()])]);
    assert_eq!(fixture.describe("a").last_rotated_date, None);
    fixture.root::<api::RotateSecret>(input());
    fixture.fail("broken");
    assert!(fixture.next().is_none());
    assert_eq!(fixture.stages("a"), [(token(1), vec!["AWSCURRENT".to_owned()])]);
}

#[test]
fn the_role_has_to_trust_lambda() {
    let fixture = Fixture::with_function();
    fixture.root::<api::RotateSecret>(rotate("a"));
    fixture.root::<iam::DeleteRole>(iam::DeleteRoleRequest { role_name: "f".to_owned() });
    let reason = fixture.next().unwrap().ready.unwrap_err();
    assert!(reason.contains("is not authorized to perform: sts:AssumeRole"), "{reason}");
}
