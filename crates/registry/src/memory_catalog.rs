//! A catalog in memory, for tests and for registries that need not outlive their process.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Catalog, Digest, ErrorCode, Incarnation, Manifest, OciError, Reference, Repository, RepositoryName, Tag,
    Unlink,
};

/// A [`Catalog`] in memory. Repositories are made by the first push.
#[derive(Debug, Default)]
pub struct MemoryCatalog {
    repositories: Mutex<BTreeMap<Repository, Content>>,
    /// Repositories made so far.
    made: AtomicU64,
}

#[derive(Debug)]
struct Content {
    incarnation: Incarnation,
    blobs: HashMap<Digest, u64>,
    manifests: BTreeMap<Digest, Arc<Manifest>>,
    tags: BTreeMap<Tag, Digest>,
}

impl Content {
    fn new(incarnation: Incarnation) -> Self {
        Self { incarnation, blobs: HashMap::new(), manifests: BTreeMap::new(), tags: BTreeMap::new() }
    }

    fn names(&self, digest: Digest) -> bool {
        self.manifests.values().any(|manifest| manifest.references().any(|named| named == digest))
    }

    fn check(&self, manifest: &Manifest) -> Result<(), OciError> {
        manifest.check_references(
            |digest| Ok(self.blobs.get(&digest).copied()),
            |digest| Ok(self.manifests.get(&digest).cloned()),
        )
    }

    /// What it has and does not name.
    fn idle(&self) -> HashSet<Digest> {
        let named: HashSet<Digest> =
            self.manifests.values().flat_map(|manifest| manifest.references()).collect();
        self.blobs.keys().filter(|digest| !named.contains(digest)).copied().collect()
    }

    fn unlink(&mut self, digest: Digest) -> Unlink {
        if !self.blobs.contains_key(&digest) {
            return Unlink::Absent;
        }
        if self.names(digest) {
            return Unlink::InUse;
        }
        self.blobs.remove(&digest);
        Unlink::Done
    }
}

impl MemoryCatalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes a repository with all that is in it; `false` if there was none. A push makes another of its name.
    pub fn remove_repository(&self, repository: &Repository) -> bool {
        self.lock().remove(repository).is_some()
    }

    /// No method leaves the map half changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Repository, Content>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As `with`, for the repository that was opened and no other of its name.
    fn within<T>(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        work: impl FnOnce(&mut Content) -> Result<T, OciError>,
    ) -> Result<T, OciError> {
        let mut repositories = self.lock();
        let content = repositories.get_mut(repository).filter(|content| content.incarnation == incarnation);
        content.map_or_else(|| Err(unknown(repository)), work)
    }

    fn with<T>(&self, repository: &Repository, work: impl FnOnce(&mut Content) -> T) -> Result<T, OciError> {
        self.lock().get_mut(repository).map(work).ok_or_else(|| unknown(repository))
    }
}

fn unknown(repository: &Repository) -> OciError {
    OciError::new(ErrorCode::NameUnknown, format!("there is no repository `{}`", repository.name))
}

fn reached(repositories: &BTreeMap<Repository, Content>) -> HashSet<Digest> {
    let manifests = repositories.values().flat_map(|content| content.manifests.values());
    manifests.flat_map(|manifest| manifest.references().chain([manifest.digest])).collect()
}

fn after<T>(bound: Option<T>) -> Bound<T> {
    bound.map_or(Bound::Unbounded, Bound::Excluded)
}

impl Catalog for MemoryCatalog {
    async fn open_for_pull(&self, repository: &Repository) -> Result<Incarnation, OciError> {
        self.with(repository, |content| content.incarnation)
    }

    async fn open_for_push(&self, repository: &Repository) -> Result<Incarnation, OciError> {
        let make = || Content::new(Incarnation(self.made.fetch_add(1, Ordering::Relaxed)));
        Ok(self.lock().entry(repository.clone()).or_insert_with(make).incarnation)
    }

    async fn blob(&self, repository: &Repository, digest: Digest) -> Result<Option<u64>, OciError> {
        self.with(repository, |content| content.blobs.get(&digest).copied())
    }

    async fn link_blob(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        digest: Digest,
        size: u64,
    ) -> Result<(), OciError> {
        self.within(repository, incarnation, |content| {
            content.blobs.insert(digest, size);
            Ok(())
        })
    }

    async fn unlink_blob(&self, repository: &Repository, digest: Digest) -> Result<Unlink, OciError> {
        self.with(repository, |content| content.unlink(digest))
    }

    async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<Arc<Manifest>>, OciError> {
        self.with(repository, |content| {
            let digest = match reference {
                Reference::Digest(digest) => Some(digest),
                Reference::Tag(tag) => content.tags.get(tag),
            };
            digest.and_then(|digest| content.manifests.get(digest)).cloned()
        })
    }

    async fn check_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: &Manifest,
    ) -> Result<(), OciError> {
        self.within(repository, incarnation, |content| content.check(manifest))
    }

    async fn put_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: Manifest,
        tag: Option<&Tag>,
    ) -> Result<(), OciError> {
        self.within(repository, incarnation, |content| {
            content.check(&manifest)?;
            content.tags.extend(tag.map(|tag| (tag.clone(), manifest.digest)));
            content.manifests.insert(manifest.digest, Arc::new(manifest));
            Ok(())
        })
    }

    async fn delete_manifest(&self, repository: &Repository, digest: Digest) -> Result<bool, OciError> {
        self.with(repository, |content| {
            content.tags.retain(|_, target| *target != digest);
            content.manifests.remove(&digest).is_some()
        })
    }

    async fn delete_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, OciError> {
        self.with(repository, |content| content.tags.remove(tag).is_some())
    }

    async fn tags(
        &self,
        repository: &Repository,
        last: Option<&Tag>,
        limit: usize,
    ) -> Result<Vec<Tag>, OciError> {
        self.with(repository, |content| {
            let rest = content.tags.range((after(last.cloned()), Bound::Unbounded));
            rest.map(|(tag, _)| tag.clone()).take(limit).collect()
        })
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Arc<Manifest>>, OciError> {
        self.with(repository, |content| {
            let rest = content.manifests.range((self::after(after), Bound::Unbounded));
            let about = rest.map(|(_, manifest)| manifest).filter(|it| it.subject == Some(digest));
            about.take(limit).cloned().collect()
        })
    }

    async fn repositories(
        &self,
        namespace: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RepositoryName>, OciError> {
        let repositories = self.lock();
        let names = repositories.keys().filter(|repository| *repository.namespace == *namespace);
        let rest = names
            .map(|repository| &repository.name)
            .filter(|name| last.is_none_or(|last| name.as_str() > last));
        Ok(rest.take(limit).cloned().collect())
    }

    async fn reached(&self) -> Result<HashSet<Digest>, OciError> {
        Ok(reached(&self.lock()))
    }

    async fn idle(&self) -> Result<HashSet<Digest>, OciError> {
        Ok(self.lock().values().flat_map(Content::idle).collect())
    }

    async fn forget_blobs(&self, digests: &[Digest]) -> Result<Vec<Digest>, OciError> {
        let mut repositories = self.lock();
        for content in repositories.values_mut() {
            let idle = content.idle();
            content.blobs.retain(|digest, _| !(idle.contains(digest) && digests.contains(digest)));
        }
        let reached = reached(&repositories);
        Ok(digests.iter().filter(|digest| !reached.contains(digest)).copied().collect())
    }
}
