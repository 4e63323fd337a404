//! Rows of log groups and streams. Events are not rows: they are in journals, one for each stream.

use landfall_base::{AccountId, Arn, Region, Timestamp, random};
use landfall_iam::Policy;
use landfall_store::Table;
use serde::{Deserialize, Serialize};

/// Log groups by account, Region and name.
pub const GROUPS: Table<(AccountId, Region, String), LogGroup> = Table::new("logs.group");

/// Log streams by account, Region, group name and stream name.
pub const STREAMS: Table<(AccountId, Region, String, String), LogStream> = Table::new("logs.stream");

/// Numbers of deleted streams whose journals are still to be removed.
pub(super) const DISCARDED: Table<u64, Discarded> = Table::new("logs.discarded");

/// Kept queries by account, Region and id.
pub(super) const QUERY_DEFINITIONS: Table<(AccountId, Region, String), QueryDefinition> =
    Table::new("logs.query_definition");

/// Resource policies by account, Region, ARN of the group that they are on (empty: the whole account's) and name (empty for a
/// group's, which has one).
pub(crate) const RESOURCE_POLICIES: Table<(AccountId, Region, String, String), ResourcePolicy> =
    Table::new("logs.resource_policy");

/// A log group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogGroup {
    /// When it was created.
    pub created_at: Timestamp,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: String,
    /// Days after which events are gone; `None`: never.
    #[serde(default)]
    pub retention_days: Option<i32>,
    /// It cannot be deleted.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Every KMS key that its events were ever under.
    #[serde(default)]
    pub keys: Vec<GroupKey>,
    /// Which of them new events are under.
    #[serde(default)]
    pub key: Option<u32>,
    /// Bytes of its events, as last counted by the reconciler.
    #[serde(default)]
    pub stored_bytes: u64,
    /// When the reconciler last went through its streams.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
}

/// A KMS key of a log group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKey {
    /// The key's ARN.
    pub arn: Arn,
    /// A data key, encrypted under it; Base64.
    pub data_key: String,
}

impl LogGroup {
    /// The key that new events are under.
    pub fn current_key(&self) -> Option<&GroupKey> {
        self.keys.get(usize::try_from(self.key?).ok()?)
    }
}

/// A log stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogStream {
    /// Random: a stream that is created again under an old name does not get the old events.
    pub number: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// An event came that was older than one before it: sequence numbers do not order the stream by time.
    #[serde(default)]
    pub shuffled: bool,
}

/// A deleted stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Discarded {
    /// When it was deleted.
    pub(super) at: Timestamp,
}

/// A kept query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct QueryDefinition {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) language: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) modified_at: Timestamp,
}

/// A resource policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    pub(super) policy: Policy,
    pub(super) updated_at: Timestamp,
    /// Random; another one after each change.
    pub(super) revision: String,
}

impl LogStream {
    /// A new stream.
    pub fn new(created_at: Timestamp) -> Self {
        Self { number: u64::from_le_bytes(random::bytes()), created_at, shuffled: false }
    }

    /// The journal that holds its events.
    pub fn journal(&self) -> String {
        journal_id(self.number)
    }
}

/// The journal of the stream with a number.
pub(super) fn journal_id(number: u64) -> String {
    format!("logs/{number:016x}")
}
