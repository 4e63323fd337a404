//! Lists: tags and repositories.

use http::header::LINK;
use http::{Response, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::{Call, ResponseBody};
use crate::{Access, Catalog, ErrorCode, OciError, Operation, RepositoryName, Tag};

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

    pub(super) fn page_size(&self) -> Result<usize, OciError> {
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
