//! Policies of the organization, and who may do what.

use crate::support::*;
use landfall_api::{iam as api, kms, landfall, secretsmanager};
use landfall_services::iam::create_account;
use landfall_services::testing::{TestInstallation, root};

const SCP: landfall::OrganizationPolicyType = landfall::OrganizationPolicyType::ServiceControlPolicy;
const RCP: landfall::OrganizationPolicyType = landfall::OrganizationPolicyType::ResourceControlPolicy;

fn put(
    t: &TestInstallation,
    kind: landfall::OrganizationPolicyType,
    target: &str,
    name: &str,
    content: &str,
) -> landfall::OrganizationPolicy {
    if target != "root" {
        // There already, where a test puts several.
        let account = landfall::CreateAccountRequest { account_id: target.into() };
        let _ = t.call.call::<landfall::CreateAccount>(&root(), account);
    }
    let input = landfall::PutOrganizationPolicyRequest {
        name: name.into(),
        r#type: kind,
        content: Some(content.into()),
        target_id: Some(target.into()),
    };
    ok::<landfall::PutOrganizationPolicy>(t, &root(), input).policy
}

fn delete(target: &str, name: &str) -> landfall::DeleteOrganizationPolicyRequest {
    landfall::DeleteOrganizationPolicyRequest {
        name: name.into(),
        r#type: SCP,
        target_id: Some(target.into()),
    }
}

fn list_users() -> api::ListUsersRequest {
    api::ListUsersRequest::default()
}

#[test]
fn a_service_control_policy_limits_an_account() {
    let t = installation();
    let other = root_of(&other_account());
    ok::<api::ListUsers>(&t, &other, list_users());
    let made = put(&t, SCP, "root", "no-iam", &policy("Deny", "iam:*", "*"));
    assert!(
        made.arn
            .starts_with("arn:aws:organizations::111122223333:policy/o-landfall/service_control_policy/p-")
    );
    let (code, message) = refused::<api::ListUsers>(&t, &other, list_users());
    assert_eq!(code, "AccessDenied");
    let end = format!("with an explicit deny in a service control policy: {}", made.arn);
    assert!(message.ends_with(&end), "{message}");
    ok::<api::ListUsers>(&t, &root(), list_users());
    ok::<landfall::DeleteOrganizationPolicy>(&t, &root(), delete("root", "no-iam"));
    ok::<api::ListUsers>(&t, &other, list_users());
}

#[test]
fn an_allow_list_works_without_full_access() {
    let t = installation();
    let other = root_of(&other_account());
    let (code, _) =
        refused::<landfall::DeleteOrganizationPolicy>(&t, &root(), delete(OTHER, "FullAWSAccess"));
    assert_eq!(code, "InvalidParameterException", "the last one stays");
    put(&t, SCP, OTHER, "sts-only", &policy("Allow", "sts:*", "*"));
    ok::<api::ListUsers>(&t, &other, list_users());
    ok::<landfall::DeleteOrganizationPolicy>(&t, &root(), delete(OTHER, "FullAWSAccess"));
    let (_, message) = refused::<api::ListUsers>(&t, &other, list_users());
    assert!(
        message.ends_with("because no service control policy allows the iam:ListUsers action"),
        "{message}"
    );
    put(&t, SCP, OTHER, "FullAWSAccess", "ignored");
    ok::<api::ListUsers>(&t, &other, list_users());
}

#[test]
fn a_resource_control_policy_protects_resources() {
    let t = installation();
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*",
        "Action":"secretsmanager:*","Resource":"*"}}"#;
    put(&t, RCP, OTHER, "sealed", document);
    let list = || secretsmanager::ListSecretsRequest::default();
    let (_, message) = refused::<secretsmanager::ListSecrets>(&t, &root_of(&other_account()), list());
    assert!(message.contains("with an explicit deny in a resource control policy"), "{message}");
    ok::<secretsmanager::ListSecrets>(&t, &root(), list());
}

#[test]
fn only_the_first_account_sets_them() {
    let t = installation();
    let other = root_of(&other_account());
    let input = landfall::PutOrganizationPolicyRequest {
        name: "x".into(),
        r#type: SCP,
        content: Some(ANYTHING.into()),
        target_id: None,
    };
    assert_eq!(refused::<landfall::PutOrganizationPolicy>(&t, &other, input).0, "AccessDeniedException");
    let list = landfall::ListOrganizationPoliciesRequest::default();
    assert_eq!(refused::<landfall::ListOrganizationPolicies>(&t, &other, list).0, "AccessDeniedException");
    let bad = landfall::PutOrganizationPolicyRequest {
        name: "x".into(),
        r#type: SCP,
        content: Some("{".into()),
        target_id: None,
    };
    assert_eq!(
        refused::<landfall::PutOrganizationPolicy>(&t, &root(), bad).0,
        "MalformedPolicyDocumentException"
    );
    let (code, _) = refused::<landfall::DeleteOrganizationPolicy>(&t, &root(), delete("root", "none"));
    assert_eq!(code, "ResourceNotFoundException");
}

