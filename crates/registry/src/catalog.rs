//! What is there: names, and which repository has which content.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use crate::{Digest, Manifest, OciError, Reference, Repository, RepositoryName, Tag};

/// Tells a repository from those that had its name before: one that is removed and made again is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incarnation(pub u64);

/// What became of a request to take a blob out of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlink {
    /// It is out.
    Done,
    /// It was not in.
    Absent,
    /// A manifest of the repository still names it.
    InUse,
}

/// Repositories, tags, manifests' metadata and which repository has which blob. The bytes, of manifests too, are in the
/// [`BlobStore`](crate::BlobStore).
///
/// Every method is one transaction. An [`OciError`] goes to the client as it is, so an implementation chooses the words.
pub trait Catalog: Send + Sync + 'static {
    /// Which repository it is; refuses with `NAME_UNKNOWN` if there is none. Asked before every read, and before an upload
    /// goes on.
    fn open_for_pull(
        &self,
        repository: &Repository,
    ) -> impl Future<Output = Result<Incarnation, OciError>> + Send;

    /// Makes the repository if that is allowed, refuses with `NAME_UNKNOWN` if not. Asked before every write.
    fn open_for_push(
        &self,
        repository: &Repository,
    ) -> impl Future<Output = Result<Incarnation, OciError>> + Send;

    /// Size in bytes of a blob, if the repository has it.
    fn blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<u64>, OciError>> + Send;

    /// Notes that the repository has a blob of `size` bytes. Again is no error. Refuses with `NAME_UNKNOWN` if the repository
    /// that was opened is gone, even if there is another of its name.
    fn link_blob(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        digest: Digest,
        size: u64,
    ) -> impl Future<Output = Result<(), OciError>> + Send;

    /// Whether a blob that `from` has may go into `into` without being sent: both are of the same registry, and the caller may
    /// read the one and write the other. Where not, the client is offered an upload.
    fn may_mount(
        &self,
        _from: &Repository,
        _into: &Repository,
        _digest: Digest,
    ) -> impl Future<Output = Result<bool, OciError>> + Send {
        async { Ok(true) }
    }

    /// Takes a blob out of a repository, unless one of its manifests names it.
    fn unlink_blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> impl Future<Output = Result<Unlink, OciError>> + Send;

    /// Looks up a manifest.
    fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> impl Future<Output = Result<Option<Arc<Manifest>>, OciError>> + Send;

    /// Refuses a manifest that names what the repository does not have ([`Manifest::check_references`]), and with
    /// `NAME_UNKNOWN` if the repository that was opened is gone, even if there is another of its name.
    fn check_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: &Manifest,
    ) -> impl Future<Output = Result<(), OciError>> + Send;

    /// Whether an image that is asked for by tag is given in the other format where the client takes only that
    /// ([`Manifest::converted`]). The distribution specification has nothing of the kind.
    fn converts(&self) -> bool {
        false
    }

    /// Stores a manifest's metadata and points `tag` at it, after the checks of [`check_manifest`](Self::check_manifest) in the
    /// same transaction: since they were made first, the repository or what the manifest names may have been removed.
    fn put_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: Manifest,
        tag: Option<&Tag>,
    ) -> impl Future<Output = Result<(), OciError>> + Send;

    /// Deletes a manifest and the tags that point at it; `false` if there was none.
    fn delete_manifest(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> impl Future<Output = Result<bool, OciError>> + Send;

    /// Deletes a tag, not what it points at; `false` if there was none.
    fn delete_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
    ) -> impl Future<Output = Result<bool, OciError>> + Send;

    /// At most `limit` tags that come after `after`, in their order.
    fn tags(
        &self,
        repository: &Repository,
        after: Option<&Tag>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Tag>, OciError>> + Send;

    /// At most `limit` of the manifests whose `subject` is `digest`, ordered by their digests, that come after `after`.
    fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        after: Option<Digest>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Arc<Manifest>>, OciError>> + Send;

    /// At most `limit` repository names of a registry that come after `after`, ordered by bytes.
    fn repositories(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RepositoryName>, OciError>> + Send;

    /// The digests of all manifests in all repositories and of everything that they name.
    fn reached(&self) -> impl Future<Output = Result<HashSet<Digest>, OciError>> + Send;

    /// The digests of the blobs that some repository has although no manifest of it names them.
    fn idle(&self) -> impl Future<Output = Result<HashSet<Digest>, OciError>> + Send;

    /// Takes each of the blobs out of the repositories of which no manifest names it, and returns those that no manifest at
    /// all is or names, before their bytes are removed. One transaction: whoever stores a manifest by another way is either
    /// seen here or sees this.
    fn forget_blobs(&self, digests: &[Digest]) -> impl Future<Output = Result<Vec<Digest>, OciError>> + Send;
}
