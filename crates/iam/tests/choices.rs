//! What hangs on each open point: a case that comes out otherwise when the point is decided otherwise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use landfall_iam::choices::{Choice, registered_resource, simulated_kind, with_other};
use landfall_iam::simulate::run_case;
use landfall_iam::{MessageStyle, ResourceKind};
use serde_json::{Value, json};

/// Decision and refusal of a case.
fn answer(case: &Value) -> (String, String) {
    let answer: Value = serde_json::from_str(&run_case(&case.to_string(), false).unwrap()).unwrap();
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    (text("decision"), text("message"))
}

/// One of the shared cases.
fn shared(id: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("data/iam_cases.json")).unwrap();
    file["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap().clone()
}

/// Pulling from the repository `app` of account 111122223333, by a role session of the same account or of another.
fn pull(other_account: bool, policies: Value) -> Value {
    let (account, role) = if other_account { ("444455556666", "puller") } else { ("111122223333", "exec") };
    json!({"id": "x", "policies": policies, "request": {
        "principal": {"type": "AssumedRole", "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/s"),
            "account": account, "roleArn": format!("arn:aws:iam::{account}:role/{role}"), "uniqueId": "AROAEXAMPLE0000000001"},
        "action": "ecr:BatchGetImage", "resource": "arn:aws:ecr:us-east-1:111122223333:repository/app",
        "resourceAccount": "111122223333", "context": {"aws:TagKeys": ["a", "b"]}}})
}

fn allow(more: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "ecr:BatchGetImage"});
    statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn everything() -> Value {
    allow(json!({"Resource": "*"}))
}

/// The resource's policy about the caller's account as a whole.
fn of_account(effect: &str) -> Value {
    allow(json!({"Effect": effect, "Principal": {"AWS": "444455556666"}}))
}

/// A denial for all but those listed.
fn all_but(principals: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "NotPrincipal": {"AWS": principals}, "Action": "ecr:BatchGetImage"}]})
}

const FACETS: [&str; 3] = [
    "arn:aws:sts::111122223333:assumed-role/exec/s",
    "arn:aws:iam::111122223333:role/exec",
    "arn:aws:iam::111122223333:root",
];

