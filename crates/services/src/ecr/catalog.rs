//! The data plane's catalog over the rows of ECR.

use std::collections::HashSet;
use std::sync::Arc;

use landfall_api::ecr::ImageIdentifier;
use landfall_base::{AccountId, Region};
use landfall_registry::{
    Catalog, Digest, ErrorCode, Incarnation, Manifest, OciError, Reference, Repository, RepositoryName, Tag,
    Unlink,
};
use landfall_store::{StoreError, Tx, View, WriteError};

use super::deletion;
use super::image_id::{self, NAMED_BY_LIST};
use super::names::parse_namespace;
use super::record::{REPOSITORIES, RepositoryKey};
use super::registry::{self, Put};
use super::rules::wording;
use crate::pipe::{Failure, Installation};

/// A [`Catalog`] over an installation's repositories. The namespace is `<account>/<region>`.
#[derive(Debug, Clone)]
pub struct EcrCatalog(Arc<Installation>);

impl EcrCatalog {
    /// The catalog of an installation.
    pub fn new(installation: Arc<Installation>) -> Self {
        Self(installation)
    }

    fn view(&self) -> View {
        self.0.store.view()
    }

    async fn write<T: Send>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Tx) -> Result<T, CatalogError> + Send,
    ) -> Result<T, OciError> {
        match self.0.store.write_async(what, work).await {
            Ok(value) => Ok(value),
            Err(WriteError::Rejected(CatalogError(error))) => Err(error),
            Err(WriteError::Store(error)) => Err(OciError::internal(error)),
        }
    }

    /// Deletes an image or a tag; `false` if there is none.
    async fn delete(&self, repository: &Repository, id: ImageIdentifier) -> Result<bool, OciError> {
        let key = key(repository)?;
        self.write("delete an image", move |tx| match deletion::delete(tx, &key, &id)? {
            Ok(_) => Ok(true),
            Err(missing) if missing == NAMED_BY_LIST => {
                Err(OciError::new(ErrorCode::Denied, missing.1).into())
            }
            Err(_) => Ok(false),
        })
        .await
    }
}

/// So that `?` takes both the client's errors and the store's.
struct CatalogError(OciError);