#[test]
fn policies_are_listed() {
    let t = installation();
    put(&t, SCP, OTHER, "a", ANYTHING);
    put(&t, SCP, OTHER, "a", &policy("Allow", "sts:*", "*"));
    let list = |kind| landfall::ListOrganizationPoliciesRequest { r#type: kind, target_id: None };
    let listed = ok::<landfall::ListOrganizationPolicies>(&t, &root(), list(None)).policies;
    let names: Vec<_> = listed.iter().map(|it| (it.target_id.as_str(), it.name.as_str())).collect();
    assert_eq!(names, [(OTHER, "a"), (OTHER, "FullAWSAccess"), ("root", "FullAWSAccess")]);
    assert_eq!(listed[0].content, policy("Allow", "sts:*", "*"));
    let none = ok::<landfall::ListOrganizationPolicies>(&t, &root(), list(Some(RCP))).policies;
    assert!(none.is_empty());
}

fn who_can(t: &TestInstallation, action: &str, resource: &str) -> Vec<String> {
    let input = landfall::ListAllowedPrincipalsRequest {
        action: action.into(),
        resource: resource.into(),
        context: None,
    };
    let answer = ok::<landfall::ListAllowedPrincipals>(t, &root(), input);
    answer.principals.into_iter().map(|principal| principal.arn).collect()
}

#[test]
fn who_can_asks_every_principal() {
    let t = installation();
    write(&t, |tx| {
        let installation = t.call.installation();
        let now = installation.clock.now();
        for account in [landfall_services::testing::account(), other_account()] {
            create_account(tx, &installation.vault, now, &account)?;
        }
        Ok(())
    });
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "iam:GetRole", "arn:aws:iam::111122223333:role/r"));
    let bob = user(&t, "bob");
    allow(&t, &bob, &policy("Deny", "iam:GetRole", "*"));
    role(&t, "r", &trust_aws(&alice.arn()));
    allow_role(&t, "r", &policy("Allow", "iam:Get*", "*"));
    let arn = |path: &str| format!("arn:aws:iam::111122223333:{path}");
    let mut everybody = vec![arn("root"), arn("user/administrator"), arn("user/alice"), arn("role/r")];
    assert_eq!(who_can(&t, "iam:GetRole", &arn("role/r")), everybody);
    everybody.remove(2);
    assert_eq!(who_can(&t, "iam:GetRole", &arn("role/other")), everybody);
    // Becoming the role is up to its trust policy; the root user never may.
    assert_eq!(who_can(&t, "sts:AssumeRole", &arn("role/r")), [arn("user/alice")]);
}

#[test]
fn who_can_knows_the_policies_of_secrets() {
    let t = installation();
    let alice = user(&t, "alice");
    write(&t, |tx| {
        let installation = t.call.installation();
        create_account(tx, &installation.vault, installation.clock.now(), &alice.account).map(drop)
    });
    let create = secretsmanager::CreateSecretRequest {
        name: "s".into(),
        client_request_token: Some("00000000-0000-0000-0000-000000000000".into()),
        secret_string: Some("x".into()),
        ..Default::default()
    };
    let secret = ok::<secretsmanager::CreateSecret>(&t, &root(), create).arn.unwrap();
    let action = "secretsmanager:GetSecretValue";
    assert!(!who_can(&t, action, &secret).contains(&alice.arn()));
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"*","Resource":"*"}}}}"#,
        alice.arn()
    );
    let put = secretsmanager::PutResourcePolicyRequest {
        secret_id: "s".into(),
        resource_policy: document,
        ..Default::default()
    };
    ok::<secretsmanager::PutResourcePolicy>(&t, &root(), put);
    assert!(who_can(&t, action, &secret).contains(&alice.arn()));
}

#[test]
fn who_can_knows_the_policies_of_keys() {
    let t = installation();
    let alice = user(&t, "alice");
    write(&t, |tx| {
        let installation = t.call.installation();
        create_account(tx, &installation.vault, installation.clock.now(), &alice.account).map(drop)
    });
    let made = ok::<kms::CreateKey>(&t, &root(), kms::CreateKeyRequest::default());
    let key = made.key_metadata.and_then(|key| key.arn).unwrap_or_default();
    assert!(!who_can(&t, "kms:Decrypt", &key).contains(&alice.arn()));
    let grant = kms::CreateGrantRequest {
        key_id: key.clone(),
        grantee_principal: alice.arn(),
        operations: vec![kms::GrantOperation::Decrypt],
        ..Default::default()
    };
    ok::<kms::CreateGrant>(&t, &root(), grant);
    assert!(who_can(&t, "kms:Decrypt", &key).contains(&alice.arn()));
    assert!(!who_can(&t, "kms:Encrypt", &key).contains(&alice.arn()));
}

#[test]
fn who_can_demands_permission_and_sense() {
    let t = installation();
    let ask = |resource: &str| landfall::ListAllowedPrincipalsRequest {
        action: "iam:GetRole".into(),
        resource: resource.into(),
        context: None,
    };
    let alice = user(&t, "alice");
    assert_eq!(refused::<landfall::ListAllowedPrincipals>(&t, &alice, ask("*")).0, "AccessDeniedException");
    assert_eq!(
        refused::<landfall::ListAllowedPrincipals>(&t, &root(), ask("r")).0,
        "InvalidParameterException"
    );
}

#[test]
fn a_target_must_be_there_and_holds_five() {
    let t = installation();
    let attach = |target: &str, name: &str| landfall::PutOrganizationPolicyRequest {
        name: name.into(),
        r#type: SCP,
        content: Some(policy("Deny", "sqs:*", "*")),
        target_id: Some(target.into()),
    };
    let (code, message) =
        refused::<landfall::PutOrganizationPolicy>(&t, &root(), attach("999999999999", "a"));
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(message, "there is no account `999999999999`: expected the id of an account, or `root`");
    for name in ["a", "b", "c", "d", "d"] {
        ok::<landfall::PutOrganizationPolicy>(&t, &root(), attach("root", name));
    }
    let (_, message) = refused::<landfall::PutOrganizationPolicy>(&t, &root(), attach("root", "e"));
    assert_eq!(message, "`root` has 5 policies of this kind: detach one first");
}
