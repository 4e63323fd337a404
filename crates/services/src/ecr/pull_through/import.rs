//! An image comes from the upstream registry into a repository: its manifest, and all that it names.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use landfall_api::ecr::{self as api, RCTAppliedFor};
use landfall_base::Timestamp;
use landfall_registry::{BlobError, Digest, Manifest, Reference, Tag};
use landfall_store::{StoreError, Tx, View, WriteError};

use super::arriving::Arriving;
use super::own::{self, Own, OwnError};
use super::upstream::{
    Answering, Upstream, UpstreamCredential, UpstreamError, UpstreamImage, UpstreamManifest,
};
use super::{Need, children, credential, need, rule, upstream_image};
use crate::ecr::creation;
use crate::ecr::record::{CACHED_TAGS, RepositoryKey};
use crate::ecr::registry::{self, Put};
use crate::ecr::rules::wording;
use crate::pipe::{Failure, Installation};

/// How long a tag is taken as it was found, in seconds.
const FRESH: i64 = 24 * 3600;
/// How long an upstream that failed is left alone, in seconds, where the image is here.
const RESPITE: i64 = 300;
/// Blobs that are fetched side by side: as many as podman and skopeo ask for, and more than docker and containerd do.
const AT_A_TIME: usize = 6;
/// How often blobs are fetched that were collected again before the image was whole.
const ROUNDS: usize = 3;

/// What to do about an upstream registry that lets nobody in without a credential.
const ADVICE: &str = "keep `username` and `accessToken` in a secret named `ecr-pullthroughcache/…` and give the rule its ARN with \
                      `aws ecr update-pull-through-cache-rule --credential-arn`";

/// What the registry says of an image that the upstream does not have.
const NOT_FOUND: &str = "Requested image not found";
/// ECR's words for an upstream registry that does not let the rule's credential in.
const UNAUTHORIZED: &str = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull \
                            through cache rule are correct, and try again.";
/// ECR's words for too many requests.
const TOO_MANY: &str = "Rate exceeded";

/// What is said of an image that was not fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// ECR's sentence, where it has one. Clients look for it, so nothing is added to it.
    pub message: String,
    /// What the upstream registry answered, and what can be done; may be empty.
    pub detail: String,
}

impl Said {
    fn new(message: &str, detail: impl Into<String>) -> Self {
        Self { message: message.to_owned(), detail: detail.into() }
    }

    fn only(message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: String::new() }
    }
}

impl std::fmt::Display for Said {
    /// Both, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// Why an image was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The upstream registry refused, or the secret cannot be read: in ECR's words.
    #[error("{0}")]
    Refused(Said),
    /// The upstream registry has no such image.
    #[error("{0}")]
    NotFound(Said),
    /// The upstream registry limits requests.
    #[error("{0}")]
    TooManyRequests(Said),
    /// The upstream registry cannot be reached, or what it sent is not right.
    #[error("{0}")]
    Failed(Said),
    /// The server's own fault.
    #[error("{0}")]
    Internal(Failure),
}

impl ImportError {
    fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Said::only(message))
    }
}

impl From<UpstreamError> for ImportError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unauthorized(why) => Self::Refused(Said::new(UNAUTHORIZED, why)),
            UpstreamError::NotFound(why) => Self::NotFound(Said::new(NOT_FOUND, why)),
            UpstreamError::TooManyRequests(why) => Self::TooManyRequests(Said::new(TOO_MANY, why)),
            UpstreamError::Failed(why) => {
                Self::failed(format!("The upstream registry did not give the image: {why}"))
            }
        }
    }
}

impl From<Failure> for ImportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Service(error) => Self::Refused(Said::only(error.message)),
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
            BlobError::DigestMismatch { .. } => Self::failed(error.to_string()),
            error => Self::Internal(Failure::internal(error)),
        }
    }
}

impl From<OwnError> for ImportError {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Refused(why) => Self::Refused(Said::new(UNAUTHORIZED, why)),
            OwnError::NotFound(why) => Self::NotFound(Said::new(NOT_FOUND, why)),
            OwnError::Internal(failure) => Self::Internal(failure),
        }
    }
}