/// A case for each point, its decision as the point is decided, and as it would be otherwise.
fn cases() -> Vec<(Choice, Value, &'static str, &'static str)> {
    let several = allow(json!({"Resource": "*", "Condition": {"StringEquals": {"aws:TagKeys": "a"}}}));
    let no_denial = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]});
    let mut grant = shared("K17");
    grant["policies"]["identity"] = json!([]);
    grant["policies"]["grants"] =
        json!([{"grantee": "arn:aws:iam::444455556666:role/puller", "operations": ["Decrypt"]}]);
    let mut bounded_grant = shared("K14");
    bounded_grant["policies"]["identity"] = json!([]);
    bounded_grant["policies"]["boundary"] = json!(everything());
    let mut no_trust = shared("T01");
    no_trust["policies"].as_object_mut().unwrap().remove("resource");
    no_trust["policies"]["identity"] = json!([{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]);
    vec![
        (Choice::ShortArnStarCrossesColons, shared("B19"), "Allow", "ImplicitDeny"),
        (Choice::IfExistsHoldsUnderForAnyValue, shared("C36"), "Allow", "ImplicitDeny"),
        (
            Choice::SeveralValuesMatchWithoutSetOperator,
            pull(false, json!({"identity": [several]})),
            "ImplicitDeny",
            "Allow",
        ),
        (Choice::EmptyVariableValueIsNull, shared("V17"), "ImplicitDeny", "Allow"),
        (Choice::UnresolvedNotResourceApplies, shared("V15"), "Allow", "ImplicitDeny"),
        (Choice::EveryoneIsDirect, shared("R09"), "Allow", "ImplicitDeny"),
        (
            Choice::NotPrincipalNeedsEveryFacet,
            pull(false, json!({"identity": [everything()], "resource": all_but(&FACETS[..1])})),
            "ExplicitDeny",
            "Allow",
        ),
        (
            Choice::NotPrincipalDeniesBounded,
            pull(
                false,
                json!({"identity": [everything()], "boundary": everything(), "resource": all_but(&FACETS)}),
            ),
            "ExplicitDeny",
            "Allow",
        ),
        (
            Choice::BothSidesSilentNamesIdentity,
            pull(true, json!({"identity": []})),
            "because no resource-based policy allows the ecr:BatchGetImage action",
            "because no identity-based policy allows the ecr:BatchGetImage action",
        ),
        (
            Choice::AccountGrantAloneNamesResource,
            pull(true, json!({"identity": [], "resource": of_account("Allow")})),
            "because no resource-based policy allows the ecr:BatchGetImage action",
            "because no identity-based policy allows the ecr:BatchGetImage action",
        ),
        (
            Choice::IdentityDenyNamedFirst,
            pull(
                true,
                json!({"identity": [allow(json!({"Effect": "Deny"}))], "resource": of_account("Deny")}),
            ),
            "with an explicit deny in an identity-based policy",
            "with an explicit deny in a resource-based policy",
        ),
        (Choice::GrantNeedsIdentityAcrossAccounts, grant, "Allow", "ImplicitDeny"),
        (Choice::GrantKeepsWithinLimits, bounded_grant, "Allow", "ImplicitDeny"),
        (
            Choice::ArnBeginningHasCase,
            pull(
                false,
                json!({"identity": [allow(json!({"Resource": "arn:aws:ECR:us-east-1:111122223333:repository/*"}))]}),
            ),
            "ImplicitDeny",
            "Allow",
        ),
        (
            Choice::RcpOnlyDenies,
            pull(false, json!({"identity": [everything()], "rcp": [[no_denial]]})),
            "Allow",
            "ImplicitDeny",
        ),
        (Choice::MissingRequiredPolicyDenies, no_trust, "ImplicitDeny", "Allow"),
    ]
}

#[test]
fn every_point_decides_something() {
    let cases = cases();
    let covered: HashSet<_> = cases.iter().map(|(choice, ..)| format!("{choice:?}")).collect();
    assert_eq!(covered.len() + 3, Choice::ALL.len(), "a point without a case, beside the three below");
    let fits = |(decision, message): &(String, String), wanted: &str| {
        decision == wanted || message.ends_with(wanted)
    };
    for (choice, case, decided, otherwise) in cases {
        let (now, other) = (answer(&case), with_other(choice, || answer(&case)));
        assert!(fits(&now, decided), "{choice:?}: {now:?}, expected {decided}");
        assert!(fits(&other, otherwise), "{choice:?} otherwise: {other:?}, expected {otherwise}");
        assert_ne!(now, other, "{choice:?}");
        assert_eq!(answer(&case), now, "{choice:?} is back as it was");
    }
}

/// Cases have policies without ARNs: this point is seen in the style of refusals.
#[test]
fn explicit_denies_name_their_policy() {
    assert!(MessageStyle::default().policy_arn);
    assert!(!with_other(Choice::ExplicitDenyNamesPolicy, MessageStyle::default).policy_arn);
}

/// What a call is about is worked out before there is a case.
#[test]
fn registrations_name_their_family() {
    let family = "arn:aws:ecs:us-east-1:111122223333:task-definition/app:*";
    assert_eq!(registered_resource(family), family);
    assert_eq!(with_other(Choice::RegistrationNamesFamily, || registered_resource(family)), "*");
}

/// Cases have the policy of a resource or none: what the simulator is not given is another question.
#[test]
fn simulations_know_the_policies_that_they_are_given() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let is_key = |given| matches!(simulated_kind("kms:Decrypt", key, given), ResourceKind::KmsKey { .. });
    assert!(is_key(true) && !is_key(false));
    assert!(with_other(Choice::SimulationKnowsGivenPoliciesOnly, || is_key(false)));
}
