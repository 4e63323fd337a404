//! An image comes from the upstream registry into a repository: its manifest, and all that it names.

use std::sync::Arc;

use landfall_api::ecr::{self as api, RCTAppliedFor};
use landfall_base::Timestamp;
use landfall_registry::{BlobError, Digest, Manifest, Reference};
use landfall_store::WriteError;

use super::upstream::{Upstream, UpstreamCredential, UpstreamError, UpstreamImage, UpstreamManifest};
use super::{Need, credential, need, rule, upstream_image};
use crate::ecr::creation;
use crate::ecr::record::{CACHED_TAGS, RepositoryKey};
use crate::ecr::registry::{self, Put};
use crate::pipe::{Failure, Installation};

/// How long a tag is taken as it was found, in seconds.
const FRESH: i64 = 24 * 3600;
/// How long an upstream that failed is left alone, in seconds, where the image is here.
const RESPITE: i64 = 300;

/// Why an image was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The upstream registry refused, or the secret cannot be read: in ECR's words.
    #[error("{0}")]
    Refused(String),
    /// The upstream registry has no such image.
    #[error("{0}")]
    NotFound(String),
    /// The upstream registry cannot be reached, or what it sent is not right.
    #[error("{0}")]
    Failed(String),
    /// The server's own fault.
    #[error("{0}")]
    Internal(Failure),
}

impl From<UpstreamError> for ImportError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unauthorized(why) => Self::Refused(format!(
                "The authentication to the upstream registry failed. Verify that the credentials provided in the pull \
                 through cache rule are correct, and try again. ({why})"
            )),
            UpstreamError::NotFound(why) => Self::NotFound(format!("Requested image not found ({why})")),
            UpstreamError::Failed(why) => {
                Self::Failed(format!("The upstream registry did not give the image: {why}"))
            }
        }
    }
}

impl From<Failure> for ImportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Service(error) => Self::Refused(error.message),
            failure => Self::Internal(failure),
        }
    }
}

impl From<landfall_store::StoreError> for ImportError {
    fn from(error: landfall_store::StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<BlobError> for ImportError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::DigestMismatch { .. } => Self::Failed(error.to_string()),
            error => Self::Internal(Failure::internal(error)),
        }
    }
}

/// A rule's registry, ready to be asked.
struct Source {
    client: Arc<dyn Upstream>,
    image: UpstreamImage,
    credential: Option<UpstreamCredential>,
}

impl Source {
    fn of(
        installation: &Installation,
        key: &RepositoryKey,
        reference: &Reference,
    ) -> Result<Self, ImportError> {
        let view = installation.store.view();
        let rule =
            rule(&view, key)?.ok_or_else(|| ImportError::NotFound("Requested image not found".to_owned()))?;
        Self::of_rule(installation, key, reference, &rule)
    }

    fn of_rule(
        installation: &Installation,
        key: &RepositoryKey,
        reference: &Reference,
        rule: &api::PullThroughCacheRule,
    ) -> Result<Self, ImportError> {
        let client = installation.upstreams.get().cloned();
        let client =
            client.ok_or_else(|| ImportError::Failed("nobody here speaks to registries".to_owned()))?;
        let credential = credential::read(installation, &installation.store.view(), &key.0, &key.1, rule)?;
        Ok(Self { client, image: upstream_image(rule, key, reference), credential })
    }

    async fn manifest(&self) -> Result<UpstreamManifest, ImportError> {
        Ok(self.client.manifest(&self.image, self.credential.as_ref()).await?)
    }
}

/// The manifest of an image upstream, without keeping anything.
///
/// # Errors
/// See [`ImportError`].
pub async fn peek(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
) -> Result<UpstreamManifest, ImportError> {
    Source::of(installation, key, reference)?.manifest().await
}

