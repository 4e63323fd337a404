//! What `landfall iam simulate` answers beside a decision: which document denies, and why a key is absent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use landfall_iam::simulate::run_case;
use serde_json::{Value, json};

fn user() -> Value {
    json!({"type": "User", "arn": "arn:aws:iam::111122223333:user/alice", "account": "111122223333",
        "uniqueId": "AIDAALICE"})
}

fn role(path: &str) -> Value {
    json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s", "account": "111122223333",
        "roleArn": format!("arn:aws:iam::111122223333:role{path}r"), "uniqueId": "AROAR:s"})
}

fn statement(effect: &str, condition: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}})
}

fn answer(principal: &Value, policies: &Value) -> Value {
    let request = json!({"principal": principal, "action": "ecs:ListClusters", "resource": "*",
        "resourceAccount": "111122223333", "context": {}});
    let case = json!({"id": "case", "request": request, "policies": policies});
    serde_json::from_str(&run_case(&case.to_string(), true).unwrap()).unwrap()
}

#[test]
fn the_document_that_denies_is_named_by_its_place() {
    let (allow, deny) = (statement("Allow", &json!({})), statement("Deny", &json!({})));
    let said = |policies: Value| answer(&user(), &policies)["fix"][0]["blocked"]["deny"]["policy"].clone();
    assert_eq!(said(json!({"identity": [allow, deny]})), "identity[1]");
    assert_eq!(said(json!({"identity": [allow], "scp": [[allow], [allow, deny]]})), "scp[1][1]");
    assert_eq!(said(json!({"identity": [allow], "vpce": [allow, deny]})), "vpce[1]");
}

#[test]
fn an_absent_key_has_its_reason() {
    for (key, reason) in [
        ("aws:MultiFactorAuthPresent", "because the caller signs with a long-term key\""),
        ("aws:MultiFactorAuthAge", "made without an MFA code"),
        ("aws:PrincipalTag/team", "the caller has no such tag"),
        ("aws:ResourceTag/team", "the resource has no such tag"),
        ("ecr:ResourceTag/team", "the resource has no such tag"),
        ("aws:RequestTag/team", "the request sets no such tag"),
        ("aws:TagKeys", "the request sets no such tag"),
        ("ecs:cluster", "about no cluster"),
        ("iam:PassedToService", "passes no role"),
        ("aws:SourceVpce", "VPC endpoint"),
    ] {
        let policy = statement("Allow", &json!({"StringEquals": {key: "true"}}));
        let hints = answer(&user(), &json!({"identity": [policy]}))["hints"].to_string();
        assert!(hints.contains(&format!("`{key}`")) && hints.contains(reason), "{key}: {hints}");
    }
}

/// Service control policies do not limit service-linked roles, which their path tells.
#[test]
fn a_service_linked_role_is_known_by_its_path() {
    let (allow, deny) = (statement("Allow", &json!({})), statement("Deny", &json!({})));
    let policies = json!({"identity": [allow], "scp": [[allow, deny]]});
    let decision = |path: &str| answer(&role(path), &policies)["decision"].clone();
    assert_eq!(decision("/aws-service-role/ecs.amazonaws.com/"), "Allow");
    assert_eq!(decision("/"), "ExplicitDeny");
}

#[test]
fn a_field_of_the_principal_that_nobody_reads_is_named() {
    let mut misspelt = user();
    misspelt["uniqueID"] = misspelt["uniqueId"].clone();
    let case = json!({"id": "case", "request": {"principal": misspelt, "action": "ecs:ListClusters", "resource": "*"}});
    let error = run_case(&case.to_string(), false).unwrap_err();
    assert!(
        error.starts_with("not a case: unknown field `uniqueID`, expected one of `type`, `arn`,"),
        "{error}"
    );
}

