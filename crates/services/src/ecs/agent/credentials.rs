//! Credentials of task roles: what containers ask for at `169.254.170.2/v2/credentials/…`.
//!
//! Kept in memory and renewed long before they end, as clients ask for new ones a quarter of an hour before. Only the id by
//! which a task asks is a row, sealed: containers that run have it in their environment, whatever happens to the server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_acs::{NoCredentials, RoleCredentials};
use landfall_base::{Arn, Sensitive, Timestamp, random};
use landfall_store::{View, WriteError};
use landfall_vault::Sealed;

use super::Inner;
use crate::ecs::launch::SERVICE_PRINCIPAL;
use crate::ecs::node;
use crate::ecs::record::{CREDENTIALS_IDS, Task};
use crate::pipe::{Failure, Installation};
use crate::sts::{ServiceSession, credentials_for_service};

/// Seconds before their end from which credentials are renewed.
const RENEW_SECONDS: i64 = 3600;

/// Credentials by task ARN.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<HashMap<String, Arc<RoleCredentials>>>);

impl Kept {
    fn get(&self, task_arn: &str) -> Option<Arc<RoleCredentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(task_arn).cloned()
    }

    /// Keeps credentials, and lets those go that have ended.
    fn keep(&self, task_arn: &str, credentials: RoleCredentials, now: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, other| now < other.expires_at);
        kept.insert(task_arn.to_owned(), Arc::new(credentials));
    }
}

impl Inner {
    /// The id by which a task asks for its credentials: made when it first starts, and the same ever after.
    pub(super) fn credentials_id(&self, task_arn: &str) -> Result<Sensitive<String>, Failure> {
        let installation = self.call.installation();
        if let Some(id) = known_id(installation, &installation.store.view(), task_arn)? {
            return Ok(id);
        }
        let id = Sensitive::new(random::uuid());
        let sealed = installation.vault.seal(&context(task_arn), id.expose().as_bytes())?;
        let written = installation.store.write("credentials id", |tx| {
            tx.put(&CREDENTIALS_IDS, task_arn, &sealed);
            Ok(())
        });
        written.map_err(WriteError::<landfall_store::StoreError>::flatten)?;
        Ok(id)
    }

    /// A task's credentials, if it asks by its own id.
    pub(super) fn role_credentials(
        &self,
        task_arn: &str,
        id: &str,
    ) -> Result<RoleCredentials, NoCredentials> {
        let installation = self.call.installation();
        let view = installation.store.view();
        let broken = |error: &dyn std::fmt::Display| {
            tracing::error!(task = task_arn, %error, "credentials of a task role could not be looked up");
            NoCredentials::Unavailable
        };
        let known = known_id(installation, &view, task_arn).map_err(|error| broken(&error))?;
        if known.is_none_or(|known| known.expose() != id) {
            return Err(NoCredentials::Unknown);
        }
        let task = node::task_by_arn(&view, task_arn).map_err(|error| broken(&error))?;
        let task = task.ok_or(NoCredentials::Unknown)?;
        self.fresh(&view, &task)
    }

    /// Those that are kept, or new ones when their end is near. A role that cannot be assumed any more leaves what was
    /// given out until it ends.
    fn fresh(&self, view: &View, task: &Task) -> Result<RoleCredentials, NoCredentials> {
        let now = self.call.installation().clock.now();
        let kept = self.credentials.get(&task.arn);
        if let Some(kept) = kept.as_ref().filter(|it| now.plus_seconds(RENEW_SECONDS) < it.expires_at) {
            return Ok(RoleCredentials::clone(kept));
        }
        match self.assume_task_role(view, task) {
            Ok(credentials) => {
                self.credentials.keep(&task.arn, credentials.clone(), now);
                Ok(credentials)
            }
            Err(error) => {
                tracing::warn!(task = task.arn, %error, "the task role could not be assumed");
                let kept = kept.filter(|it| now < it.expires_at);
                kept.map(|it| RoleCredentials::clone(&it)).ok_or(NoCredentials::Unavailable)
            }
        }
    }

    fn assume_task_role(&self, view: &View, task: &Task) -> Result<RoleCredentials, Failure> {
        let role_arn = task.task_role_arn.clone().unwrap_or_default();
        let role: Arn = role_arn.parse().map_err(Failure::internal)?;
        let wanted = ServiceSession {
            service: SERVICE_PRINCIPAL,
            role_arn: &role,
            session_name: &task.id,
            source_arn: &task.arn,
            region: &task.region,
        };
        let credentials = credentials_for_service(self.call.installation(), view, &wanted)?;
        Ok(RoleCredentials {
            role_arn,
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            expires_at: credentials.expiration,
        })
    }
}

fn context(task_arn: &str) -> [(&str, &str); 2] {
    [("Purpose", "TaskCredentialsId"), ("Task", task_arn)]
}

fn known_id(
    installation: &Installation,
    view: &View,
    task_arn: &str,
) -> Result<Option<Sensitive<String>>, Failure> {
    let Some(sealed) = view.get(&CREDENTIALS_IDS, task_arn)? else { return Ok(None) };
    let id = installation.vault.unseal(&context(task_arn), &Sealed::clone(&sealed))?;
    String::from_utf8(id.into_exposed()).map(|id| Some(Sensitive::new(id))).map_err(Failure::internal)
}
