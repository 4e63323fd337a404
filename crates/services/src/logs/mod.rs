//! CloudWatch Logs: log groups, log streams and their events.
//!
//! Groups and streams are rows. A stream's events are a journal, whose id is a random number of the stream's: deleting a
//! stream deletes its row at once and its journal soon ([`reconcile`]). Events older than their group's retention are
//! hidden at once and removed by the reconciler.
//!
//! A stream keeps the order in which its events arrive; readers see them by time. A batch is kept whole or not at all.

mod encryption;
mod insights;
pub(crate) mod lines;
mod live_tail;
mod lookup;
mod merge;
mod names;
mod ops;
mod pointer;
mod queries;
mod reader;
mod reconcile;
mod record;
mod resource_policies;
mod rules;
#[cfg(test)]
mod tests;
mod view;

use landfall_api::logs as api;
use landfall_base::{AccountId, Region};

pub use live_tail::{LiveTails, Session};
pub(crate) use lookup::permission_on;
pub(crate) use names::is_group_name;
pub use queries::Queries;
pub use reconcile::reconcile;
pub(crate) use record::RESOURCE_POLICIES;
pub use record::{GROUPS, LogGroup, LogStream, STREAMS};

use crate::pipe::{Endpoint, Failure, Installation, blocking, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::AssociateKmsKey>(),
    write::<api::CreateLogGroup>(),
    write::<api::CreateLogStream>(),
    write::<api::DeleteLogGroup>(),
    write::<api::DeleteLogStream>(),
    write::<api::DeleteQueryDefinition>(),
    write::<api::DeleteResourcePolicy>(),
    write::<api::DeleteRetentionPolicy>(),
    read::<api::DescribeLogGroups>(),
    blocking::<api::DescribeLogStreams>(),
    read::<api::DescribeQueries>(),
    read::<api::DescribeQueryDefinitions>(),
    read::<api::DescribeResourcePolicies>(),
    write::<api::DisassociateKmsKey>(),
    blocking::<api::FilterLogEvents>(),
    blocking::<api::GetLogEvents>(),
    blocking::<api::GetLogRecord>(),
    read::<api::GetQueryResults>(),
    read::<api::ListLogGroups>(),
    read::<api::ListTagsForResource>(),
    read::<api::ListTagsLogGroup>(),
    blocking::<api::PutLogEvents>(),
    write::<api::PutLogGroupDeletionProtection>(),
    write::<api::PutQueryDefinition>(),
    write::<api::PutResourcePolicy>(),
    write::<api::PutRetentionPolicy>(),
    read::<api::StartLiveTail>(),
    read::<api::StartQuery>(),
    read::<api::StopQuery>(),
    write::<api::TagLogGroup>(),
    write::<api::TagResource>(),
    write::<api::UntagLogGroup>(),
    write::<api::UntagResource>(),
];

/// How many events a stream has ever been given, those that have expired included: where a log delivery that was
/// interrupted goes on. 0 for a stream that is not there.
///
/// # Errors
/// The stream's row or journal cannot be read.
pub fn stream_event_count(
    installation: &Installation,
    account: &AccountId,
    region: &Region,
    group: &str,
    stream: &str,
) -> Result<u64, Failure> {
    let Some(row) = installation.store.view().get(&STREAMS, &(account, region, group, stream))? else {
        return Ok(0);
    };
    let stats = installation.journals.stats(&row.journal()).map_err(Failure::internal)?;
    Ok(stats.next_sequence)
}
