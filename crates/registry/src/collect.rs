//! Removing what no manifest names: mark and sweep.

use std::time::Duration;

use landfall_base::Timestamp;

use crate::{Access, Catalog, Digest, ErrorCode, Incarnation, OciError, Registry, Repository};

/// How many blobs are removed while pushes wait.
const BATCH: usize = 64;

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Number of blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Uploads that nobody went on with, or whose repository is gone.
    pub uploads: u64,
}

impl<A: Access, C: Catalog> Registry<A, C> {
    /// Removes blobs that no manifest names, and uploads, that nobody wanted for `unwanted_for`, and uploads whose repository
    /// is gone. A blob that manifests of another repository name stays for that one only.
    ///
    /// A client asks for a blob, pushes what is missing, then the manifest; `unwanted_for` must be longer than that
    /// takes. With less, a push may fail and have to be repeated, but a stored manifest never loses what it names: the
    /// catalog looks again, with pushes held back, before each batch is removed.
    ///
    /// # Errors
    /// What catalog or disk say; what was removed until then stays removed.
    pub async fn collect(&self, unwanted_for: Duration) -> Result<Collected, OciError> {
        let seconds = i64::try_from(unwanted_for.as_secs()).unwrap_or(i64::MAX);
        let before = self.blobs().clock().now().plus_seconds(seconds.saturating_neg());
        let closed = self.close_orphaned_uploads().await? + self.uploads().expire(before);
        let mut collected = Collected { uploads: closed, ..Collected::default() };
        let candidates = self.candidates(before).await?;
        for batch in candidates.chunks(BATCH) {
            self.sweep(batch, before, &mut collected).await?;
        }
        Ok(collected)
    }

    /// Closes uploads whose repository was removed, even if there is another of its name, and removes their bytes. To be
    /// called after a removal: what it does not see is found by the next [`collect`](Self::collect). Returns their number.
    ///
    /// # Errors
    /// What the catalog says.
    pub async fn close_orphaned_uploads(&self) -> Result<u64, OciError> {
        let mut closed = 0;
        for (repository, incarnation) in self.uploads().repositories() {
            if !self.is_there(&repository, incarnation).await? {
                closed += self.uploads().close_all(&repository, incarnation);
            }
        }
        Ok(closed)
    }

    pub(crate) async fn is_there(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
    ) -> Result<bool, OciError> {
        match self.catalog().open_for_pull(repository).await {
            Ok(found) => Ok(found == incarnation),
            Err(error) if error.code == ErrorCode::NameUnknown => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn candidates(&self, before: Timestamp) -> Result<Vec<Digest>, OciError> {
        let reached = self.catalog().reached().await?;
        let idle = self.catalog().idle().await?;
        let all = self.blobs().list().await?;
        let unwanted = |(digest, wanted): &(Digest, Timestamp)| {
            *wanted <= before && (!reached.contains(digest) || idle.contains(digest))
        };
        Ok(all.into_iter().filter(unwanted).map(|(digest, _)| digest).collect())
    }

    async fn sweep(
        &self,
        batch: &[Digest],
        before: Timestamp,
        collected: &mut Collected,
    ) -> Result<(), OciError> {
        let _alone = self.gate().write().await;
        let unwanted = self.still_unwanted(batch, before).await?;
        // Links first: a crash in between leaves unlinked bytes, which the next run removes, never a link to nothing.
        for digest in self.catalog().forget_blobs(&unwanted).await? {
            collected.bytes += self.blobs().remove(digest).await?;
            collected.blobs += 1;
        }
        Ok(())
    }

    async fn still_unwanted(&self, batch: &[Digest], before: Timestamp) -> Result<Vec<Digest>, OciError> {
        let mut unwanted = Vec::new();
        for digest in batch {
            let wanted = self.blobs().wanted_at(*digest).await?;
            unwanted.extend(wanted.filter(|wanted| *wanted <= before).map(|_| *digest));
        }
        Ok(unwanted)
    }
}
