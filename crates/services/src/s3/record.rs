//! Rows of S3.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::Policy;
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use super::cors::Rule;
use super::lifecycle::Lifecycle;

/// Buckets by name: a name is taken once in the whole installation.
pub const BUCKETS: Table<String, Bucket> = Table::new("s3.bucket");

/// Index of buckets by owner.
pub const BY_OWNER: Table<(AccountId, String), ()> = Table::new("s3.bucket_by_owner");

/// Versions by bucket, key and age: the newest version of a key comes first.
pub const VERSIONS: Table<(String, String, u64), Version> = Table::new("s3.version");

/// The keys that have an object now, with the place of their newest version: what listings walk.
pub const CURRENT: Table<(String, String), u64> = Table::new("s3.current");

/// Multipart uploads by bucket, key and upload id.
pub const UPLOADS: Table<(String, String, String), Upload> = Table::new("s3.upload");

/// Parts by upload id and number.
pub const PARTS: Table<(String, u32), Part> = Table::new("s3.part");

/// What completed uploads made, by bucket, key and upload id: for those who ask again.
pub const COMPLETED: Table<(String, String, String), Completed> = Table::new("s3.completed_upload");

/// Index of completed uploads by when that was.
pub const COMPLETED_BY_AGE: Table<(Timestamp, String, String, String), ()> =
    Table::new("s3.completed_upload_by_age");

/// Lifecycle rules by bucket.
pub const LIFECYCLES: Table<String, Lifecycle> = Table::new("s3.lifecycle");

/// Files that nothing needs any more, by when that happened.
pub const GARBAGE: Table<(Timestamp, String), ()> = Table::new("s3.garbage");

/// A bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub owner: AccountId,
    /// Where it is.
    pub region: Region,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether old versions are kept; `None` until it was first asked for.
    #[serde(default)]
    pub versioning: Option<Versioning>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// The bucket policy.
    #[serde(default)]
    pub policy: Option<Arc<Policy>>,
    /// What is kept from the public.
    #[serde(default)]
    pub public_access: Option<PublicAccess>,
    /// What new objects are encrypted with where the request does not say.
    #[serde(default)]
    pub encryption: Encryption,
    /// Somebody said so, be it what every bucket begins with.
    #[serde(default)]
    pub encryption_set: bool,
    /// Cross-origin rules.
    #[serde(default)]
    pub cors: Vec<Rule>,
    /// Who owns objects that others put there.
    #[serde(default)]
    pub ownership: Option<String>,
}

/// The ownership with which a bucket has no ACLs; what a new bucket has.
pub const ENFORCED: &str = "BucketOwnerEnforced";

impl Bucket {
    /// Whether its ownership setting lets ACLs be. Without one, objects belong to who wrote them.
    pub fn allows_acls(&self) -> bool {
        self.ownership.as_deref() != Some(ENFORCED)
    }
}

/// Whether old versions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// They are.
    Enabled,
    /// New objects replace the version `null`; older ones stay.
    Suspended,
}

impl Versioning {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }
}

/// A public access block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// Refuse public ACLs. There are no ACLs here: kept for the reader.
    pub block_acls: bool,
    /// As `block_acls`.
    pub ignore_acls: bool,
    /// Refuse public policies.
    pub block_policy: bool,
    /// A public policy counts for the owner's account only.
    pub restrict: bool,
}

impl PublicAccess {
    /// What every new bucket has.
    pub const ALL: Self = Self { block_acls: true, ignore_acls: true, block_policy: true, restrict: true };
}

/// What objects are encrypted with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// The key is one of KMS.
    #[serde(default)]
    pub kms: bool,
    /// The customer's key as it was named; without one, `aws/s3`.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether `BucketKeyEnabled` was set.
    #[serde(default)]
    pub bucket_key: bool,
}

impl Encryption {
    /// `AES256` or `aws:kms`.
    pub fn algorithm(&self) -> &'static str {
        if self.kms { "aws:kms" } else { "AES256" }
    }
}