/// Where a rule's images come from.
enum Origin {
    /// Another registry, asked over the network.
    Remote { client: Arc<dyn Upstream>, credential: Option<UpstreamCredential> },
    /// A registry of this installation.
    Own(Box<Own>),
}

/// A rule's registry, ready to be asked.
struct Source {
    origin: Origin,
    image: UpstreamImage,
    reference: Reference,
    /// For an image that is here: nobody waits long only to hear that it is still the newest.
    patience: Option<Duration>,
}

impl Source {
    fn of(
        installation: &Installation,
        key: &RepositoryKey,
        reference: &Reference,
    ) -> Result<Self, ImportError> {
        let view = installation.store.view();
        let rule = rule(&view, key)?.ok_or_else(|| ImportError::NotFound(Said::only(NOT_FOUND)))?;
        Self::of_rule(installation, key, reference, &rule)
    }

    fn of_rule(
        installation: &Installation,
        key: &RepositoryKey,
        reference: &Reference,
        rule: &api::PullThroughCacheRule,
    ) -> Result<Self, ImportError> {
        let image = upstream_image(rule, key, reference);
        let origin = match own::place(rule) {
            Some(place) => Origin::Own(Box::new(Own::of(installation, key, rule, place, &image)?)),
            None => Self::remote(installation, key, rule)?,
        };
        Ok(Self { origin, image, reference: reference.clone(), patience: None })
    }

    fn remote(
        installation: &Installation,
        key: &RepositoryKey,
        rule: &api::PullThroughCacheRule,
    ) -> Result<Origin, ImportError> {
        let client = installation.upstreams.get().cloned();
        let client = client.ok_or_else(|| ImportError::failed("nobody here speaks to registries"))?;
        let credential = credential::read(installation, &installation.store.view(), &key.0, &key.1, rule)?;
        Ok(Origin::Remote { client, credential })
    }

    async fn manifest(&self, installation: &Installation) -> Result<UpstreamManifest, ImportError> {
        let (client, credential) = match &self.origin {
            Origin::Own(own) => return Ok(own.manifest(installation, &self.reference).await?),
            Origin::Remote { client, credential } => (client, credential.as_ref()),
        };
        let answer = self.soon(client.manifest(&self.image, credential)).await;
        answer.map_err(|error| match error {
            ImportError::Refused(Said { message, detail }) if credential.is_none() => {
                let detail = format!("{detail}; the rule has no credential: {ADVICE}");
                ImportError::Refused(Said { message, detail })
            }
            error => error,
        })
    }

