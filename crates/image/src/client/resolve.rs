//! From a reference to one image's manifest: always asked of the registry, always with the caller's credential.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Call, Client, Session};
use crate::error::Stage;
use crate::manifest::{Document, Index};
use crate::{Credential, Digest, Manifest, Platform, PullError, PullErrorKind, Reference, media};

/// How deeply indexes may be nested. Digests cannot form a loop, but a registry that lies about them can pretend one.
const MAX_DEPTH: usize = 4;
/// Most index entries without a platform that are looked into.
const MAX_CANDIDATES: usize = 8;

/// What a reference means right now, for one platform.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What was asked for.
    pub reference: Reference,
    /// For which platform.
    pub platform: Platform,
    /// The digest that the reference itself stands for: of the index, if there is one. ECS reports it as `imageDigest`.
    pub digest: Digest,
    /// The digest of the platform's manifest.
    pub manifest_digest: Digest,
    /// The manifest's media type, as the registry gave it.
    pub media_type: String,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest's bytes, as signed and hashed.
    pub manifest_bytes: Bytes,
}

impl Resolved {
    /// The config's digest: the image id that Docker shows.
    pub fn config_digest(&self) -> &Digest {
        &self.manifest.config.digest
    }

    /// Compressed bytes of all layers together.
    pub fn compressed_size(&self) -> u64 {
        self.manifest.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
    }
}

/// A manifest as it came, verified.
struct Fetched {
    bytes: Bytes,
    digest: Digest,
    media_type: String,
}

impl Client {
    /// Asks the registry what `reference` is on `platform`.
    ///
    /// # Errors
    /// Whatever the registry says, [`PullErrorKind::PlatformMismatch`], [`PullErrorKind::DigestMismatch`],
    /// [`PullErrorKind::InvalidManifest`], or [`PullErrorKind::Timeout`] after
    /// [`ClientOptions::manifest_timeout`](crate::ClientOptions::manifest_timeout).
    pub async fn resolve(
        &self,
        reference: &Reference,
        credential: Option<&Credential>,
        platform: &Platform,
    ) -> Result<Resolved, PullError> {
        let session = self.pull_session(reference, credential);
        let limit = self.options().manifest_timeout;
        match tokio::time::timeout(limit, session.resolve(platform)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let url = session.url(&format!("manifests/{}", reference.manifest_name()))?;
                let place = session.place(&url, Stage::Resolve);
                let why = format!("context deadline exceeded (no manifest within {} s)", limit.as_secs_f32());
                Err(PullError::new(PullErrorKind::Timeout, &place, why))
            }
        }
    }

    /// The digest that `reference` stands for, by `HEAD`: cheap, and not counted as a pull by Docker Hub. `None` if the
    /// registry does not say.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn head_manifest(
        &self,
        reference: &Reference,
        credential: Option<&Credential>,
    ) -> Result<Option<Digest>, PullError> {
        let session = self.pull_session(reference, credential);
        let url = session.url(&format!("manifests/{}", reference.manifest_name()))?;
        let mut call = Call::new(Method::HEAD, url, Stage::Resolve);
        call.headers.insert(ACCEPT, HeaderValue::from_static(media::ACCEPT_MANIFESTS));
        let response = session.send(call).await?;
        Ok(stated_digest(response.headers()))
    }
}

impl Session<'_> {
    async fn resolve(&self, platform: &Platform) -> Result<Resolved, PullError> {
        let top = self.fetch_manifest(self.reference.manifest_name(), self.reference.digest()).await?;
        let digest = top.digest.clone();
        let (fetched, manifest) = self.descend(top, platform).await?;
        Ok(Resolved {
            reference: self.reference.clone(),
            platform: platform.clone(),
            digest,
            manifest_digest: fetched.digest,
            media_type: fetched.media_type,
            manifest,
            manifest_bytes: fetched.bytes,
        })
    }

    /// Goes down through indexes, depth first, best match first, until there is an image.
    async fn descend(&self, top: Fetched, platform: &Platform) -> Result<(Fetched, Manifest), PullError> {
        let mut open = vec![(self.parse(&top)?, top, 0)];
        let mut looked_into = 0;
        while let Some((document, fetched, depth)) = open.pop() {
            let index = match document {
                Document::Image(manifest) => return Ok((fetched, *manifest)),
                Document::Index(index) => index,
            };
            if depth >= MAX_DEPTH {
                return Err(self.unusable(format!("indexes are nested more than {MAX_DEPTH} deep")));
            }
            for entry in self.promising(&index, platform).into_iter().rev() {
                looked_into += 1;
                if looked_into > MAX_CANDIDATES {
                    return Err(self.unusable("too many index entries without a platform".to_owned()));
                }
                let child = self.fetch_manifest(entry.digest.as_str(), Some(&entry.digest)).await?;
                let document = self.parse(&child)?;
                open.push((document, child, depth + 1));
            }
        }
        let why = format!("image Manifest does not contain descriptor matching platform '{platform}'");
        Err(PullError::new(PullErrorKind::PlatformMismatch, &self.resolve_place()?, why))
    }

    /// The best entry; or, where none names the platform, those that name none.
    fn promising<'i>(&self, index: &'i Index, platform: &Platform) -> Vec<&'i crate::Descriptor> {
        let candidates = index.candidates(platform);
        match candidates.first() {
            Some(first) if first.platform.is_some() => vec![*first],
            _ => candidates.into_iter().take(MAX_CANDIDATES + 1).collect(),
        }
    }

    fn parse(&self, fetched: &Fetched) -> Result<Document, PullError> {
        Document::parse(&fetched.bytes, &fetched.media_type).map_err(|why| self.unusable(why))
    }

    fn unusable(&self, why: String) -> PullError {
        match self.resolve_place() {
            Ok(place) => PullError::new(PullErrorKind::InvalidManifest, &place, why),
            Err(error) => error,
        }
    }

    fn resolve_place(&self) -> Result<crate::error::Place, PullError> {
        let url = self.url(&format!("manifests/{}", self.reference.manifest_name()))?;
        Ok(self.place(&url, Stage::Resolve))
    }

    async fn fetch_manifest(&self, name: &str, expected: Option<&Digest>) -> Result<Fetched, PullError> {
        let url = self.url(&format!("manifests/{name}"))?;
        let place = self.place(&url, Stage::Resolve);
        let mut call = Call::new(Method::GET, url, Stage::Resolve);
        call.headers.insert(ACCEPT, HeaderValue::from_static(media::ACCEPT_MANIFESTS));
        let mut response = self.send(call).await?;
        let limit = self.client.options().max_manifest_bytes;
        let bytes = self.client.transport.body(&mut response, limit, &place).await?;
        let stated = stated_digest(response.headers());
        for promised in expected.into_iter().chain(stated.as_ref()) {
            if !promised.matches(&bytes) {
                let why = format!("unexpected manifest digest {}, expected {promised}", Digest::of(&bytes));
                return Err(PullError::new(PullErrorKind::DigestMismatch, &place, why));
            }
        }
        let digest = expected.cloned().or(stated).unwrap_or_else(|| Digest::of(&bytes));
        Ok(Fetched { bytes, digest, media_type: media_type(response.headers()) })
    }
}

/// `Docker-Content-Digest`, if it is there and readable.
fn stated_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

/// `Content-Type` without its parameters.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_owned()
}
