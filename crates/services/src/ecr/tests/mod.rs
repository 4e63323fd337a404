//! Through the whole pipe, on an installation in memory.

mod images;
mod keys;
mod layers;
mod lifecycle;
mod matrix;
mod policies;
mod pull_through;
mod replication;
mod repositories;
mod rows;
mod token;

use landfall_api::ecr as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_registry::{Digest, Manifest, Tag};
use landfall_shape::{Operation, ServiceError};
use landfall_store::StoreError;
use serde_json::json;

use super::record::RepositoryKey;
use super::registry;
use crate::iam::record::{InlinePolicy, USER_POLICIES, USERS, User};
use crate::pipe::Caller;
use crate::testing::{START, TestInstallation, account, caller, region, root};

/// An installation with every operation.
pub(super) struct Fixture(pub(super) TestInstallation);

impl Fixture {
    fn new() -> Self {
        Self(TestInstallation::new(crate::TABLES))
    }

    fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output, ServiceError> {
        self.0.call.call::<O>(caller, input).result
    }

    /// A call by the root user that must succeed.
    fn root<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).unwrap()
    }

    /// A role that a service may assume.
    fn role(&self, name: &str, service: &str) {
        let trust = json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"});
        self.root::<landfall_api::iam::CreateRole>(landfall_api::iam::CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: document(&trust.to_string()),
            ..Default::default()
        });
    }

    /// All that a role may do.
    fn allow_role(&self, name: &str, actions: &[&str]) {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        self.root::<landfall_api::iam::PutRolePolicy>(landfall_api::iam::PutRolePolicyRequest {
            role_name: name.to_owned(),
            policy_name: "p".to_owned(),
            policy_document: document(&statement.to_string()),
        });
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

    fn repository(&self, name: &str) -> api::Repository {
        self.root::<api::CreateRepository>(create(name)).repository.unwrap()
    }

    /// Rows of an image with one layer, as a push leaves them.
    fn image(&self, name: &str, content: &str, tag: Option<&str>) -> Digest {
        self.put(name, &manifest(content), tag)
    }

    /// Pushes an artifact that is about an image.
    fn about(&self, name: &str, content: &str, subject: Digest) -> Digest {
        self.put(name, &Manifest { subject: Some(subject), ..manifest(content) }, None)
    }

    fn put(&self, name: &str, manifest: &Manifest, tag: Option<&str>) -> Digest {
        let (key, tag) = (key(name), tag.map(|tag| tag.parse::<Tag>().unwrap()));
        let now = self.0.call.installation().clock.now();
        let written = self.0.call.installation().store.write("push", |tx| {
            let repository = registry::find_repository(tx, &key)?.unwrap();
            for blob in manifest.config.iter().chain(&manifest.layers) {
                registry::link_layer(tx, &key, blob.digest, blob.size);
            }
            registry::put_image(tx, &key, &repository, manifest, tag.as_ref(), now)
        });
        written.unwrap();
        manifest.digest
    }

    /// A user of an account, with one inline policy that has this statement, or none.
    fn user(&self, account: &AccountId, name: &str, statement: Option<&str>) -> Caller {
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
        let policy = statement.map(|statement| InlinePolicy {
            name: "p".to_owned(),
            policy: std::sync::Arc::new(Policy::parse(&document(statement), PolicyKind::Identity).unwrap()),
        });
        let written = self.0.call.installation().store.write("user", |tx| {
            tx.put(&USERS, &(account, name), &row);
            if let Some(policy) = &policy {
                tx.put(&USER_POLICIES, &(account, name, "p"), policy);
            }
            Ok::<_, StoreError>(())
        });
        written.unwrap();
        caller(Principal::user(arn, account, id))
    }
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

fn other_account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn key(name: &str) -> RepositoryKey {
    (account(), region(), name.to_owned())
}

fn create(name: &str) -> api::CreateRepositoryRequest {
    api::CreateRepositoryRequest { repository_name: name.to_owned(), ..Default::default() }
}

/// The text of a manifest with a configuration and one layer that follow from `content`.
fn manifest_text(content: &str) -> String {
    let blob = |text: &str| serde_json::json!({ "mediaType": "application/x", "digest": Digest::of(text.as_bytes()).to_string(), "size": text.len() });
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(&format!("config {content}")),
        "layers": [blob(content)],
    })
    .to_string()
}

fn manifest(content: &str) -> Manifest {
    Manifest::parse(manifest_text(content).as_bytes(), None).unwrap()
}

fn id(digest: Option<Digest>, tag: Option<&str>) -> api::ImageIdentifier {
    api::ImageIdentifier {
        image_digest: digest.map(|digest| digest.to_string()),
        image_tag: tag.map(str::to_owned),
    }
}

/// The account that the policy or caller is about, as a user `name`.
fn user_arn(account: &AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

fn set_policy(name: &str, statement: &str) -> api::SetRepositoryPolicyRequest {
    api::SetRepositoryPolicyRequest {
        repository_name: name.to_owned(),
        policy_text: document(statement),
        ..Default::default()
    }
}
