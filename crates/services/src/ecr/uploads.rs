//! Layers that come in parts through the API. They do not outlive the process: a client that finds its upload gone starts
//! again, as with the data plane.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use landfall_api::ecr::error;
use landfall_base::{AccountId, Timestamp, random};
use landfall_registry::{BlobError, BlobStore, Digest, Place, Room, Upload, room};
use landfall_shape::{ServiceError, Value};
use landfall_store::{StoreError, View};

use super::record::RepositoryKey;
use super::registry;
use crate::pipe::Failure;

/// What clients are told to send at a time.
pub(super) const PART: i64 = 10 * 1024 * 1024;

/// The least that a part may have which is not the last.
const LEAST: usize = 5 * 1024 * 1024;

/// Uploads open at a time.
const MOST: usize = 1024;

/// How long nobody may go on with an upload, in seconds.
const PATIENCE: i64 = 24 * 3600;

/// The uploads that are open.
#[derive(Debug, Default, Clone)]
pub struct LayerUploads(Arc<Mutex<HashMap<String, Session>>>);

/// The repository that an upload belongs to, and no other that has its name later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) key: RepositoryKey,
    pub(super) incarnation: u64,
}

#[derive(Debug)]
struct Session {
    home: Home,
    /// To whose share it counts.
    owner: AccountId,
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
    /// Begins an upload, which counts to the share of `owner`; its id.
    ///
    /// # Errors
    /// `LimitExceededException`, or what the disk says.
    pub(super) async fn begin(
        &self,
        blobs: &BlobStore,
        home: &Home,
        owner: &AccountId,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let upload = blobs.begin().await.map_err(Failure::internal)?;
        let id = random::uuid();
        let state = Some(State { upload, short: false, broken: false });
        let session = Session { home: home.clone(), owner: owner.clone(), used_at: now, state };
        // Its file is removed when nobody waits for the lock.
        let given_way = self.insert(&id, session, now)?;
        drop(given_way);
        Ok(id)
    }

    /// The upload that gave way, if one had to.
    fn insert(&self, id: &str, session: Session, now: Timestamp) -> Result<Option<Session>, ServiceError> {
        let mut sessions = self.lock();
        let open = sessions.iter().map(|(id, session)| session.place(id));
        let given_way = match room(open, MOST, session.owner.as_str(), now) {
            Room::Free => None,
            Room::Instead(id) => sessions.remove(&id),
            Room::Full => {
                let text = "Too many layer uploads are open: try again later.";
                return Err(error::limit_exceeded_exception(text));
            }
        };
        sessions.insert(id.to_owned(), session);
        Ok(given_way)
    }