impl From<OciError> for CatalogError {
    fn from(error: OciError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for CatalogError {
    fn from(error: StoreError) -> Self {
        Self(OciError::internal(error))
    }
}

impl From<Failure> for CatalogError {
    fn from(failure: Failure) -> Self {
        Self(match failure {
            Failure::Service(error) => OciError::new(ErrorCode::Denied, error.message),
            Failure::Internal(cause) => OciError::internal(cause),
        })
    }
}

fn place(namespace: &str) -> Result<(AccountId, Region), OciError> {
    parse_namespace(namespace)
        .ok_or_else(|| OciError::internal(format!("`{namespace}` is no `<account>/<region>`")))
}

fn key(repository: &Repository) -> Result<RepositoryKey, OciError> {
    let (account, region) = place(&repository.namespace)?;
    Ok((account, region, repository.name.as_str().to_owned()))
}

fn unknown(key: &RepositoryKey) -> OciError {
    OciError::new(ErrorCode::NameUnknown, wording::no_repository_text(key))
}

fn existing(view: &View, key: &RepositoryKey) -> Result<Arc<registry::Repository>, OciError> {
    registry::find_repository(view, key).map_err(OciError::internal)?.ok_or_else(|| unknown(key))
}

/// The repository that was opened, and no other of its name.
fn opened(
    view: &View,
    key: &RepositoryKey,
    incarnation: Incarnation,
) -> Result<Arc<registry::Repository>, OciError> {
    let row = existing(view, key)?;
    if Incarnation(row.incarnation) == incarnation { Ok(row) } else { Err(unknown(key)) }
}

fn check_references(view: &View, key: &RepositoryKey, manifest: &Manifest) -> Result<(), OciError> {
    manifest.check_references(
        |digest| registry::layer_size(view, key, digest).map_err(OciError::internal),
        |digest| {
            let image = registry::image(view, key, digest).map_err(OciError::internal)?;
            Ok(image.map(|image| Arc::new(image.manifest.clone())))
        },
    )
}

impl Catalog for EcrCatalog {
    async fn open_for_pull(&self, repository: &Repository) -> Result<Incarnation, OciError> {
        existing(&self.view(), &key(repository)?).map(|row| Incarnation(row.incarnation))
    }

    async fn open_for_push(&self, repository: &Repository) -> Result<Incarnation, OciError> {
        let (key, now, installation) = (key(repository)?, self.0.clock.now(), Arc::clone(&self.0));
        if let Some(row) = registry::find_repository(&self.view(), &key).map_err(OciError::internal)? {
            return Ok(Incarnation(row.incarnation));
        }
        self.write("make a repository", move |tx| {
            let row = registry::open_for_push(&installation, tx, &key, now)?.ok_or_else(|| unknown(&key))?;
            Ok(Incarnation(row.incarnation))
        })
        .await
    }

    async fn blob(&self, repository: &Repository, digest: Digest) -> Result<Option<u64>, OciError> {
        registry::layer_size(&self.view(), &key(repository)?, digest).map_err(OciError::internal)
    }

    async fn link_blob(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        digest: Digest,
        size: u64,
    ) -> Result<(), OciError> {
        let key = key(repository)?;
        let view = self.view();
        opened(&view, &key, incarnation)?;
        if registry::layer_size(&view, &key, digest).map_err(OciError::internal)? == Some(size) {
            return Ok(());
        }
        self.write("link a layer", move |tx| {
            opened(tx, &key, incarnation)?;
            registry::link_layer(tx, &key, digest, size);
            Ok(())
        })
        .await
    }

    async fn may_mount(
        &self,
        from: &Repository,
        into: &Repository,
        digest: Digest,
    ) -> Result<bool, OciError> {
        registry::may_mount_from(&self.view(), &key(from)?, &key(into)?, digest).map_err(OciError::internal)
    }

    async fn unlink_blob(&self, repository: &Repository, digest: Digest) -> Result<Unlink, OciError> {
        let key = key(repository)?;
        self.write("unlink a layer", move |tx| {
            if registry::is_named(tx, &key, digest) {
                return Ok(Unlink::InUse);
            }
            let unlinked = registry::unlink_layer(tx, &key, digest);
            Ok(if unlinked { Unlink::Done } else { Unlink::Absent })
        })
        .await
    }

    async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<Arc<Manifest>>, OciError> {
        let image =
            registry::find_image(&self.view(), &key(repository)?, reference).map_err(OciError::internal)?;
        Ok(image.map(|image| Arc::new(image.manifest.clone())))
    }

    async fn check_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: &Manifest,
    ) -> Result<(), OciError> {
        let (key, view) = (key(repository)?, self.view());
        opened(&view, &key, incarnation)?;
        check_references(&view, &key, manifest)
    }

    /// Amazon ECR User Guide, "Amazon ECR image manifest conversion".
    fn converts(&self) -> bool {
        true
    }

    async fn put_manifest(
        &self,
        repository: &Repository,
        incarnation: Incarnation,
        manifest: Manifest,
        tag: Option<&Tag>,
    ) -> Result<(), OciError> {
        let (key, tag, now) = (key(repository)?, tag.cloned(), self.0.clock.now());
        self.write("put an image", move |tx| {
            let repository = opened(tx, &key, incarnation)?;
            check_references(tx, &key, &manifest)?;
            match registry::put_image(tx, &key, &repository, &manifest, tag.as_ref(), now)? {
                Put::Stored | Put::Unchanged => Ok(()),
                Put::TagIsFixed => {
                    let tag = tag.as_ref().map(Tag::as_str).unwrap_or_default();
                    Err(OciError::new(ErrorCode::TagInvalid, wording::tag_is_fixed(&key, tag)).into())
                }
                Put::TooManyTags => {
                    let tag = tag.as_ref().map(Tag::as_str).unwrap_or_default();
                    let text = wording::too_many_tags(&key, tag, registry::MOST_TAGS);
                    Err(OciError::new(ErrorCode::Denied, text).into())
                }
            }
        })
        .await
    }

    async fn delete_manifest(&self, repository: &Repository, digest: Digest) -> Result<bool, OciError> {
        self.delete(repository, image_id::id(digest, None)).await
    }

    /// With its last tag, the image goes.
    async fn delete_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, OciError> {
        let tag = Some(tag.as_str().to_owned());
        self.delete(repository, ImageIdentifier { image_tag: tag, ..Default::default() }).await
    }

    async fn tags(
        &self,
        repository: &Repository,
        after: Option<&Tag>,
        limit: usize,
    ) -> Result<Vec<Tag>, OciError> {
        registry::tags(&self.view(), &key(repository)?, after, limit).map_err(OciError::internal)
    }

    async fn referrers(
        &self,
        repository: &Repository,
        digest: Digest,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<Arc<Manifest>>, OciError> {
        let images = registry::referrers(&self.view(), &key(repository)?, digest, after, limit)
            .map_err(OciError::internal)?;
        Ok(images.iter().map(|image| Arc::new(image.manifest.clone())).collect())
    }

    async fn repositories(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RepositoryName>, OciError> {
        let (account, region) = place(namespace)?;
        let view = self.view();
        let rows = match after {
            None => view.scan(&REPOSITORIES, (&account, &region)),
            Some(after) => view.scan_after(&REPOSITORIES, (&account, &region), &(&account, &region, after)),
        };
        let names = rows.take(limit).map(|row| row.map(|((_, _, name), _)| name.parse().ok()));
        names.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(OciError::internal)
    }

    async fn reached(&self) -> Result<HashSet<Digest>, OciError> {
        registry::reached(&self.view()).map_err(OciError::internal)
    }

    async fn idle(&self) -> Result<HashSet<Digest>, OciError> {
        registry::idle(&self.view()).map_err(OciError::internal)
    }

    async fn forget_blobs(&self, digests: &[Digest]) -> Result<Vec<Digest>, OciError> {
        let digests = digests.to_vec();
        self.write("forget layers", move |tx| {
            registry::forget_layers(tx, &digests)?;
            let reached = registry::reached(tx)?;
            Ok(digests.into_iter().filter(|digest| !reached.contains(digest)).collect())
        })
        .await
    }
}
