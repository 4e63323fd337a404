//! What the tests of IAM and STS share: an installation with both, and callers in it.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing helper fails its test")]

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::sts;
use landfall_base::AccountId;
use landfall_iam::Principal;
use landfall_services::pipe::{Caller, Failure};
use landfall_services::s3::buckets;
use landfall_services::sts::{CredentialError, find_credentials};
use landfall_services::testing::{START, TestInstallation, account, caller, region, root};
use landfall_shape::{Operation, ServiceError};

/// The account next door.
pub(crate) const OTHER: &str = "444455556666";

pub(crate) fn installation() -> TestInstallation {
    TestInstallation::new(landfall_services::TABLES)
}

/// An installation that knows the tests' account.
pub(crate) fn with_account() -> TestInstallation {
    let t = installation();
    landfall_services::iam::administrator(t.call.installation()).unwrap();
    t
}

pub(crate) fn call<O: Operation>(
    t: &TestInstallation,
    who: &Caller,
    input: O::Input,
) -> Result<O::Output, ServiceError> {
    t.call.call::<O>(who, input).result
}

/// A call that must succeed.
pub(crate) fn ok<O: Operation>(t: &TestInstallation, who: &Caller, input: O::Input) -> O::Output {
    call::<O>(t, who, input).unwrap_or_else(|error| panic!("{}: {error}", O::SCHEMA.name))
}

/// Code and message of a call that must fail.
pub(crate) fn refused<O: Operation>(
    t: &TestInstallation,
    who: &Caller,
    input: O::Input,
) -> (&'static str, String) {
    match call::<O>(t, who, input) {
        Ok(_) => panic!("{} succeeded", O::SCHEMA.name),
        Err(error) => (error.code, error.message),
    }
}

pub(crate) fn other_account() -> AccountId {
    OTHER.parse().unwrap()
}

pub(crate) fn root_of(account: &AccountId) -> Caller {
    caller(Principal::root(account))
}

/// Makes a user without policies, and calls as it.
pub(crate) fn user(t: &TestInstallation, name: &str) -> Caller {
    user_of(t, &account(), name)
}

pub(crate) fn user_of(t: &TestInstallation, account: &AccountId, name: &str) -> Caller {
    let input = api::CreateUserRequest { user_name: name.into(), ..Default::default() };
    let user = ok::<api::CreateUser>(t, &root_of(account), input).user.unwrap();
    caller(Principal::user(user.arn.parse().unwrap(), account, user.user_id))
}

/// Makes a bucket.
pub(crate) fn bucket(t: &TestInstallation, owner: &AccountId, name: &str, policy: Option<&str>) {
    let made = t.call.installation().store.write("bucket", |tx| -> Result<(), Failure> {
        buckets::create(tx, START, owner, &region(), name, None)?;
        policy.map_or(Ok(()), |policy| buckets::put_policy(tx, name, policy))
    });
    made.unwrap();
}

/// An identity policy of one statement.
pub(crate) fn policy(effect: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

/// A trust policy that lets one principal in.
pub(crate) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// A trust policy that names an AWS principal.
pub(crate) fn trust_aws(arn: &str) -> String {
    trust(&format!(r#"{{"AWS":"{arn}"}}"#))
}

/// Sets an inline policy `p` of a user.
pub(crate) fn allow(t: &TestInstallation, user: &Caller, document: &str) {
    let input = api::PutUserPolicyRequest {
        user_name: user.principal.user_name().unwrap().into(),
        policy_name: "p".into(),
        policy_document: document.into(),
    };
    ok::<api::PutUserPolicy>(t, &root_of(&user.account), input);
}

/// Makes a role.
pub(crate) fn role(t: &TestInstallation, name: &str, trust: &str) -> api::Role {
    role_of(t, &account(), name, trust)
}

pub(crate) fn role_of(t: &TestInstallation, account: &AccountId, name: &str, trust: &str) -> api::Role {
    let input = api::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: trust.into(),
        ..Default::default()
    };
    ok::<api::CreateRole>(t, &root_of(account), input).role
}

/// Sets an inline policy `p` of a role of the tests' account.
pub(crate) fn allow_role(t: &TestInstallation, role: &str, document: &str) {
    let input = api::PutRolePolicyRequest {
        role_name: role.into(),
        policy_name: "p".into(),
        policy_document: document.into(),
    };
    ok::<api::PutRolePolicy>(t, &root(), input);
}

pub(crate) fn get_role(name: &str) -> api::GetRoleRequest {
    api::GetRoleRequest { role_name: name.into() }
}

pub(crate) fn assume(role_arn: &str) -> sts::AssumeRoleRequest {
    sts::AssumeRoleRequest {
        role_arn: role_arn.into(),
        role_session_name: "work".into(),
        ..Default::default()
    }
}

/// The caller that temporary credentials stand for now.
pub(crate) fn caller_with(
    t: &TestInstallation,
    credentials: &sts::Credentials,
) -> Result<Caller, CredentialError> {
    let installation = t.call.installation();
    let view = installation.store.view();
    let (key, token) = (&credentials.access_key_id, &credentials.session_token);
    let found = find_credentials(installation, &view, key, Some(token))?;
    Ok(Caller { session: found.session, access_key_id: key.clone(), ..caller(found.principal) })
}

/// Calls with credentials that an operation gave.
pub(crate) fn session_of(t: &TestInstallation, credentials: &Option<sts::Credentials>) -> Caller {
    caller_with(t, credentials.as_ref().unwrap()).unwrap()
}

/// Becomes a role, and calls as the session.
pub(crate) fn session(t: &TestInstallation, who: &Caller, input: sts::AssumeRoleRequest) -> Caller {
    let answer = ok::<sts::AssumeRole>(t, who, input);
    caller_with(t, &answer.credentials.unwrap()).unwrap()
}

pub(crate) fn write(t: &TestInstallation, body: impl FnOnce(&mut landfall_store::Tx) -> Result<(), Failure>) {
    let installation = Arc::clone(t.call.installation());
    installation.store.write("test", body).unwrap();
}

/// Undoes URL-encoding.
pub(crate) fn decoded(document: &str) -> String {
    percent_encoding::percent_decode_str(document).decode_utf8().unwrap().into_owned()
}

pub(crate) const ECS_TASKS: &str = r#"{"Service":"ecs-tasks.amazonaws.com"}"#;
pub(crate) const EXECUTION_POLICY: &str =
    "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
pub(crate) const ANYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

pub(crate) fn tag(key: &str, value: &str) -> api::Tag {
    api::Tag { key: key.into(), value: value.into() }
}

pub(crate) fn attach_role(name: &str, arn: &str) -> api::AttachRolePolicyRequest {
    api::AttachRolePolicyRequest { role_name: name.into(), policy_arn: arn.into() }
}

pub(crate) fn put_role(name: &str, policy: &str, document: &str) -> api::PutRolePolicyRequest {
    api::PutRolePolicyRequest {
        role_name: name.into(),
        policy_name: policy.into(),
        policy_document: document.into(),
    }
}

pub(crate) fn create_policy(name: &str, document: &str) -> api::CreatePolicyRequest {
    api::CreatePolicyRequest {
        policy_name: name.into(),
        policy_document: document.into(),
        ..Default::default()
    }
}

pub(crate) fn policy_arn(name: &str) -> String {
    format!("arn:aws:iam::111122223333:policy/{name}")
}