/// A version of a key: an object, or the note that it was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// `null` for what was put while no versions were kept.
    pub id: String,
    /// When it was made.
    pub modified_at: Timestamp,
    /// `None` is a delete marker.
    #[serde(default)]
    pub object: Option<Object>,
    /// Until when an archived object can be read.
    #[serde(default)]
    pub restored_until: Option<Timestamp>,
}

/// An object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Object {
    /// Without quotes.
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// Its bytes.
    pub content: Content,
    /// What the client said of it.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// The checksum that is kept with it.
    #[serde(default)]
    pub checksum: Option<Checksum>,
}

/// What a client says of an object and gets back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `Content-Type`, `Cache-Control`, … by lower-case name.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// `x-amz-meta-…` without the prefix.
    #[serde(default)]
    pub metadata: Vec<(String, String)>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Storage class: all are kept alike, but what is in an archive cannot be read at once.
    #[serde(default)]
    pub storage_class: Option<String>,
}

impl Attributes {
    /// A header that the client gave.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The bytes of an object: files, each encrypted with a key made from one data key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Content {
    /// The data key.
    pub key: SealedKey,
    /// In order; one for each part.
    pub pieces: Vec<Piece>,
}

/// A file below the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name.
    pub id: String,
    /// How many bytes of the object are in it.
    pub size: u64,
    /// Of a part: its checksum, where the upload asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// The data key of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealedKey {
    /// Sealed by the installation's vault (`AES256`).
    Vault(Sealed),
    /// Encrypted under a key of KMS (`aws:kms`).
    Kms {
        /// The key.
        key_arn: Arn,
        /// KMS's ciphertext, in base64.
        ciphertext: String,
        /// Whether the bucket asked for a bucket key.
        #[serde(default)]
        bucket_key: bool,
    },
}

impl SealedKey {
    /// What the object is encrypted with, without the data key.
    pub fn protection(&self) -> Protection {
        let bucket_key = matches!(self, Self::Kms { bucket_key: true, .. });
        Protection { key_arn: self.key_arn().cloned(), bucket_key }
    }

    /// The KMS key.
    pub fn key_arn(&self) -> Option<&Arn> {
        match self {
            Self::Vault(_) => None,
            Self::Kms { key_arn, .. } => Some(key_arn),
        }
    }
}

/// What an object is encrypted with, as answers say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The key of KMS; without one, `AES256`.
    #[serde(default)]
    pub key_arn: Option<Arn>,
    /// Whether the bucket asked for a bucket key.
    #[serde(default)]
    pub bucket_key: bool,
}

impl Protection {
    /// `AES256` or `aws:kms`.
    pub fn algorithm(&self) -> &'static str {
        if self.key_arn.is_some() { "aws:kms" } else { "AES256" }
    }
}

/// What completing an upload made, as its answer says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When that was.
    pub at: Timestamp,
    /// A digest of the parts that the client listed.
    pub parts: String,
    /// The object's, without quotes.
    pub etag: String,
    /// The version it became, where those are kept.
    #[serde(default)]
    pub version_id: Option<String>,
    /// The object's checksum.
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// What the object is encrypted with.
    pub protection: Protection,
}

/// A multipart upload that is under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    /// When it began.
    pub initiated_at: Timestamp,
    /// The ARN of who began it.
    pub initiator: String,
    /// What the object will have.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// The data key of all its parts.
    pub key: SealedKey,
    /// The checksum that parts have.
    pub algorithm: super::checksum::Algorithm,
    /// Whether the client asked for that checksum.
    #[serde(default)]
    pub asked: bool,
    /// The object's checksum is one of its parts' checksums, not of its bytes.
    #[serde(default)]
    pub composite: bool,
}

/// A part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    /// MD5 of its bytes, in hexadecimal digits.
    pub etag: String,
    /// When it was put.
    pub modified_at: Timestamp,
    /// Its checksum in the upload's algorithm, in base64.
    pub checksum: String,
    /// Its bytes.
    pub piece: Piece,
}
