//! Through the whole pipe, on an installation in memory.

mod access;
mod asymmetric;
mod grants;
mod keys;
mod messages;

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_base::{AccountId, Arn, Sensitive};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::{Blob, Entries, Operation, ServiceError};
use landfall_store::StoreError;

use super::OPERATIONS;
use crate::iam::record::{InlinePolicy, USER_POLICIES, USERS, User};
use crate::pipe::Caller;
use crate::testing::{START, TestInstallation, account, caller, root};

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

    /// Makes a key with the default policy; its ARN.
    fn key(&self) -> String {
        self.root::<api::CreateKey>(api::CreateKeyRequest::default()).key_metadata.unwrap().arn.unwrap()
    }

    /// Makes a key with a policy of these statements; its ARN.
    fn key_with(&self, statements: &str) -> String {
        let input = api::CreateKeyRequest {
            policy: Some(document(statements)),
            bypass_policy_lockout_safety_check: Some(true),
            ..Default::default()
        };
        self.root::<api::CreateKey>(input).key_metadata.unwrap().arn.unwrap()
    }

    fn describe(&self, key: &str) -> api::KeyMetadata {
        let input = api::DescribeKeyRequest { key_id: key.to_owned(), ..Default::default() };
        self.root::<api::DescribeKey>(input).key_metadata.unwrap()
    }

    fn alias(&self, name: &str, key: &str) {
        let target_key_id = key.to_owned();
        self.root::<api::CreateAlias>(api::CreateAliasRequest { alias_name: name.to_owned(), target_key_id });
    }

    fn encrypt(&self, key: &str, text: &str) -> Vec<u8> {
        self.root::<api::Encrypt>(encrypt(key, text)).ciphertext_blob.unwrap().0
    }

    /// A user of an account, with one inline policy that has these statements.
    fn user(&self, account: &AccountId, name: &str, statements: &str) -> Caller {
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
        let policy = Policy::parse(&document(statements), PolicyKind::Identity).unwrap();
        let policy = InlinePolicy { name: "p".to_owned(), policy: Arc::new(policy) };
        let written = self.0.call.installation().store.write("user", |tx| {
            tx.put(&USERS, &(account, name), &row);
            tx.put(&USER_POLICIES, &(account, name, "p"), &policy);
            Ok::<_, StoreError>(())
        });
        written.unwrap();
        caller(Principal::user(arn, account, id))
    }
}

/// A statement of an identity policy that allows nothing of KMS.
const NOTHING: &str = r#"{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}"#;
const DECRYPT: &str = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)
}

fn other_account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn encrypt(key: &str, text: &str) -> api::EncryptRequest {
    api::EncryptRequest {
        key_id: key.to_owned(),
        plaintext: Sensitive::new(text.as_bytes().to_vec()),
        ..Default::default()
    }
}

fn decrypt(ciphertext: &[u8]) -> api::DecryptRequest {
    api::DecryptRequest { ciphertext_blob: Some(Blob(ciphertext.to_vec())), ..Default::default() }
}

fn context(pairs: &[(&str, &str)]) -> Option<Entries<String>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn text(response: &api::DecryptResponse) -> String {
    String::from_utf8(response.plaintext.as_ref().unwrap().expose().clone()).unwrap()
}

fn disable(key: &str) -> api::DisableKeyRequest {
    api::DisableKeyRequest { key_id: key.to_owned() }
}

fn schedule(key: &str, days: i32) -> api::ScheduleKeyDeletionRequest {
    api::ScheduleKeyDeletionRequest { key_id: key.to_owned(), pending_window_in_days: Some(days) }
}
