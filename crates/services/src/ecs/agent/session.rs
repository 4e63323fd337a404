//! Sessions of execution roles, kept while a task writes logs: assuming the role for every batch would be waste.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_base::{Arn, Timestamp};

use super::Inner;
use crate::ecs::launch::SERVICE_PRINCIPAL;
use crate::ecs::record::Task;
use crate::pipe::Caller;
use crate::sts::{ServiceSession, assume_role_for_service};

/// Seconds before its end from which a session is renewed.
const RENEW_SECONDS: i64 = 15 * 60;

/// Sessions by task ARN.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Caller>>>);

impl Sessions {
    /// Keeps a session, and lets those go that have ended.
    pub(super) fn keep(&self, task_arn: &str, session: Caller, now: Timestamp) -> Arc<Caller> {
        let session = Arc::new(session);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, other| is_fresh(other, now));
        kept.insert(task_arn.to_owned(), Arc::clone(&session));
        session
    }

    fn fresh(&self, task_arn: &str, now: Timestamp) -> Option<Arc<Caller>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(task_arn).filter(|session| is_fresh(session, now)).cloned()
    }
}

fn is_fresh(session: &Caller, now: Timestamp) -> bool {
    session.session.as_ref().is_some_and(|facts| now.plus_seconds(RENEW_SECONDS) < facts.expires_at)
}

impl Inner {
    /// The session of a task's execution role, renewed when it is near its end.
    ///
    /// # Errors
    /// A sentence why the role cannot be assumed.
    pub(super) fn session(&self, task: &Task) -> Result<Arc<Caller>, String> {
        let installation = self.call.installation();
        let now = installation.clock.now();
        if let Some(session) = self.sessions.fresh(&task.arn, now) {
            return Ok(session);
        }
        let role = task.execution_role_arn.as_deref().ok_or("the task has no execution role")?;
        let role_arn: Arn = role.parse().map_err(|_| format!("`{role}` is not the ARN of a role"))?;
        let wanted = ServiceSession {
            service: SERVICE_PRINCIPAL,
            role_arn: &role_arn,
            session_name: &task.id,
            source_arn: &task.arn,
            region: &task.region,
        };
        let (session, _) = assume_role_for_service(installation, &installation.store.view(), &wanted);
        let session = session.map_err(|failure| failure.to_string())?;
        Ok(self.sessions.keep(&task.arn, session, now))
    }
}
