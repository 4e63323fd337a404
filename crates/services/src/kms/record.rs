//! Rows of KMS.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::{Grant as Rule, Policy};
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use super::kind::{Kind, Spec, Usage};

/// Account, Region and key id, which is a UUID.
pub type KeyKey = (AccountId, Region, String);

/// Keys by account, Region and id.
pub const KEYS: Table<KeyKey, Key> = Table::new("kms.key");

/// Aliases by account, Region and name, which begins with `alias/`.
pub const ALIASES: Table<(AccountId, Region, String), Alias> = Table::new("kms.alias");

/// Index of the aliases by the key they stand for: account, Region, key id, alias name.
pub const ALIASES_OF_KEY: Table<(AccountId, Region, String, String), ()> = Table::new("kms.alias_of_key");

/// Grants by account, Region, key id and grant id.
pub const GRANTS: Table<(AccountId, Region, String, String), Grant> = Table::new("kms.grant");

/// Index of what is due by the clock: when, and which key. The key's row says what.
pub const DUE: Table<(Timestamp, AccountId, Region, String), ()> = Table::new("kms.due");

/// A key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Key {
    /// The key's ARN.
    pub arn: Arn,
    /// What it is made of.
    #[serde(default)]
    pub spec: Spec,
    /// What it is for.
    #[serde(default)]
    pub usage: Usage,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// The key policy. Every key has exactly one.
    pub policy: Arc<Policy>,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// It may be used.
    pub enabled: bool,
    /// Set while it is scheduled for deletion: when it goes.
    #[serde(default)]
    pub deletion_at: Option<Timestamp>,
    /// The service whose default key it is, for a key that AWS manages.
    #[serde(default)]
    pub managed_for: Option<String>,
    /// Set while it is rotated automatically.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// Key material, oldest first. The last is used for encryption; all of it for decryption.
    pub materials: Vec<Material>,
}

/// Automatic rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Days between rotations.
    pub period_days: i64,
    /// When the next one is due.
    pub next_at: Timestamp,
}

/// One backing key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Material {
    /// `KeyMaterialId`: 64 hexadecimal digits.
    pub id: String,
    /// The secret bits, or the private key as PKCS #8; sealed in the context `KmsKeyArn`, `KmsKeyMaterialId`.
    pub sealed: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it came about; `None` for the first.
    #[serde(default)]
    pub rotation: Option<RotationKind>,
}

/// What caused a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationKind {
    /// The period was over.
    Automatic,
    /// Somebody asked for it.
    OnDemand,
}

/// A name for a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alias {
    /// The id of the key, in the same account and Region.
    pub key_id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last pointed at a key.
    pub updated_at: Timestamp,
}

/// A grant on a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// A name to recognise it by.
    #[serde(default)]
    pub name: Option<String>,
    /// Who may use the key, and how.
    pub rule: Rule,
    /// The unique id of the user or role that the rule names by its ARN: one that is made again under the same name has
    /// nothing of the grant.
    #[serde(default)]
    pub grantee_id: Option<String>,
    /// Who may retire the grant, beside the grantee.
    #[serde(default)]
    pub retiring_principal: Option<String>,
    /// The unique id of that user or role.
    #[serde(default)]
    pub retiring_id: Option<String>,
    /// The account that made it.
    pub issuing_account: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Key {
    /// What it is, and what for.
    pub fn kind(&self) -> Kind {
        Kind { spec: self.spec, usage: self.usage }
    }

    /// The tags as the authorizer takes them.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Grant {
    /// The rule as it is decided by: with the id of the grantee, where it has one.
    pub fn effective(&self) -> Rule {
        let grantee = self.grantee_id.as_ref().unwrap_or(&self.rule.grantee);
        Rule { grantee: grantee.clone(), ..self.rule.clone() }
    }

    /// Whether the two say the same: then a repeated request makes no second grant.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let facts = |grant: &Self| {
            let retiring = (grant.retiring_principal.clone(), grant.retiring_id.clone());
            (grant.name.clone(), grant.rule.constraint.clone(), grant.grantee_id.clone(), retiring)
        };
        let sorted = |grant: &Self| {
            let mut operations = grant.rule.operations.clone();
            operations.sort();
            operations
        };
        self.rule.grantee == other.rule.grantee
            && facts(self) == facts(other)
            && sorted(self) == sorted(other)
    }
}
