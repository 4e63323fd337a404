//! Rows of Parameter Store.

use std::collections::BTreeMap;

use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

/// Account, Region and name; the name begins with a slash.
pub type ParameterKey = (AccountId, Region, String);

/// Parameters by account, Region and name.
pub const PARAMETERS: Table<ParameterKey, Parameter> = Table::new("ssm.parameter");

/// Versions by account, Region, name and number.
pub const VERSIONS: Table<(AccountId, Region, String, u64), Version> = Table::new("ssm.version");

/// Index of the parameters that expire by the time when they do.
pub const EXPIRATIONS: Table<(Timestamp, AccountId, Region, String), ()> = Table::new("ssm.expiration");

/// How many parameters an account has in a Region.
pub const COUNTS: Table<(AccountId, Region), Counts> = Table::new("ssm.count");

/// Service settings that differ from their defaults, by account, Region and id.
pub const SETTINGS: Table<(AccountId, Region, String), Setting> = Table::new("ssm.setting");

/// A parameter without its values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parameter {
    /// The name as it was given first, with or without a slash in front.
    pub name: String,
    /// The number of the newest version.
    pub newest: u64,
    /// The number of the oldest version that is kept.
    pub oldest: u64,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Which version each label is on.
    #[serde(default)]
    pub labels: BTreeMap<String, u64>,
    /// The tier of the newest version.
    pub tier: Tier,
    /// When a policy lets it expire.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// One version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// The value.
    pub content: Content,
    /// `String`, `StringList` or `SecureString`.
    pub kind: Kind,
    /// The key of a `SecureString` as it was named.
    #[serde(default)]
    pub key_id: Option<String>,
    /// Description, if one was given.
    #[serde(default)]
    pub description: Option<String>,
    /// The regular expression that values must match.
    #[serde(default)]
    pub allowed_pattern: Option<String>,
    /// `text`, `aws:ec2:image`, `aws:ssm:integration`
    pub data_type: String,
    /// The tier it was written in.
    pub tier: Tier,
    /// Parameter policies.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// When it was made.
    pub modified_at: Timestamp,
    /// The ARN of who made it.
    pub modified_by: String,
}

/// A value at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Of a `String` or `StringList`, which are not secret.
    Plain(String),
    /// Under the default key: sealed in the context `PARAMETER_ARN`, `ParameterVersion`.
    Sealed(Sealed),
    /// Under a customer's key, encrypted by KMS itself.
    Encrypted {
        /// The key that opens it.
        key_arn: Arn,
        /// KMS's ciphertext, in base64.
        ciphertext: String,
    },
    /// Under a customer's key, encrypted with a data key that KMS encrypted.
    Enveloped {
        /// The key that opens the data key.
        key_arn: Arn,
        /// KMS's ciphertext of the data key, in base64.
        data_key: String,
        /// The encrypted value, in base64.
        ciphertext: String,
    },
}

/// The kinds of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `String`
    String,
    /// `StringList`
    StringList,
    /// `SecureString`
    SecureString,
}

/// The tiers that a parameter can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// Up to 4 KB.
    Standard,
    /// Up to 8 KB, and policies.
    Advanced,
}

/// A parameter policy: its type and its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// `Expiration`, `ExpirationNotification`, `NoChangeNotification`
    pub kind: String,
    /// The policy as it was given.
    pub text: String,
}

/// Parameters of an account in a Region by tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// In the standard tier.
    pub standard: u64,
    /// In the advanced tier.
    pub advanced: u64,
}

/// A service setting that was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setting {
    /// Its value.
    pub value: String,
    /// When it was changed.
    pub modified_at: Timestamp,
    /// The ARN of who changed it.
    pub modified_by: String,
}

impl Parameter {
    /// The tags as the authorizer takes them.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The labels of a version.
    pub fn labels(&self, number: u64) -> Vec<String> {
        self.labels.iter().filter(|(_, on)| **on == number).map(|(label, _)| label.clone()).collect()
    }
}

impl Kind {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

impl Tier {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
        }
    }
}