/// Whether the upstream registry of a rule lets the rule's credential in.
///
/// # Errors
/// See [`ImportError`].
pub async fn ping(
    installation: &Installation,
    key: &RepositoryKey,
    rule: &api::PullThroughCacheRule,
) -> Result<(), ImportError> {
    let tag = "latest".parse().map_err(|error| ImportError::Internal(Failure::internal(error)))?;
    match Source::of_rule(installation, key, &Reference::Tag(tag), rule)?.manifest().await {
        Ok(_) | Err(ImportError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Fetches an image unless it is here and fresh. Of several who want the same one, one fetches it.
///
/// # Errors
/// See [`ImportError`]; never for an image that is here.
pub async fn import(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
) -> Result<(), ImportError> {
    let name = format!("{}/{}/{}@{reference:?}", key.0, key.1, key.2);
    let flight = installation.upstreams.flight(&name);
    let _one = flight.lock().await;
    let now = installation.clock.now();
    let need = need(&installation.store.view(), key, reference, now)?;
    if need == Need::Nothing {
        return Ok(());
    }
    match fetch(installation, key, reference, now).await {
        Err(error) if need == Need::Refresh => {
            tracing::warn!(repository = key.2, %error, "a cached image is served as it is");
            note(installation, key, reference, now.plus_seconds(RESPITE)).await
        }
        outcome => outcome,
    }
}

async fn fetch(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
    now: Timestamp,
) -> Result<(), ImportError> {
    let source = Source::of(installation, key, reference)?;
    let found = source.manifest().await?;
    let manifest = Manifest::parse(&found.bytes, Some(&found.media_type))
        .map_err(|error| ImportError::Failed(error.message.into_owned()))?;
    if let Reference::Digest(wanted) = reference
        && manifest.digest != *wanted
    {
        return Err(ImportError::Failed(format!(
            "the upstream registry sent {} for {wanted}",
            manifest.digest
        )));
    }
    let mut blobs = Vec::new();
    for blob in manifest.required_blobs() {
        if registry::layer_size(&installation.store.view(), key, blob.digest)? != Some(blob.size) {
            fetch_blob(installation, &source, blob.digest, blob.size).await?;
        }
        blobs.push((blob.digest, blob.size));
    }
    // Nothing that the manifest names is collected between here and the write.
    let _shared = installation.blobs.gate().read().await;
    installation.blobs.put(found.bytes.clone()).await?;
    keep(installation, key, reference, &manifest, &blobs, now).await
}

async fn fetch_blob(
    installation: &Installation,
    source: &Source,
    digest: Digest,
    size: u64,
) -> Result<(), ImportError> {
    let name = digest.to_string();
    let mut blob = source.client.blob(&source.image, source.credential.as_ref(), &name, size).await?;
    let mut upload = installation.blobs.begin().await?;
    while let Some(bytes) = blob.next().await? {
        upload = upload.append(vec![bytes]).await?;
        if upload.size() > size {
            return Err(ImportError::Failed(format!(
                "{digest} is longer than the {size} bytes of its manifest"
            )));
        }
    }
    upload.finish(digest).await?;
    Ok(())
}

/// Writes the image down, in a repository that is made if need be.
async fn keep(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
    manifest: &Manifest,
    blobs: &[(Digest, u64)],
    now: Timestamp,
) -> Result<(), ImportError> {
    let tag = match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(_) => None,
    };
    let written = installation.store.write_async("import an image", |tx| -> Result<(), Failure> {
        let repository = match registry::find_repository(tx, key)? {
            Some(row) => row,
            None => {
                let template = creation::template(tx, key, &RCTAppliedFor::PullThroughCache)?;
                Arc::new(creation::create(tx, key, template.as_ref(), now)?)
            }
        };
        for (digest, size) in blobs {
            registry::link_layer(tx, key, *digest, *size);
        }
        match registry::put_image(tx, key, &repository, manifest, tag, now)? {
            Put::Stored | Put::Unchanged => {}
            Put::TagIsFixed => tracing::debug!(repository = key.2, "a fixed tag stays where it is"),
        }
        if let Some(tag) = tag {
            tx.put(&CACHED_TAGS, &(&key.0, &key.1, key.2.as_str(), tag.as_str()), now.plus_seconds(FRESH));
        }
        Ok(())
    });
    written.await.map_err(WriteError::flatten).map_err(ImportError::from)
}

/// Notes when a tag is to be looked up again.
async fn note(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
    due: Timestamp,
) -> Result<(), ImportError> {
    let Reference::Tag(tag) = reference else { return Ok(()) };
    let written = installation.store.write_async("put off a cached tag", |tx| -> Result<(), Failure> {
        tx.put(&CACHED_TAGS, &(&key.0, &key.1, key.2.as_str(), tag.as_str()), due);
        Ok(())
    });
    written.await.map_err(WriteError::flatten).map_err(ImportError::from)
}