    /// Appends a part; the last byte received.
    ///
    /// # Errors
    /// `UploadNotFoundException`, `InvalidLayerPartException`.
    pub(super) async fn append(
        &self,
        home: &Home,
        id: &str,
        (first, last): (i64, i64),
        part: Vec<u8>,
        now: Timestamp,
    ) -> Result<i64, Failure> {
        let mut state = self.take(home, id)?;
        let received = i64::try_from(state.upload.size()).unwrap_or(i64::MAX);
        let length = i64::try_from(part.len()).unwrap_or(i64::MAX);
        let wrong = if first != received {
            let valid = received - 1;
            Some(format!("is not consecutive to the last valid byte '{valid}' of"))
        } else if last.checked_sub(first).and_then(|it| it.checked_add(1)) != Some(length) {
            Some(format!("has {length} bytes in"))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.put_back(id, state, now);
            return Err(invalid_part(&home.key, id, (first, last), &wrong, received - 1).into());
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

    /// Ends an upload: its bytes are a blob. An upload that cannot be ended so stays, for a client that goes on with it.
    ///
    /// # Errors
    /// `UploadNotFoundException`, `EmptyUploadException`, `LayerPartTooSmallException`, `InvalidLayerException`.
    pub(super) async fn complete(
        &self,
        home: &Home,
        id: &str,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Received, Failure> {
        let state = self.take(home, id)?;
        if let Err(refused) = check_complete(&home.key, id, &state, digest) {
            self.put_back(id, state, now);
            return Err(refused.into());
        }
        let (uploads, id) = (self.clone(), id.to_owned());
        // To its end even if the client goes away: nobody could take it up from half-way.
        let finish = tokio::spawn(async move {
            let finished = state.upload.finish(digest).await;
            uploads.lock().remove(&id);
            finished
        });
        let size = finish.await.map_err(Failure::internal)?.map_err(Failure::internal)?;
        Ok(Received { digest, size })
    }

    /// Closes uploads that nobody went on with for a day.
    pub(super) fn expire(&self, now: Timestamp) {
        let left =
            |session: &Session| session.state.is_some() && session.used_at.plus_seconds(PATIENCE) <= now;
        let gone: Vec<_> = self.lock().extract_if(|_, session| left(session)).collect();
        drop(gone);
    }

    /// Closes uploads whose repository was removed, even if there is another of its name: what a call is writing to is
    /// removed when that ends.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn close_orphans(&self, view: &View) -> Result<(), StoreError> {
        let mut sessions = self.lock();
        let mut orphans = Vec::new();
        for (id, Session { home, .. }) in sessions.iter() {
            let row = registry::find_repository(view, &home.key)?;
            if row.is_none_or(|row| row.incarnation != home.incarnation) {
                orphans.push(id.clone());
            }
        }
        let gone: Vec<_> = orphans.iter().filter_map(|id| sessions.remove(id)).collect();
        // Their files are removed when nobody waits for the lock.
        drop(sessions);
        drop(gone);
        Ok(())
    }

    fn take(&self, home: &Home, id: &str) -> Result<State, ServiceError> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id).filter(|session| session.home == *home);
        let session = session.ok_or_else(|| unknown(&home.key, id))?;
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

impl Session {
    fn place<'a>(&'a self, id: &'a str) -> Place<'a> {
        Place { id, owner: self.owner.as_str(), used_at: self.state.is_some().then_some(self.used_at) }
    }
}

/// Whether what was received can be a layer of this digest.
fn check_complete(
    (account, _, name): &RepositoryKey,
    id: &str,
    state: &State,
    digest: Digest,
) -> Result<(), ServiceError> {
    let place = format!("in the repository with name '{name}' in registry with id '{account}'");
    if state.upload.size() == 0 {
        return Err(error::empty_upload_exception(format!("The upload with id '{id}' {place} is empty")));
    }
    if state.broken {
        let text = format!("The upload with id '{id}' {place} has layer parts smaller than {LEAST} bytes");
        return Err(error::layer_part_too_small_exception(text));
    }
    match state.upload.check(digest) {
        Err(BlobError::DigestMismatch { expected, actual }) => {
            let text = format!(
                "The upload with id '{id}' {place} has the layer digest '{actual}', which does not match '{expected}'"
            );
            Err(error::invalid_layer_exception(text))
        }
        _ => Ok(()),
    }
}

pub(super) fn unknown((account, _, name): &RepositoryKey, id: &str) -> ServiceError {
    error::upload_not_found_exception(format!(
        "The upload with id '{id}' does not exist in the repository with name '{name}' in registry with id '{account}'"
    ))
}

fn invalid_part(
    (account, _, name): &RepositoryKey,
    id: &str,
    (first, last): (i64, i64),
    wrong: &str,
    valid: i64,
) -> ServiceError {
    let text = format!(
        "The layer part with first byte '{first}' and last byte '{last}' {wrong} the upload with id '{id}' in the repository with name '{name}' in registry with id '{account}'"
    );
    let mut failed = error::invalid_layer_part_exception(text);
    failed.members.push("registryId", Value::String(account.to_string()));
    failed.members.push("repositoryName", Value::String(name.clone()));
    failed.members.push("uploadId", Value::String(id.to_owned()));
    failed.members.push("lastValidByteReceived", Value::Integer(valid));
    failed
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::testing::{START, account, region};

    struct Fixture {
        uploads: LayerUploads,
        blobs: BlobStore,
        directory: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(directory.path()).unwrap();
        Fixture { uploads: LayerUploads::default(), blobs, directory }
    }

    fn home() -> Home {
        Home { key: (account(), region(), "app".to_owned()), incarnation: 1 }
    }

    impl Fixture {
        async fn begin(&self, owner: &AccountId, now: Timestamp) -> Result<String, Failure> {
            self.uploads.begin(&self.blobs, &home(), owner, now).await
        }

        async fn append(&self, id: &str, first: i64, part: &[u8]) -> Result<i64, Failure> {
            let bytes = (first, first + part.len() as i64 - 1);
            self.uploads.append(&home(), id, bytes, part.to_vec(), START).await
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.directory.path().join("uploads")).unwrap().count()
        }
    }

    fn code(failure: Failure) -> String {
        match failure {
            Failure::Service(error) => error.code.to_owned(),
            failure => panic!("{failure}"),
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_left_alone_gives_way_when_all_places_are_taken() {
        let fixture = fixture();
        let (mine, other) = (account(), "444455556666".parse().unwrap());
        let first = fixture.begin(&mine, START).await.unwrap();
        for _ in 0..MOST - MOST / 4 - 1 {
            fixture.begin(&mine, START.plus_seconds(1)).await.unwrap();
        }
        // The last quarter is for those who have little.
        let now = START.plus_seconds(59);
        assert_eq!(code(fixture.begin(&mine, now).await.unwrap_err()), "LimitExceededException");
        let theirs = fixture.begin(&other, now).await.unwrap();
        assert_eq!(fixture.files(), MOST - MOST / 4 + 1);
        fixture.begin(&mine, START.plus_seconds(60)).await.unwrap();
        assert_eq!(code(fixture.append(&first, 0, b"x").await.unwrap_err()), "UploadNotFoundException");
        assert_eq!(fixture.append(&theirs, 0, b"x").await.unwrap(), 0);
        assert_eq!(fixture.files(), MOST - MOST / 4 + 1);
    }

    #[tokio::test]
    async fn an_upload_that_cannot_be_ended_stays() {
        let fixture = fixture();
        let id = fixture.begin(&account(), START).await.unwrap();
        let complete = async |digest| fixture.uploads.complete(&home(), &id, digest, START).await;
        let digest = Digest::of(b"layer");
        assert_eq!(code(complete(digest).await.unwrap_err()), "EmptyUploadException");
        fixture.append(&id, 0, b"lay").await.unwrap();
        assert_eq!(code(complete(digest).await.unwrap_err()), "InvalidLayerException");
        assert_eq!(code(complete(Digest::of(b"other")).await.unwrap_err()), "InvalidLayerException");
        assert_eq!(complete(Digest::of(b"lay")).await.unwrap().size, 3);
        assert_eq!(code(complete(digest).await.unwrap_err()), "UploadNotFoundException");
        assert_eq!(fixture.files(), 0);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_part_is_said() {
        let fixture = fixture();
        let id = fixture.begin(&account(), START).await.unwrap();
        fixture.append(&id, 0, b"abc").await.unwrap();
        for (bytes, wrong) in [
            ((3, 4), "has 3 bytes in"),
            ((3, 3), "has 3 bytes in"),
            ((4, 6), "is not consecutive to the last valid byte '2' of"),
            ((0, 2), "is not consecutive to the last valid byte '2' of"),
        ] {
            let refused =
                fixture.uploads.append(&home(), &id, bytes, b"def".to_vec(), START).await.unwrap_err();
            let Failure::Service(refused) = refused else { panic!("{refused}") };
            let (first, last) = bytes;
            assert_eq!(
                (refused.code, refused.message),
                (
                    "InvalidLayerPartException",
                    format!(
                        "The layer part with first byte '{first}' and last byte '{last}' {wrong} the upload with id '{id}' in the \
                         repository with name 'app' in registry with id '111122223333'"
                    )
                )
            );
        }
        assert_eq!(fixture.append(&id, 3, b"def").await.unwrap(), 5);
    }

    #[tokio::test]
    async fn a_part_whose_client_goes_away_is_received_all_the_same() {
        let fixture = fixture();
        let id = fixture.begin(&account(), START).await.unwrap();
        {
            let part = vec![7; LEAST];
            let mut append = pin!(fixture.append(&id, 0, &part));
            let polled = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "the part was written before the client could go away");
        }
        // As a client does that does not know how far it came.
        let last = loop {
            match fixture.append(&id, LEAST as i64, b"rest").await {
                Ok(last) => break last,
                Err(failure) => assert_eq!(code(failure), "InvalidLayerPartException"),
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(last, LEAST as i64 + 3);
        let content = [vec![7; LEAST], b"rest".to_vec()].concat();
        let received = fixture.uploads.complete(&home(), &id, Digest::of(&content), START).await.unwrap();
        assert_eq!(received.size, content.len() as u64);
    }
}
