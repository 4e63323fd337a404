//! What is about a manifest: signatures, bills of materials and the like, in pages.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, LINK};
use http::{Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::answer::Answer;
use super::{Call, ResponseBody, parse_digest};
use crate::{
    Access, Catalog, Descriptor, Digest, ErrorCode, Manifest, OciError, Operation, Repository, RepositoryName,
};

/// Bytes of the descriptors on a page. An answer is an index, and clients read no index of more than 4 MiB. One descriptor
/// alone may be longer: it has the annotations of its manifest, and is no longer than that.
const PAGE_BYTES: usize = 2 << 20;

/// Manifests that the catalog is asked for at a time: each may have megabytes of annotations.
const BATCH: usize = 50;

const MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// What has a meaning in queries, and what no URL has.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl<A: Access, C: Catalog> Call<'_, A, C> {
    pub(super) async fn referrers(
        &self,
        name: &RepositoryName,
        digest: Digest,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::Referrers, name).await?;
        let wanted = self.query.get("artifactType").filter(|text| !text.is_empty());
        let last = self.query.get("last").filter(|text| !text.is_empty()).map(parse_digest).transpose()?;
        // A page of nothing would never come to an end.
        let mut page = Page::new(self.page_size()?.max(1));
        self.fill(&mut page, &repository, digest, wanted, last).await?;
        let mut answer = Answer::new(StatusCode::OK).header(CONTENT_TYPE, MEDIA_TYPE);
        if wanted.is_some() {
            answer = answer.docker_header("oci-filters-applied", "artifactType");
        }
        if let Some(last) = page.shown.last().filter(|_| page.more) {
            answer = answer.header(LINK, self.next_page(wanted, last.digest));
        }
        Ok(answer.json(&json!({ "schemaVersion": 2, "mediaType": MEDIA_TYPE, "manifests": page.shown })))
    }

    async fn fill(
        &self,
        page: &mut Page,
        repository: &Repository,
        subject: Digest,
        wanted: Option<&str>,
        mut after: Option<Digest>,
    ) -> Result<(), OciError> {
        while !page.more {
            let batch = self.referrers_in(repository, subject, after).await?;
            let fitting = batch
                .iter()
                .filter(|manifest| wanted.is_none() || manifest.artifact_type.as_deref() == wanted);
            fitting.for_each(|manifest| page.add(manifest.descriptor()));
            let Some(last) = batch.last() else { return Ok(()) };
            after = Some(last.digest);
        }
        Ok(())
    }

    /// A client takes 404 for a registry without referrers, so an unknown repository just has none.
    async fn referrers_in(
        &self,
        repository: &Repository,
        subject: Digest,
        after: Option<Digest>,
    ) -> Result<Vec<Arc<Manifest>>, OciError> {
        let catalog = self.registry.catalog();
        let found = match catalog.open_for_pull(repository).await {
            Ok(_) => catalog.referrers(repository, subject, after, BATCH).await,
            Err(error) => Err(error),
        };
        match found {
            Err(error) if error.code == ErrorCode::NameUnknown => Ok(Vec::new()),
            found => found,
        }
    }

    /// The same question, from behind the last of this page (RFC 8288).
    fn next_page(&self, wanted: Option<&str>, last: Digest) -> String {
        let kept = |name: &str, value: Option<&str>| {
            value.map(|value| format!("&{name}={}", utf8_percent_encode(value, ENCODED))).unwrap_or_default()
        };
        let (kind, n) = (kept("artifactType", wanted), kept("n", self.query.get("n")));
        format!("<{}?last={last}{kind}{n}>; rel=\"next\"", self.parts.uri.path())
    }
}

/// A page in the making.
struct Page {
    shown: Vec<Descriptor>,
    /// How many more it may hold.
    places: usize,
    bytes: usize,
    /// Something did not go on it.
    more: bool,
}

impl Page {
    fn new(places: usize) -> Self {
        Self { shown: Vec::new(), places, bytes: 0, more: false }
    }

    fn add(&mut self, descriptor: Descriptor) {
        let bytes = serde_json::to_vec(&descriptor).map_or(0, |text| text.len());
        self.more |= self.places == 0 || (!self.shown.is_empty() && self.bytes + bytes > PAGE_BYTES);
        if !self.more {
            self.bytes += bytes;
            self.places -= 1;
            self.shown.push(descriptor);
        }
    }
}
