//! Through the whole pipe, on an installation in memory.

mod access;
mod listing;
mod secure;
mod values;

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_base::{Arn, Sensitive};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::{Operation, ServiceError};
use landfall_store::StoreError;

use super::OPERATIONS;
use crate::iam::record::{InlinePolicy, USER_POLICIES, USERS, User};
use crate::pipe::Caller;
use crate::testing::{START, TestInstallation, account, caller, root};
use crate::{kms, secretsmanager};

/// An installation with the operations of this service and of those that it uses.
struct Fixture(TestInstallation);

impl Fixture {
    fn new() -> Self {
        Self(TestInstallation::new(&[OPERATIONS, kms::OPERATIONS, secretsmanager::OPERATIONS]))
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

    /// Makes a `String` parameter.
    fn put(&self, name: &str, value: &str) {
        self.root::<api::PutParameter>(put(name, value));
    }

    /// Makes a new version.
    fn overwrite(&self, name: &str, value: &str) -> i64 {
        let input = api::PutParameterRequest { overwrite: Some(true), ..put(name, value) };
        self.root::<api::PutParameter>(input).version.unwrap()
    }

    fn get(&self, name: &str) -> api::Parameter {
        self.root::<api::GetParameter>(get(name)).parameter.unwrap()
    }

    fn value(&self, name: &str) -> String {
        self.get(name).value.unwrap().into_exposed()
    }

    /// A user with one inline policy that has this statement.
    fn user(&self, name: &str, statement: &str) -> Caller {
        let arn = Arn::global("iam", account().as_str(), &format!("user/{name}"));
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
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let policy = Policy::parse(&document, PolicyKind::Identity).unwrap();
        let policy = InlinePolicy { name: "p".to_owned(), policy: Arc::new(policy) };
        let written = self.0.call.installation().store.write("user", |tx| {
            tx.put(&USERS, &(&account(), name), &row);
            tx.put(&USER_POLICIES, &(&account(), name, "p"), &policy);
            Ok::<_, StoreError>(())
        });
        written.unwrap();
        caller(Principal::user(arn, &account(), id))
    }
}

fn put(name: &str, value: &str) -> api::PutParameterRequest {
    api::PutParameterRequest {
        name: name.to_owned(),
        value: Sensitive::from(value),
        r#type: Some(api::ParameterType::String),
        ..Default::default()
    }
}

fn secure(name: &str, value: &str) -> api::PutParameterRequest {
    api::PutParameterRequest { r#type: Some(api::ParameterType::SecureString), ..put(name, value) }
}

fn get(name: &str) -> api::GetParameterRequest {
    api::GetParameterRequest { name: name.to_owned(), with_decryption: Some(true) }
}

fn gets(names: &[&str]) -> api::GetParametersRequest {
    api::GetParametersRequest {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        with_decryption: Some(true),
    }
}

fn label(name: &str, number: Option<i64>, labels: &[&str]) -> api::LabelParameterVersionRequest {
    api::LabelParameterVersionRequest {
        name: name.to_owned(),
        parameter_version: number,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    }
}

fn error(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}
