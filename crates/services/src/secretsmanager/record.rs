//! Rows of Secrets Manager.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::Policy;
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use super::rotation::Rotation;
use super::stages::Stages;

/// Account, Region and name.
pub type SecretKey = (AccountId, Region, String);

/// Secrets by account, Region and name.
pub const SECRETS: Table<SecretKey, Secret> = Table::new("secretsmanager.secret");

/// Versions by account, Region, secret name and version id.
pub const VERSIONS: Table<(AccountId, Region, String, String), Version> =
    Table::new("secretsmanager.version");

/// Index of the secrets of an account and Region by the time of their creation.
pub const BY_CREATION: Table<(AccountId, Region, Timestamp, String), ()> =
    Table::new("secretsmanager.secret_by_creation");

/// Index of the secrets that are scheduled for deletion by the end of their recovery window.
pub const DELETIONS: Table<(Timestamp, AccountId, Region, String), ()> =
    Table::new("secretsmanager.deletion");

/// Replicas that do not have their primary's state yet: account, Region and name of the primary, Region of the replica.
pub const REPLICATION_QUEUE: Table<(AccountId, Region, String, Region), ()> =
    Table::new("secretsmanager.replication_queue");

/// A secret without its values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Secret {
    /// With the random suffix: another secret of the same name has another ARN.
    pub arn: Arn,
    /// The name.
    pub name: String,
    /// Description, if one was given.
    #[serde(default)]
    pub description: Option<String>,
    /// The customer's key as it was named; `None` for the account's default key, `aws/secretsmanager`.
    #[serde(default)]
    pub kms_key_id: Option<String>,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// The resource policy.
    #[serde(default)]
    pub policy: Option<Arc<Policy>>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub changed_at: Timestamp,
    /// The day (midnight UTC) on which a value was last read.
    #[serde(default)]
    pub accessed_on: Option<Timestamp>,
    /// Set while it is scheduled for deletion.
    #[serde(default)]
    pub deletion: Option<Deletion>,
    /// Which version each staging label is on.
    #[serde(default)]
    pub stages: Stages,
    /// How many versions were ever added.
    #[serde(default)]
    pub added: u64,
    /// On a replica: the Region of its primary.
    #[serde(default)]
    pub primary: Option<Region>,
    /// On a primary: where it is replicated to.
    #[serde(default)]
    pub replicas: Vec<Replica>,
    /// How it is rotated, once that was set up.
    #[serde(default)]
    pub rotation: Option<Rotation>,
}

/// A Region that a secret is replicated to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The Region.
    pub region: Region,
    /// The customer's key there, as it was named; `None` for the account's default key.
    #[serde(default)]
    pub kms_key_id: Option<String>,
    /// A secret of the same name that is there already makes way.
    #[serde(default)]
    pub overwrite: bool,
    /// How far it is.
    pub state: ReplicaState,
}

/// How far a replica is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicaState {
    /// It does not have the primary's state yet.
    InProgress,
    /// It has.
    InSync,
    /// It could not be made or brought up to date; the reason. The next change of the primary tries again.
    Failed(String),
    /// Whoever asked for it may not use the keys; the reason. Only asking again helps.
    Refused(String),
}

/// A scheduled deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When deletion was asked for.
    pub requested_at: Timestamp,
    /// When the recovery window ends and the secret goes.
    pub due_at: Timestamp,
}

/// One value of a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// The value, sealed in the context `SecretARN`, `SecretVersionId`.
    pub sealed: Sealed,
    /// Under a customer's key: what is sealed is encrypted with this.
    #[serde(default)]
    pub data_key: Option<DataKey>,
    /// In which member the value is answered.
    pub form: Form,
    /// When it was made.
    pub created_at: Timestamp,
    /// The day (midnight UTC) on which it was last read.
    #[serde(default)]
    pub accessed_on: Option<Timestamp>,
}

/// The data key of one version, under a customer's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataKey {
    /// The key that opens it.
    pub key_arn: Arn,
    /// KMS's ciphertext, in base64.
    pub ciphertext: String,
}

/// The kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `SecretString`
    String,
    /// `SecretBinary`
    Binary,
}

impl Secret {
    /// The tags as the authorizer takes them.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The Region of the primary, where there are replicas.
    pub fn primary_region(&self) -> Option<&str> {
        let own = (!self.replicas.is_empty()).then(|| self.arn.region());
        self.primary.as_ref().map(Region::as_str).or(own)
    }
}