#[test]
fn a_field_of_the_request_that_nobody_reads_is_named() {
    let request = json!({"principal": user(), "action": "ecs:ListClusters", "resource": "*"});
    let error = |request: &Value| {
        run_case(&json!({"id": "case", "request": request}).to_string(), false).unwrap_err()
    };
    let mut misspelt = request.clone();
    misspelt["resourceAcount"] = json!("444455556666");
    assert_eq!(
        error(&misspelt),
        "case `case`: `request.resourceAcount` is no field: expected `principal`, `action`, `resource`, \
         `resourceAccount`, `context`, `checks`"
    );
    let mut inside = request.clone();
    inside["checks"] = json!([{}, {"contxt": {}}]);
    assert_eq!(
        error(&inside),
        "case `case`: `request.checks[1].contxt` is no field: expected `principal`, `action`, `resource`, \
         `resourceAccount`, `context`, `policies`"
    );
    for (field, value) in [("policies", json!({})), ("Context", json!({}))] {
        let mut misplaced = request.clone();
        misplaced[field] = value;
        let expected = format!("case `case`: `request.{field}` is no field: ");
        assert!(error(&misplaced).starts_with(&expected), "{}", error(&misplaced));
    }
    let mut nested = request;
    nested["checks"] = json!([{"checks": [{}]}]);
    assert!(error(&nested).starts_with("case `case`: `request.checks[0].checks` is no field: "));
}

/// Who owns a resource is in its ARN, where that names an account.
#[test]
fn the_owner_of_a_resource_is_in_its_arn() {
    let secret = |account: &str| format!("arn:aws:secretsmanager:us-east-1:{account}:secret:s-AbCdEf");
    let decision = |resource: &str, owner: Option<&str>, policies: &Value| {
        let mut request =
            json!({"principal": user(), "action": "secretsmanager:GetSecretValue", "resource": resource});
        owner.into_iter().for_each(|owner| request["resourceAccount"] = json!(owner));
        let case = json!({"id": "case", "request": request, "policies": policies});
        let answer: Value = serde_json::from_str(&run_case(&case.to_string(), false).unwrap()).unwrap();
        answer["decision"].as_str().unwrap().to_owned()
    };
    let allow = statement("Allow", &json!({}));
    let mut open = allow.clone();
    open["Statement"]["Principal"] = json!({"AWS": "111122223333"});
    let (identity, both) = (json!({"identity": [allow]}), json!({"identity": [allow], "resource": open}));
    let (own, other) = (secret("111122223333"), secret("444455556666"));
    for (resource, owner, policies, expected) in [
        (own.as_str(), None, &identity, "Allow"),
        (&other, None, &identity, "ImplicitDeny"),
        (&other, None, &both, "Allow"),
        (&other, Some("111122223333"), &identity, "Allow"),
        (&own, Some("444455556666"), &identity, "ImplicitDeny"),
        ("arn:aws:s3:::bucket/key", None, &identity, "Allow"),
        ("*", None, &identity, "Allow"),
    ] {
        assert_eq!(decision(resource, owner, policies), expected, "{resource} of {owner:?}");
    }
}

#[test]
fn one_fix_is_for_all_checks() {
    let (role, other) = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b");
    let request = json!({"principal": user(), "action": "iam:PassRole", "resource": role, "resourceAccount": "111122223333",
        "checks": [{}, {"resource": other}]});
    let case = json!({"id": "case", "request": request});
    let answer: Value = serde_json::from_str(&run_case(&case.to_string(), true).unwrap()).unwrap();
    let statement = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": [role, other]});
    assert_eq!(answer["fix"][0]["steps"][0]["statement"], statement);
    assert_eq!(
        (answer["fix"].as_array().map(Vec::len), &answer["fix"][0]["verified"]),
        (Some(1), &json!(true))
    );
    assert_eq!(
        (answer["trace"].as_array().map(Vec::len), answer["hints"].as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
}

/// A trace has the keys of the caller beside those of the request.
#[test]
fn the_context_of_a_trace_names_the_caller() {
    let context = answer(&user(), &json!({}))["trace"][0]["context"].clone();
    for (key, value) in [
        ("aws:PrincipalArn", "arn:aws:iam::111122223333:user/alice"),
        ("aws:userid", "AIDAALICE"),
        ("aws:username", "alice"),
    ] {
        assert!(context.as_array().unwrap().contains(&json!([key, [value]])), "{key}: {context}");
    }
}
