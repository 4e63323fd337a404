//! Users and roles that policies name by their unique ids: they must exist when a policy is written, and are shown by the
//! ARN they have.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

use crate::support::*;
use landfall_api::{iam, kms, secretsmanager};
use landfall_services::testing::{TestInstallation, root};

/// Statement by principal, without `Resource` where the policy is a role's.
fn document(principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}"{resource}}}]}}"#
    )
}

const EVERYTHING: &str = r#","Resource":"*""#;

fn create_role(trust: &str) -> iam::CreateRoleRequest {
    iam::CreateRoleRequest {
        role_name: "again".into(),
        assume_role_policy_document: trust.into(),
        ..Default::default()
    }
}

fn key_policy(key: &str, policy: &str) -> kms::PutKeyPolicyRequest {
    kms::PutKeyPolicyRequest {
        key_id: key.into(),
        policy: policy.into(),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    }
}

fn secret_policy(secret: &str, policy: &str) -> secretsmanager::PutResourcePolicyRequest {
    secretsmanager::PutResourcePolicyRequest {
        secret_id: secret.into(),
        resource_policy: policy.into(),
        ..Default::default()
    }
}

fn key(t: &TestInstallation) -> String {
    let key = ok::<kms::CreateKey>(t, &root(), kms::CreateKeyRequest::default());
    key.key_metadata.unwrap().arn.unwrap()
}

fn secret(t: &TestInstallation) -> String {
    let secret = secretsmanager::CreateSecretRequest {
        name: "s".into(),
        secret_string: Some("v".to_owned().into()),
        client_request_token: Some("0123456789abcdef0123456789abcdef".into()),
        ..Default::default()
    };
    ok::<secretsmanager::CreateSecret>(t, &root(), secret).arn.unwrap()
}

#[test]
fn ids_of_nobody_are_refused() {
    let t = with_account();
    let gone = role(&t, "gone", &trust(ECS_TASKS)).role_id;
    role(&t, "r", &trust(ECS_TASKS));
    ok::<iam::DeleteRole>(&t, &root(), iam::DeleteRoleRequest { role_name: "gone".into() });
    let (key, secret) = (key(&t), secret(&t));
    for id in [gone.as_str(), "AIDAJQABLZS4A3QDU576Q"] {
        let trust = document(id, "sts:AssumeRole", "");
        let text = format!(r#"Invalid principal in policy: "AWS":"{id}""#);
        let expected = ("MalformedPolicyDocument", text);
        assert_eq!(refused::<iam::CreateRole>(&t, &root(), create_role(&trust)), expected);
        let update = iam::UpdateAssumeRolePolicyRequest { role_name: "r".into(), policy_document: trust };
        assert_eq!(refused::<iam::UpdateAssumeRolePolicy>(&t, &root(), update), expected);

        let policy = document(id, "kms:Decrypt", EVERYTHING);
        let text = "Policy contains a statement with one or more invalid principals.".to_owned();
        let expected = ("MalformedPolicyDocumentException", text);
        assert_eq!(refused::<kms::PutKeyPolicy>(&t, &root(), key_policy(&key, &policy)), expected);

        let policy = document(id, "secretsmanager:GetSecretValue", EVERYTHING);
        let text = "This resource policy contains an unsupported principal.".to_owned();
        let expected = ("MalformedPolicyDocumentException", text);
        let put = secret_policy(&secret, &policy);
        assert_eq!(refused::<secretsmanager::PutResourcePolicy>(&t, &root(), put), expected);
    }
}

#[test]
fn an_id_of_somebody_is_shown_as_the_arn_and_after_the_end_as_the_id() {
    let t = with_account();
    let id = role(&t, "one", &trust(ECS_TASKS)).role_id;
    let secret = secret(&t);
    let policy = document(&id, "secretsmanager:GetSecretValue", EVERYTHING);
    ok::<secretsmanager::PutResourcePolicy>(&t, &root(), secret_policy(&secret, &policy));
    let shown = || {
        let input = secretsmanager::GetResourcePolicyRequest { secret_id: secret.clone() };
        ok::<secretsmanager::GetResourcePolicy>(&t, &root(), input).resource_policy.unwrap()
    };
    assert_eq!(shown(), policy.replace(&id, "arn:aws:iam::111122223333:role/one"));
    ok::<iam::DeleteRole>(&t, &root(), iam::DeleteRoleRequest { role_name: "one".into() });
    assert_eq!(shown(), policy);
}

#[test]
fn a_trust_policy_names_somebody() {
    let t = with_account();
    let trust = trust("{}");
    let expected =
        ("MalformedPolicyDocument", "Missing required field Principal cannot be empty!".to_owned());
    assert_eq!(refused::<iam::CreateRole>(&t, &root(), create_role(&trust)), expected);
}
