//! Rows of ECR. What a repository has is in tables of its own, so that a page of ten thousand tags costs as much as a page
//! of ten, and a push writes a handful of small rows.

use std::sync::Arc;

use landfall_api::ecr::{
    EncryptionType, ImageTagMutability, PullThroughCacheRule, RegistryScanningConfiguration,
    ReplicationConfiguration, RepositoryCreationTemplate,
};
use landfall_base::{AccountId, Region, Timestamp, random};
use landfall_iam::Policy;
use landfall_registry::{Digest, Manifest};
use landfall_store::Table;
use serde::{Deserialize, Serialize};

use crate::stored::Stored;

/// Account, Region and name.
pub type RepositoryKey = (AccountId, Region, String);

/// A repository's account, Region and name, and a digest.
pub type DigestKey = (AccountId, Region, String, String);

/// Repositories.
pub const REPOSITORIES: Table<RepositoryKey, Repository> = Table::new("ecr.repository");

/// Images by digest.
pub const IMAGES: Table<DigestKey, Image> = Table::new("ecr.image");

/// Tags by repository, the tag in lower case, and the tag: the order of the distribution specification.
pub const TAGS: Table<(AccountId, Region, String, String, String), Tagged> = Table::new("ecr.tag");

/// The tags of each image, by repository, digest and tag.
pub const IMAGE_TAGS: Table<(AccountId, Region, String, String, String), ()> = Table::new("ecr.image_tag");

/// Blobs that a repository has: layers and configurations.
pub const LAYERS: Table<DigestKey, Layer> = Table::new("ecr.layer");

/// Which images name a blob or another image: repository, what is named, by whom.
pub const NAMED_BY: Table<(AccountId, Region, String, String, String), ()> = Table::new("ecr.named_by");

/// Which images are about another: repository, subject, referrer.
pub const REFERRERS: Table<(AccountId, Region, String, String, String), ()> = Table::new("ecr.referrer");

/// When an image was last pulled. Apart from the image, which is large and never changes.
pub const PULLS: Table<DigestKey, Timestamp> = Table::new("ecr.pull");

/// Images that were to be scanned, and when that was asked. No scan was made: there is no scanner.
pub const SCANS: Table<DigestKey, Timestamp> = Table::new("ecr.scan");

/// Registry policies by account and Region.
pub const REGISTRY_POLICIES: Table<(AccountId, Region), Arc<Policy>> = Table::new("ecr.registry_policy");

/// Templates of repositories that are made on the way, by account, Region and prefix.
pub const TEMPLATES: Table<(AccountId, Region, String), Stored<RepositoryCreationTemplate>> =
    Table::new("ecr.creation_template");

/// Pull-through cache rules by account, Region and prefix.
pub const PULL_THROUGH_RULES: Table<(AccountId, Region, String), Stored<PullThroughCacheRule>> =
    Table::new("ecr.pull_through_rule");

/// Tags that came from an upstream registry, by account, Region, repository and tag: when they are looked up again.
pub const CACHED_TAGS: Table<(AccountId, Region, String, String), Timestamp> = Table::new("ecr.cached_tag");

/// Indexes of the cache whose images are not all here, by the key of the index.
pub const IMPORT_QUEUE: Table<DigestKey, Incomplete> = Table::new("ecr.import_queue");

/// How registries are replicated.
pub const REPLICATION: Table<(AccountId, Region), Stored<ReplicationConfiguration>> =
    Table::new("ecr.replication_configuration");

/// What became of the replication of an image, by its key and `<region>/<account>` of the destination.
pub const REPLICAS: Table<(AccountId, Region, String, String, String), Replica> = Table::new("ecr.replica");

/// The keys of [`REPLICAS`] whose work is to be done.
pub const REPLICATION_QUEUE: Table<(AccountId, Region, String, String, String), ()> =
    Table::new("ecr.replication_queue");

/// What is scanned in a registry, as far as it was said.
pub const SCANNING: Table<(AccountId, Region), Stored<RegistryScanningConfiguration>> =
    Table::new("ecr.scanning_configuration");

/// Account settings by account, Region and name.
pub const ACCOUNT_SETTINGS: Table<(AccountId, Region, String), String> = Table::new("ecr.account_setting");

/// Previews of lifecycle policies.
pub const PREVIEWS: Table<RepositoryKey, Preview> = Table::new("ecr.lifecycle_preview");

/// A repository without what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Repository {
    /// When it was made.
    pub created_at: Timestamp,
    /// Tells it from those that had its name before; 0 in rows of versions that did not.
    #[serde(default)]
    pub incarnation: u64,
    /// Whether tags can be moved.
    pub mutability: Mutability,
    /// `scanOnPush`; kept, as nothing is scanned.
    #[serde(default)]
    pub scan_on_push: bool,
    /// How it says that it is encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// The repository policy; its text is already in the form that `GetRepositoryPolicy` prints.
    #[serde(default)]
    pub policy: Option<Arc<Policy>>,
    /// The lifecycle policy.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
}

/// Whether tags can be moved, and for which of them the contrary holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutability {
    /// `MUTABLE`; with patterns `MUTABLE_WITH_EXCLUSION`.
    Mutable(Vec<String>),
    /// `IMMUTABLE`; with patterns `IMMUTABLE_WITH_EXCLUSION`.
    Immutable(Vec<String>),
}

impl Mutability {
    /// The patterns of the tags for which the contrary holds.
    pub fn exclusions(&self) -> &[String] {
        match self {
            Self::Mutable(patterns) | Self::Immutable(patterns) => patterns,
        }
    }

    /// `imageTagMutability`
    pub fn setting(&self) -> ImageTagMutability {
        match self {
            Self::Mutable(patterns) if patterns.is_empty() => ImageTagMutability::Mutable,
            Self::Mutable(_) => ImageTagMutability::MutableWithExclusion,
            Self::Immutable(patterns) if patterns.is_empty() => ImageTagMutability::Immutable,
            Self::Immutable(_) => ImageTagMutability::ImmutableWithExclusion,
        }
    }
}

impl Default for Mutability {
    fn default() -> Self {
        Self::Mutable(Vec::new())
    }
}

/// `encryptionConfiguration`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// `AES256`, `KMS`, `KMS_DSSE`
    pub kind: String,
    /// The ARN of the key.
    #[serde(default)]
    pub key: Option<String>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { kind: EncryptionType::Aes256.as_str().to_owned(), key: None }
    }
}

/// A lifecycle policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// As it was given.
    pub text: String,
    /// When it was last applied.
    #[serde(default)]
    pub evaluated_at: Option<Timestamp>,
}

/// An image, a list of images or another artifact. Its manifest's bytes are a blob under its digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    /// What the manifest says.
    pub manifest: Manifest,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// `imageSizeInBytes`
    pub size: u64,
}

/// A tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// The image it is on.
    pub digest: Digest,
}

/// A blob in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// In bytes.
    pub size: u64,
}

impl Repository {
    /// Random, for a repository that is being made.
    pub fn new_incarnation() -> u64 {
        u64::from_le_bytes(random::bytes())
    }

    /// The tags as the authorizer takes them.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// An index of the cache whose images are not all here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// When they are fetched, or fetched again.
    pub due: Timestamp,
    /// How often in a row that was in vain.
    #[serde(default)]
    pub failures: u32,
}

/// What became of the replication of an image to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// `IN_PROGRESS`, `COMPLETE`, `FAILED`
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
}

/// What a lifecycle policy would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    /// The policy.
    pub text: String,
    /// The images that would go, with the priority of the rule, ordered by digest.
    pub expiring: Vec<(Digest, i32)>,
}
