//! Layers that come in parts through the API. They do not outlive the process: a client that finds its upload gone starts
//! again, as with the data plane.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use landfall_api::ecr::error;
use landfall_base::{Timestamp, random};
use landfall_registry::{BlobStore, Digest, Upload};
use landfall_shape::{ServiceError, Value};

use super::record::RepositoryKey;
use crate::pipe::Failure;

/// What clients are told to send at a time.
pub(super) const PART: i64 = 10 * 1024 * 1024;

/// The least that a part may have which is not the last.
const LEAST: usize = 5 * 1024 * 1024;

/// Uploads open at a time.
const MOST: usize = 1024;

/// How long nobody may go on with an upload, in seconds.
const PATIENCE: i64 = 24 * 3600;

/// How long nobody may go on with an upload before it gives way to another, where too many are open, in seconds.
const IDLE: i64 = 60;

/// The uploads that are open.
#[derive(Debug, Default, Clone)]
pub struct LayerUploads(Arc<Mutex<HashMap<String, Session>>>);

#[derive(Debug)]
struct Session {
    repository: RepositoryKey,
    used_at: Timestamp,
    /// Empty while a call is writing to it.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    upload: Upload,
    /// The last part was smaller than [`LEAST`]: another one must not follow.
    short: bool,
    /// A part that was too small was followed by another.
    broken: bool,
}

/// A finished layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl LayerUploads {
    /// Begins an upload; its id.
    ///
    /// # Errors
    /// `LimitExceededException`, or what the disk says.
    pub(super) async fn begin(
        &self,
        blobs: &BlobStore,
        repository: &RepositoryKey,
        now: Timestamp,
    ) -> Result<String, Failure> {
        if !self.make_room(now) {
            return Err(
                error::limit_exceeded_exception("Too many layer uploads are open: try again later.").into()
            );
        }
        let upload = blobs.begin().await.map_err(Failure::internal)?;
        let id = random::uuid();
        let state = Some(State { upload, short: false, broken: false });
        self.lock().insert(id.clone(), Session { repository: repository.clone(), used_at: now, state });
        Ok(id)
    }

    /// Appends a part; the last byte received.
    ///
    /// # Errors
    /// `UploadNotFoundException`, `InvalidLayerPartException`.
    pub(super) async fn append(
        &self,
        repository: &RepositoryKey,
        id: &str,
        (first, last): (i64, i64),
        part: Vec<u8>,
        now: Timestamp,
    ) -> Result<i64, Failure> {
        let mut state = self.take(repository, id)?;
        let received = i64::try_from(state.upload.size()).unwrap_or(i64::MAX);
        let length = i64::try_from(part.len()).unwrap_or(i64::MAX);
        if first != received || last.checked_sub(first).and_then(|it| it.checked_add(1)) != Some(length) {
            self.put_back(id, state, now);
            return Err(invalid_part(repository, id, (first, last), received - 1).into());
        }
        state.broken |= state.short;
        state.short = part.len() < LEAST;
        let (uploads, id) = (self.clone(), id.to_owned());
        // To its end even if the client goes away: it finds the upload again, and learns how far it is.
        let append = tokio::spawn(async move {
            match state.upload.append(vec![Bytes::from(part)]).await {
                Ok(upload) => {
                    uploads.put_back(&id, State { upload, ..state }, now);
                    Ok(())
                }
                Err(error) => {
                    uploads.lock().remove(&id);
                    Err(Failure::internal(error))
                }
            }
        });
        append.await.map_err(Failure::internal)??;
        Ok(last)
    }

    /// Whether another upload may begin. Where too many are open, the one that was left alone longest gives way.
    fn make_room(&self, now: Timestamp) -> bool {
        let mut sessions = self.lock();
        if sessions.len() < MOST {
            return true;
        }
        let idle = |session: &Session| session.state.is_some() && session.used_at.plus_seconds(IDLE) <= now;
        let oldest = sessions.iter().filter(|(_, session)| idle(session)).min_by_key(|(_, it)| it.used_at);
        let Some(id) = oldest.map(|(id, _)| id.clone()) else { return false };
        sessions.remove(&id).is_some()
    }

    /// Ends an upload: its bytes are a blob.
    ///
    /// # Errors
    /// `UploadNotFoundException`, `EmptyUploadException`, `LayerPartTooSmallException`, `InvalidLayerException`.
    pub(super) async fn complete(
        &self,
        repository: &RepositoryKey,
        id: &str,
        digest: Digest,
    ) -> Result<Received, Failure> {
        let state = self.take(repository, id)?;
        self.lock().remove(id);
        let (account, _, name) = repository;
        let place = format!("in the repository with name '{name}' in registry with id '{account}'");
        if state.upload.size() == 0 {
            return Err(
                error::empty_upload_exception(format!("The upload with id '{id}' {place} is empty")).into()
            );
        }
        if state.broken {
            let text =
                format!("The upload with id '{id}' {place} has layer parts smaller than {LEAST} bytes");
            return Err(error::layer_part_too_small_exception(text).into());
        }
        match state.upload.finish(digest).await {
            Ok(size) => Ok(Received { digest, size }),
            Err(landfall_registry::BlobError::DigestMismatch { expected, actual }) => {
                let text = format!(
                    "The upload with id '{id}' {place} has the layer digest '{actual}', which does not match '{expected}'"
                );
                Err(error::invalid_layer_exception(text).into())
            }
            Err(error) => Err(Failure::internal(error)),
        }
    }

    /// Closes uploads that nobody went on with for a day.
    pub(super) fn expire(&self, now: Timestamp) {
        self.lock()
            .retain(|_, session| session.state.is_none() || now < session.used_at.plus_seconds(PATIENCE));
    }

    fn take(&self, repository: &RepositoryKey, id: &str) -> Result<State, ServiceError> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id).filter(|session| session.repository == *repository);
        let session = session.ok_or_else(|| unknown(repository, id))?;
        session.state.take().ok_or_else(|| {
            error::invalid_layer_part_exception(format!(
                "Another part of the upload with id '{id}' is being received"
            ))
        })
    }

    fn put_back(&self, id: &str, state: State, now: Timestamp) {
        if let Some(session) = self.lock().get_mut(id) {
            session.state = Some(state);
            session.used_at = now;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown((account, _, name): &RepositoryKey, id: &str) -> ServiceError {
    error::upload_not_found_exception(format!(
        "The upload with id '{id}' does not exist in the repository with name '{name}' in registry with id '{account}'"
    ))
}

fn invalid_part(
    (account, _, name): &RepositoryKey,
    id: &str,
    (first, last): (i64, i64),
    valid: i64,
) -> ServiceError {
    let text = format!(
        "The layer part with first byte '{first}' and last byte '{last}' is not consecutive to the last valid byte '{valid}' of the \
         upload with id '{id}' in the repository with name '{name}' in registry with id '{account}'"
    );
    let mut failed = error::invalid_layer_part_exception(text);
    failed.members.push("registryId", Value::String(account.to_string()));
    failed.members.push("repositoryName", Value::String(name.clone()));
    failed.members.push("uploadId", Value::String(id.to_owned()));
    failed.members.push("lastValidByteReceived", Value::Integer(valid));
    failed
}
