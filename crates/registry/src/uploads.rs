//! Uploads that clients go on with over several requests.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use landfall_base::{Clock, Timestamp, random};

use crate::{ErrorCode, Incarnation, OciError, Place, Repository, Room, Upload, room};

/// The uploads that are open. They do not outlive the process: a client that finds its upload gone starts again.
pub(crate) struct Uploads {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    clock: Arc<dyn Clock>,
    limit: usize,
}

/// One upload, between and during requests.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) repository: Repository,
    /// Of the repository that it was opened in.
    pub(crate) incarnation: Incarnation,
    owner: Arc<str>,
    /// Empty while a request is writing to it.
    upload: Mutex<Option<Upload>>,
    received: AtomicU64,
    used_at: AtomicI64,
}

impl Uploads {
    pub(crate) fn new(clock: Arc<dyn Clock>, limit: usize) -> Self {
        Self { sessions: Mutex::default(), clock, limit }
    }

    /// Keeps an upload under a new id, which counts to the share of `owner`.
    pub(crate) fn open(
        &self,
        repository: Repository,
        incarnation: Incarnation,
        owner: &Arc<str>,
        upload: Upload,
    ) -> Result<Arc<Session>, OciError> {
        let session = Arc::new(Session {
            id: random::uuid(),
            repository,
            incarnation,
            owner: Arc::clone(owner),
            received: AtomicU64::new(upload.size()),
            used_at: AtomicI64::new(self.clock.now().millis()),
            upload: Mutex::new(Some(upload)),
        });
        // Its file is removed when nobody waits for the lock.
        let given_way = self.insert(&session)?;
        drop(given_way);
        Ok(session)
    }

    /// The upload that gave way, if one had to.
    fn insert(&self, session: &Arc<Session>) -> Result<Option<Arc<Session>>, OciError> {
        let mut sessions = self.lock();
        let open = sessions.values().map(|session| session.place());
        let given_way = match room(open, self.limit, &session.owner, self.clock.now()) {
            Room::Free => None,
            Room::Instead(id) => sessions.remove(&id),
            Room::Full => return Err(too_many()),
        };
        sessions.insert(session.id.clone(), Arc::clone(session));
        Ok(given_way)
    }

    /// An id is good only in the repository that it was given for.
    pub(crate) fn find(&self, repository: &Repository, id: &str) -> Result<Arc<Session>, OciError> {
        let session = self.lock().get(id).filter(|session| session.repository == *repository).cloned();
        session.ok_or_else(no_such_upload)
    }

    /// The repositories that uploads are open in, each once.
    pub(crate) fn repositories(&self) -> BTreeSet<(Repository, Incarnation)> {
        self.lock().values().map(|session| (session.repository.clone(), session.incarnation)).collect()
    }

    /// Closes the uploads of a repository; what a request is writing to is removed when that ends. Returns their number.
    pub(crate) fn close_all(&self, repository: &Repository, incarnation: Incarnation) -> u64 {
        let of = |session: &Session| session.repository == *repository && session.incarnation == incarnation;
        let gone: Vec<_> = self.lock().extract_if(|_, session| of(session)).collect();
        gone.len() as u64
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
        let left =
            |session: &Session| session.used_at().millis() <= before.millis() && session.lock().is_some();
        let gone: Vec<_> = self.lock().extract_if(|_, session| left(session)).collect();
        gone.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn no_such_upload() -> OciError {
    OciError::new(ErrorCode::BlobUploadUnknown, "there is no such upload: start a new one")
}

fn too_many() -> OciError {
    OciError::new(ErrorCode::TooManyRequests, "too many uploads are open: try again later")
        .header(http::header::RETRY_AFTER, "60")
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

    fn place(&self) -> Place<'_> {
        let used_at = self.lock().is_some().then(|| self.used_at());
        Place { id: &self.id, owner: &self.owner, used_at }
    }

    fn used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.used_at.load(Ordering::SeqCst))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Upload>> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use landfall_base::ManualClock;
    use tempfile::TempDir;

    use super::*;
    use crate::BlobStore;

    struct Fixture {
        clock: Arc<ManualClock>,
        blobs: BlobStore,
        uploads: Uploads,
        directory: TempDir,
    }

    fn fixture(limit: usize) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let blobs = BlobStore::open_with_clock(directory.path(), clock.clone()).unwrap();
        Fixture { uploads: Uploads::new(clock.clone(), limit), clock, blobs, directory }
    }

    impl Fixture {
        async fn open(&self, owner: &str) -> Result<Arc<Session>, OciError> {
            let repository = Repository { namespace: "".into(), name: "app".parse().unwrap() };
            self.uploads.open(repository, Incarnation(0), &owner.into(), self.blobs.begin().await.unwrap())
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.directory.path().join("uploads")).unwrap().count()
        }

        fn is_open(&self, session: &Session) -> bool {
            self.uploads.find(&session.repository, &session.id).is_ok()
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_left_alone_gives_way_when_all_places_are_taken() {
        let fixture = fixture(2);
        let (first, second) = (fixture.open("a").await.unwrap(), fixture.open("a").await.unwrap());
        fixture.clock.advance_seconds(59);
        let refused = fixture.open("a").await.unwrap_err();
        assert_eq!((refused.code, refused.status.as_u16()), (ErrorCode::TooManyRequests, 429));
        assert_eq!(fixture.files(), 2);
        fixture.uploads.put_back(&first, first.take().unwrap());
        fixture.clock.advance_seconds(1);
        let third = fixture.open("a").await.unwrap();
        assert_eq!([&first, &second, &third].map(|it| fixture.is_open(it)), [true, false, true]);
        drop(second);
        assert_eq!(fixture.files(), 2);
    }

    #[tokio::test]
    async fn an_upload_that_is_written_to_stays() {
        let fixture = fixture(1);
        let session = fixture.open("a").await.unwrap();
        let upload = session.take().unwrap();
        fixture.clock.advance_seconds(3600);
        assert!(fixture.open("a").await.is_err());
        assert_eq!(fixture.uploads.expire(fixture.clock.now()), 0);
        fixture.uploads.put_back(&session, upload);
        assert_eq!(fixture.uploads.expire(fixture.clock.now()), 1);
        assert!(!fixture.is_open(&session));
    }

    #[tokio::test]
    async fn nobody_takes_every_place() {
        let fixture = fixture(8);
        for _ in 0..6 {
            fixture.open("greedy").await.unwrap();
        }
        assert_eq!(fixture.open("greedy").await.unwrap_err().code, ErrorCode::TooManyRequests);
        fixture.open("other").await.unwrap();
        assert_eq!(fixture.files(), 7);
    }
}
