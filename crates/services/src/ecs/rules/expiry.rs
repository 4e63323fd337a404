//! How long things stay readable.

use landfall_base::Timestamp;

use crate::ecs::record::{ClientToken, Task, TaskStatus};

/// Seconds for which DescribeTasks shows a stopped task: "at least one hour" (API reference, DescribeTasks).
pub const STOPPED_TASK_SECONDS: i64 = 3600;

/// Seconds for which a `clientToken` is remembered (API reference, "Ensuring idempotency": 24 hours).
pub const CLIENT_TOKEN_SECONDS: i64 = 24 * 3600;

/// Whether a task's row may go.
pub fn task_expired(task: &Task, now: Timestamp) -> bool {
    let over = task.stopped_at.filter(|_| task.last_status == TaskStatus::Stopped);
    over.is_some_and(|at| at.plus_seconds(STOPPED_TASK_SECONDS) < now)
}

/// Whether a `clientToken` may be used for another request.
pub fn token_expired(token: &ClientToken, now: Timestamp) -> bool {
    token.used_at.plus_seconds(CLIENT_TOKEN_SECONDS) < now
}