    /// An answer of the upstream registry, waited for as long as this image's askers wait.
    async fn soon<T>(&self, answer: Answering<'_, T>) -> Result<T, ImportError> {
        let Some(patience) = self.patience else { return Ok(answer.await?) };
        match tokio::time::timeout(patience, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(ImportError::failed(format!(
                "The upstream registry `{}` said nothing for {patience:?}",
                self.image.registry
            ))),
        }
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
    Source::of(installation, key, reference)?.manifest(installation).await
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
    let source = Source::of_rule(installation, key, &Reference::Tag(tag), rule)?;
    // A policy of one repository says nothing of another: of a registry of this installation a login is enough.
    if let Origin::Own(own) = &source.origin {
        return Ok(own.log_in(installation)?);
    }
    match source.manifest(installation).await {
        Ok(_) | Err(ImportError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How far an image has come that a client waits for.
#[derive(Debug)]
pub enum Begun {
    /// It is here.
    Here,
    /// Its manifest is; the rest comes.
    Arriving(Arc<Arriving>),
}

/// Begins to fetch an image unless it is here and fresh, and waits for its manifest. The work goes on when nobody waits.
///
/// # Errors
/// See [`import`].
pub async fn begin(
    installation: &Arc<Installation>,
    key: &RepositoryKey,
    reference: &Reference,
) -> Result<Begun, ImportError> {
    if let Some(image) = installation.upstreams.arrivals.image(key, reference) {
        return Ok(Begun::Arriving(image));
    }
    let (work, place, name) = (Arc::clone(installation), key.clone(), reference.clone());
    let whole = tokio::spawn(async move {
        let outcome = import(&work, &place, &name).await;
        if let Err(error) = &outcome {
            tracing::warn!(repository = place.2, %error, "an image was not fetched");
        }
        outcome
    });
    tokio::select! {
        biased;
        outcome = whole => {
            outcome.map_err(|error| ImportError::Internal(Failure::internal(error)))?.map(|()| Begun::Here)
        }
        image = installation.upstreams.arrivals.known(key, reference) => Ok(Begun::Arriving(image)),
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
    match fetch(installation, key, reference, need, now).await {
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
    need: Need,
    now: Timestamp,
) -> Result<(), ImportError> {
    let mut source = Source::of(installation, key, reference)?;
    source.patience = (need == Need::Refresh).then_some(installation.upstreams.patience);
    let found = source.manifest(installation).await?;
    let manifest = Manifest::parse(&found.bytes, Some(&found.media_type))
        .map_err(|error| ImportError::failed(error.message))?;
    if let Reference::Digest(wanted) = reference
        && manifest.digest != *wanted
    {
        return Err(ImportError::failed(format!(
            "the upstream registry sent {} for {wanted}",
            manifest.digest
        )));
    }
    let opened = make_repository(installation, key, now).await?;
    let announced =
        installation.upstreams.arrivals.announce(Arriving::new(key, reference, found.clone(), &manifest));
    for _ in 0..ROUNDS {
        fetch_blobs(installation, key, &source, &manifest, &announced.image).await?;
        // Nothing that the manifest names is collected between here and the write.
        let _shared = installation.blobs.gate().read().await;
        if are_here(installation, &manifest).await? {
            installation.blobs.put(found.bytes.clone()).await?;
            keep(installation, (key, opened, reference), &manifest, &announced.image, now).await?;
            if let Origin::Own(own) = &source.origin {
                own.note_pull(installation, manifest.digest).await;
            }
            return Ok(());
        }
    }
    Err(ImportError::failed("layers were collected while others came: `--unused-layers-for` is short"))
}

/// Whether all blobs are in the store; they count as wanted from now on. What came first may have been collected meanwhile.
async fn are_here(installation: &Installation, manifest: &Manifest) -> Result<bool, ImportError> {
    for blob in manifest.required_blobs() {
        if !installation.blobs.touch(blob.digest).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Several at a time, as clients ask for them.
async fn fetch_blobs(
    installation: &Installation,
    key: &RepositoryKey,
    source: &Source,
    manifest: &Manifest,
    arriving: &Arriving,
) -> Result<(), ImportError> {
    let client = match &source.origin {
        Origin::Own(own) => return Ok(own.layers(installation, manifest)?),
        Origin::Remote { client, credential } => (client, credential.as_ref()),
    };
    let view = installation.store.view();
    let mut missing = Vec::new();
    for blob in manifest.required_blobs() {
        let linked = registry::layer_size(&view, key, blob.digest)? == Some(blob.size);
        let here = linked && installation.blobs.touch(blob.digest).await?;
        if !here && !missing.contains(&(blob.digest, blob.size)) {
            missing.push((blob.digest, blob.size));
        }
    }
    let fetches = missing
        .into_iter()
        .map(|(digest, size)| fetch_blob(installation, (source, client), digest, size, arriving));
    stream::iter(fetches).buffer_unordered(AT_A_TIME).try_collect::<()>().await
}

async fn fetch_blob(
    installation: &Installation,
    (source, (client, credential)): (&Source, (&Arc<dyn Upstream>, Option<&UpstreamCredential>)),
    digest: Digest,
    size: u64,
    arriving: &Arriving,
) -> Result<(), ImportError> {
    let name = digest.to_string();
    let mut upload = installation.blobs.begin().await?;
    arriving.begin(digest, upload.share(size).map_err(BlobError::from)?);
    let mut blob = source.soon(client.blob(&source.image, credential, &name, size)).await?;
    while let Some(bytes) = source.soon(blob.next()).await? {
        upload = upload.append(vec![bytes]).await?;
        if upload.size() > size {
            return Err(ImportError::failed(format!(
                "{digest} is longer than the {size} bytes of its manifest"
            )));
        }
    }
    let received = upload.finish(digest).await?;
    if received != size {
        return Err(ImportError::failed(format!(
            "{digest} has {received} bytes, not the {size} of its manifest"
        )));
    }
    Ok(())
}

/// The repository is there before the image is; the answer is its incarnation.
async fn make_repository(
    installation: &Installation,
    key: &RepositoryKey,
    now: Timestamp,
) -> Result<u64, ImportError> {
    if let Some(row) = registry::find_repository(&installation.store.view(), key)? {
        return Ok(row.incarnation);
    }
    let written = installation.store.write_async("make a repository of the cache", |tx| {
        repository(installation, tx, key, now).map(|row| row.incarnation)
    });
    written.await.map_err(WriteError::flatten).map_err(ImportError::from)
}

/// The repository, made if need be.
fn repository(
    installation: &Installation,
    tx: &mut Tx,
    key: &RepositoryKey,
    now: Timestamp,
) -> Result<Arc<registry::Repository>, Failure> {
    if let Some(row) = registry::find_repository(tx, key)? {
        return Ok(row);
    }
    let template = creation::template(tx, key, &RCTAppliedFor::PullThroughCache)?;
    Ok(Arc::new(creation::create(installation, tx, key, template.as_ref(), now)?))
}

/// Writes the image down, in the repository that was there when it began to come: one that was deleted meanwhile stays away.
async fn keep(
    installation: &Installation,
    (key, opened, reference): (&RepositoryKey, u64, &Reference),
    manifest: &Manifest,
    arriving: &Arriving,
    now: Timestamp,
) -> Result<(), ImportError> {
    let tag = match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(_) => None,
    };
    let written = installation.store.write_async("import an image", |tx| -> Result<(), Failure> {
        let repository = registry::find_repository(tx, key)?.filter(|row| row.incarnation == opened);
        let repository = repository.ok_or_else(|| wording::no_repository(key))?;
        let tag = tag.map_or(Ok(None), |tag| is_pushed(tx, key, tag).map(|it| (!it).then_some(tag)))?;
        for blob in manifest.required_blobs() {
            registry::link_layer(tx, key, blob.digest, blob.size);
        }
        match registry::put_image(tx, key, &repository, manifest, tag, now)? {
            Put::Stored | Put::Unchanged => {}
            Put::TagIsFixed => tracing::debug!(repository = key.2, "a fixed tag stays where it is"),
            Put::TooManyTags => return Err(too_many_tags(key, tag)),
        }
        children::enqueue(tx, key, manifest, now)?;
        children::hurry(tx, key, manifest.digest, now)?;
        if arriving.was_pulled() {
            registry::write_pull(tx, key, manifest.digest, now);
        }
        if let Some(tag) = tag {
            tx.put(&CACHED_TAGS, &(&key.0, &key.1, key.2.as_str(), tag.as_str()), now.plus_seconds(FRESH));
        }
        Ok(())
    });
    written.await.map_err(WriteError::flatten).map_err(ImportError::from)
}

fn too_many_tags(key: &RepositoryKey, tag: Option<&Tag>) -> Failure {
    let tag = tag.map(Tag::as_str).unwrap_or_default();
    api::error::limit_exceeded_exception(wording::too_many_tags(key, tag, registry::MOST_TAGS)).into()
}

/// Whether somebody has pushed the tag, maybe while it was being fetched: the cache leaves it where it is.
fn is_pushed(view: &View, key: &RepositoryKey, tag: &Tag) -> Result<bool, StoreError> {
    Ok(registry::tag_digest(view, key, tag.as_str())?.is_some() && !is_cached(view, key, tag))
}

fn is_cached(view: &View, (account, region, name): &RepositoryKey, tag: &Tag) -> bool {
    view.contains(&CACHED_TAGS, &(account, region, name.as_str(), tag.as_str()))
}

/// Notes when a tag of the cache is to be looked up again.
async fn note(
    installation: &Installation,
    key: &RepositoryKey,
    reference: &Reference,
    due: Timestamp,
) -> Result<(), ImportError> {
    let Reference::Tag(tag) = reference else { return Ok(()) };
    let written = installation.store.write_async("put off a cached tag", |tx| -> Result<(), Failure> {
        if is_cached(tx, key, tag) {
            tx.put(&CACHED_TAGS, &(&key.0, &key.1, key.2.as_str(), tag.as_str()), due);
        }
        Ok(())
    });
    written.await.map_err(WriteError::flatten).map_err(ImportError::from)
}
