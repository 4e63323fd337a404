//! Lists: tags, referrers, repositories.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, LINK};
use http::{Response, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::{Call, ResponseBody};
use crate::{
    Access, Catalog, Descriptor, Digest, ErrorCode, Manifest, OciError, Operation, Repository,
    RepositoryName, Tag,
};

/// The longest page; clients follow the link to the next.
const PAGE: usize = 1000;

impl<A: Access, C: Catalog> Call<'_, A, C> {
    pub(super) async fn tags(&self, name: &RepositoryName) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::ListTags, name).await?;
        self.registry.catalog().open_for_pull(&repository).await?;
        let limit = self.page_size()?;
        let last = self.query.get("last").filter(|text| !text.is_empty()).map(str::parse::<Tag>).transpose();
        let last = last.map_err(|error| OciError::new(ErrorCode::TagInvalid, format!("{error}")))?;
        let mut tags = self.registry.catalog().tags(&repository, last.as_ref(), limit + 1).await?;
        let answer = self.linked(&mut tags, limit, Tag::as_str);
        Ok(answer.json(&json!({ "name": name, "tags": tags })))
    }

    pub(super) async fn repositories(&self) -> Result<Response<ResponseBody>, OciError> {
        let grant = self.authorize(Operation::ListRepositories, None).await?;
        let limit = self.page_size()?;
        let last = self.query.get("last").map(|text| text.strip_prefix(&*grant.prefix).unwrap_or(text));
        let last = last.filter(|text| !text.is_empty());
        let found = self.registry.catalog().repositories(&grant.namespace, last, limit + 1).await?;
        let mut names: Vec<String> = found.iter().map(|name| format!("{}{name}", grant.prefix)).collect();
        let answer = self.linked(&mut names, limit, String::as_str);
        Ok(answer.json(&json!({ "repositories": names })))
    }

    pub(super) async fn referrers(
        &self,
        name: &RepositoryName,
        digest: Digest,
    ) -> Result<Response<ResponseBody>, OciError> {
        let repository = self.permit(Operation::Referrers, name).await?;
        let manifests = self.referrers_in(&repository, digest).await?;
        let wanted = self.query.get("artifactType").filter(|text| !text.is_empty());
        let shown = manifests
            .iter()
            .filter(|manifest| wanted.is_none() || manifest.artifact_type.as_deref() == wanted);
        let shown: Vec<Descriptor> = shown.map(|manifest| manifest.descriptor()).collect();
        let media_type = "application/vnd.oci.image.index.v1+json";
        let mut answer = Answer::new(StatusCode::OK).header(CONTENT_TYPE, media_type);
        if wanted.is_some() {
            answer = answer.docker_header("oci-filters-applied", "artifactType");
        }
        Ok(answer.json(&json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": shown })))
    }

    /// A client takes 404 for a registry without referrers, so an unknown repository just has none.
    async fn referrers_in(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Vec<Arc<Manifest>>, OciError> {
        let found = match self.registry.catalog().open_for_pull(repository).await {
            Ok(_) => self.registry.catalog().referrers(repository, digest).await,
            Err(error) => Err(error),
        };
        match found {
            Err(error) if error.code == ErrorCode::NameUnknown => Ok(Vec::new()),
            found => found,
        }
    }

    fn page_size(&self) -> Result<usize, OciError> {
        let Some(text) = self.query.get("n") else { return Ok(PAGE) };
        let number: Result<u32, _> = text.parse();
        number.map(|number| usize::try_from(number).unwrap_or(PAGE).min(PAGE)).map_err(|_| {
            OciError::new(
                ErrorCode::PaginationNumberInvalid,
                "`n` is not a page size: expected a number, 0 or more",
            )
        })
    }

    /// Cuts `items`, which may hold one more than the page, and links to the next page if it did (RFC 8288).
    fn linked<T>(&self, items: &mut Vec<T>, limit: usize, text: impl Fn(&T) -> &str) -> Answer {
        let more = items.len() > limit;
        items.truncate(limit);
        let answer = Answer::new(StatusCode::OK);
        match items.last().filter(|_| more) {
            Some(last) => {
                let path = self.parts.uri.path();
                answer.header(LINK, format!("<{path}?n={limit}&last={}>; rel=\"next\"", text(last)))
            }
            None => answer,
        }
    }
}
