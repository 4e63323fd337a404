//! Uploads that clients go on with over several requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use landfall_base::{Clock, Timestamp, random};

use crate::{ErrorCode, OciError, Repository, Upload};

/// How long nobody may go on with an upload before it gives way to another, where too many are open, in milliseconds.
const IDLE: i64 = 60_000;

/// The uploads that are open. They do not outlive the process: a client that finds its upload gone starts again.
pub(crate) struct Uploads {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    clock: Arc<dyn Clock>,
    limit: usize,
}

/// One upload, between and during requests.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) repository: Repository,
    /// Empty while a request is writing to it.
    upload: Mutex<Option<Upload>>,
    received: AtomicU64,
    used_at: AtomicI64,
}

impl Uploads {
    pub(crate) fn new(clock: Arc<dyn Clock>, limit: usize) -> Self {
        Self { sessions: Mutex::default(), clock, limit }
    }

    /// Keeps an upload under a new id.
    pub(crate) fn open(&self, repository: Repository, upload: Upload) -> Result<Arc<Session>, OciError> {
        let mut sessions = self.lock();
        if sessions.len() >= self.limit && !make_room(&mut sessions, self.clock.now()) {
            return Err(OciError::new(
                ErrorCode::TooManyRequests,
                "too many uploads are open: try again later",
            )
            .header(http::header::RETRY_AFTER, "60"));
        }
        let session = Arc::new(Session {
            id: random::uuid(),
            repository,
            received: AtomicU64::new(upload.size()),
            used_at: AtomicI64::new(self.clock.now().millis()),
            upload: Mutex::new(Some(upload)),
        });
        sessions.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// An id is good only in the repository that it was given for.
    pub(crate) fn find(&self, repository: &Repository, id: &str) -> Result<Arc<Session>, OciError> {
        let session = self.lock().get(id).filter(|session| session.repository == *repository).cloned();
        session.ok_or_else(|| {
            OciError::new(ErrorCode::BlobUploadUnknown, "there is no such upload: start a new one")
        })
    }

    /// Gives an upload back for the next request.
    pub(crate) fn put_back(&self, session: &Session, upload: Upload) {
        session.received.store(upload.size(), Ordering::SeqCst);
        session.used_at.store(self.clock.now().millis(), Ordering::SeqCst);
        *session.lock() = Some(upload);
    }

    pub(crate) fn close(&self, session: &Session) {
        self.lock().remove(&session.id);
    }

    /// Closes uploads last used at or before `before`, unless a request is writing to them. Returns their number.
    pub(crate) fn expire(&self, before: Timestamp) -> u64 {
        let mut sessions = self.lock();
        let open = sessions.len();
        sessions.retain(|_, session| {
            session.used_at.load(Ordering::SeqCst) > before.millis() || session.lock().is_none()
        });
        (open - sessions.len()) as u64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The upload that was left alone longest gives way to a new one, if that was long enough.
fn make_room(sessions: &mut HashMap<String, Arc<Session>>, now: Timestamp) -> bool {
    let used_at = |session: &Session| session.used_at.load(Ordering::SeqCst);
    let idle = |session: &Session| used_at(session) + IDLE <= now.millis() && session.lock().is_some();
    let oldest = sessions.values().filter(|session| idle(session)).min_by_key(|session| used_at(session));
    let Some(id) = oldest.map(|session| session.id.clone()) else { return false };
    sessions.remove(&id).is_some()
}

impl Session {
    /// Takes the upload for one request; a second one at the same time is refused.
    pub(crate) fn take(&self) -> Result<Upload, OciError> {
        self.lock().take().ok_or_else(|| {
            OciError::new(
                ErrorCode::BlobUploadInvalid,
                "another request is writing to this upload: wait for its end",
            )
            .status(StatusCode::CONFLICT)
        })
    }

    /// Number of bytes received by finished requests.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Upload>> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
