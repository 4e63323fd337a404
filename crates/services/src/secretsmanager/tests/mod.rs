//! Through the whole pipe, on an installation in memory.

mod access;
mod customer_keys;
mod deletion;
mod listing;
mod messages;
mod replication;
mod rotation;
mod versions;

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_base::{AccountId, Arn, Sensitive, Timestamp};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::{Operation, ServiceError};
use landfall_store::StoreError;

use super::OPERATIONS;
use super::record::{SECRETS, Secret};
use crate::iam::record::{InlinePolicy, USER_POLICIES, USERS, User};
use crate::pipe::Caller;
use crate::testing::{START, TestInstallation, account, caller, region, root};

/// An installation with the operations of this service.
struct Fixture(TestInstallation);

impl Fixture {
    fn new() -> Self {
        Self(TestInstallation::new(&[OPERATIONS]))
    }

    fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output, ServiceError> {
        self.0.call.call::<O>(caller, input).result
    }

    /// A call by the root user that must succeed.
    fn root<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).unwrap()
    }

    /// A call by the root user that must fail; code and message.
    fn refused<O: Operation>(&self, input: O::Input) -> (String, String) {
        self.denied::<O>(&root(), input)
    }

    fn denied<O: Operation>(&self, caller: &Caller, input: O::Input) -> (String, String) {
        match self.call::<O>(caller, input) {
            Ok(_) => panic!("{} succeeded", O::SCHEMA.name),
            Err(error) => (error.code.to_owned(), error.message),
        }
    }

    /// Makes a secret with the value `v1` in the version [`token`]`(1)`; its ARN.
    fn secret(&self, name: &str) -> String {
        self.root::<api::CreateSecret>(create(name)).arn.unwrap()
    }

    fn put(&self, name: &str, number: u32) -> api::PutSecretValueResponse {
        self.root::<api::PutSecretValue>(put(name, number))
    }

    fn value(&self, name: &str) -> String {
        text(self.root::<api::GetSecretValue>(get(name)).secret_string)
    }

    fn describe(&self, name: &str) -> api::DescribeSecretResponse {
        self.root::<api::DescribeSecret>(api::DescribeSecretRequest { secret_id: name.to_owned() })
    }

    /// The labels by version number.
    fn stages(&self, name: &str) -> Vec<(String, Vec<String>)> {
        self.describe(name).version_ids_to_stages.unwrap_or_default().0
    }

    fn row(&self, name: &str) -> Option<Arc<Secret>> {
        let view = self.0.call.installation().store.view();
        view.get(&SECRETS, &(account(), region(), name.to_owned())).unwrap()
    }

    /// A user of an account, with one inline policy that has this statement.
    fn user(&self, account: &AccountId, name: &str, statement: &str) -> Caller {
        let arn = Arn::global("iam", account.as_str(), &format!("user/{name}"));
        let id = format!("AIDA{}", name.to_uppercase());
        let row = User {
            name: name.to_owned(),
            path: "/".to_owned(),
            id: id.clone(),
            arn: arn.to_string(),
            created_at: START,
            attached: Vec::new(),
            boundary: None,
            tags: Vec::new(),
        };
        let policy = Policy::parse(&document(statement), PolicyKind::Identity).unwrap();
        let policy = InlinePolicy { name: "p".to_owned(), policy: Arc::new(policy) };
        let written = self.0.call.installation().store.write("user", |tx| {
            tx.put(&USERS, &(account, name), &row);
            tx.put(&USER_POLICIES, &(account, name, "p"), &policy);
            Ok::<_, StoreError>(())
        });
        written.unwrap();
        caller(Principal::user(arn, account, id))
    }

    fn put_policy(&self, name: &str, statement: &str) {
        self.root::<api::PutResourcePolicy>(policy(name, statement));
    }
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

fn other_account() -> AccountId {
    "444455556666".parse().unwrap()
}

/// The version id that stands for a number.
fn token(number: u32) -> String {
    format!("{number:08}-0000-0000-0000-000000000000")
}

fn create(name: &str) -> api::CreateSecretRequest {
    api::CreateSecretRequest {
        name: name.to_owned(),
        client_request_token: Some(token(1)),
        secret_string: Some(Sensitive::from("v1")),
        ..Default::default()
    }
}

/// Puts the value `v<number>`.
fn put(name: &str, number: u32) -> api::PutSecretValueRequest {
    api::PutSecretValueRequest {
        secret_id: name.to_owned(),
        client_request_token: Some(token(number)),
        secret_string: Some(Sensitive::new(format!("v{number}"))),
        ..Default::default()
    }
}

fn get(name: &str) -> api::GetSecretValueRequest {
    api::GetSecretValueRequest { secret_id: name.to_owned(), ..Default::default() }
}

fn delete(name: &str) -> api::DeleteSecretRequest {
    api::DeleteSecretRequest { secret_id: name.to_owned(), ..Default::default() }
}

fn policy(name: &str, statement: &str) -> api::PutResourcePolicyRequest {
    api::PutResourcePolicyRequest {
        secret_id: name.to_owned(),
        resource_policy: document(statement),
        ..Default::default()
    }
}

fn text(value: Option<Sensitive<String>>) -> String {
    value.unwrap().into_exposed()
}

fn days(days: i64) -> i64 {
    days * 86_400
}

fn after_days(count: i64) -> Timestamp {
    START.plus_seconds(days(count))
}
