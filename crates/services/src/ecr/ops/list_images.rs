//! `ListImages`: the tags of a repository's images, and the images without one.

use landfall_api::ecr as api;
use landfall_store::{StoreError, View};

use crate::ecr::paging::Paging;
use crate::ecr::record::{IMAGE_TAGS, IMAGES, RepositoryKey};
use crate::ecr::registry;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A page of a repository.
#[derive(Debug)]
pub struct Request {
    target: Target,
    paging: Paging,
    tags: api::TagStatus,
    status: api::ImageStatusFilter,
}

impl Resolve for api::ListImages {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:ListImages")?;
        let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 2)?;
        let filter = input.filter.unwrap_or_default();
        let tags = filter.tag_status.unwrap_or(api::TagStatus::Any);
        let status = filter.image_status.unwrap_or(api::ImageStatusFilter::Active);
        Ok(checked.map(|target| Request { target, paging, tags, status }))
    }
}

impl ReadHandler for api::ListImages {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, paging, tags, status } = request.into_request();
        target.existing()?;
        if !registry::is_shown(&status) {
            return Ok(api::ListImagesResponse { image_ids: Some(Vec::new()), next_token: None });
        }
        let mut page = Page { ids: Vec::new(), limit: paging.limit };
        let more = page.fill(view, &target.key, &paging, &tags)?;
        let last = page.ids.last().filter(|_| more);
        let last =
            last.map(|id| [&id.image_digest, &id.image_tag].map(|it| it.as_deref().unwrap_or_default()));
        let next_token = paging.token_of(cx, last)?;
        Ok(api::ListImagesResponse { image_ids: Some(page.ids), next_token })
    }
}

struct Page {
    ids: Vec<api::ImageIdentifier>,
    limit: usize,
}

impl Page {
    /// Takes a place on the page; `false` if it is full.
    fn push(&mut self, digest: &str, tag: Option<String>) -> bool {
        let room = self.ids.len() < self.limit;
        if room {
            self.ids.push(api::ImageIdentifier { image_digest: Some(digest.to_owned()), image_tag: tag });
        }
        room
    }

    /// Whether there is more than the page holds.
    fn fill(
        &mut self,
        view: &View,
        key: &RepositoryKey,
        paging: &Paging,
        tags: &api::TagStatus,
    ) -> Result<bool, StoreError> {
        let (account, region, name) = key;
        let prefix = (account, region, name.as_str());
        if let (Some(digest), Some(tag)) = (paging.after(0), paging.after(1))
            && !tag.is_empty()
            && self.rest_of(view, key, digest, tag)?
        {
            return Ok(true);
        }
        let images = match paging.after(0) {
            None => view.scan(&IMAGES, prefix),
            Some(digest) => view.scan_after(&IMAGES, prefix, &(account, region, name.as_str(), digest)),
        };
        for row in images {
            let ((_, _, _, digest), _) = row?;
            if self.image(view, key, &digest, tags)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tags of the image in which the page before ended.
    fn rest_of(
        &mut self,
        view: &View,
        key: &RepositoryKey,
        digest: &str,
        tag: &str,
    ) -> Result<bool, StoreError> {
        let (account, region, name) = key;
        let prefix = (account, region, name.as_str(), digest);
        let after = (account, region, name.as_str(), digest, tag);
        for row in view.scan_after(&IMAGE_TAGS, prefix, &after) {
            let ((.., tag), _) = row?;
            if !self.push(digest, Some(tag)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn image(
        &mut self,
        view: &View,
        key: &RepositoryKey,
        digest: &str,
        tags: &api::TagStatus,
    ) -> Result<bool, StoreError> {
        let (account, region, name) = key;
        let mut tagged = false;
        for row in view.scan(&IMAGE_TAGS, (account, region, name.as_str(), digest)) {
            tagged = true;
            if *tags == api::TagStatus::Untagged {
                break;
            }
            let ((.., tag), _) = row?;
            if !self.push(digest, Some(tag)) {
                return Ok(true);
            }
        }
        let shown = !tagged && *tags != api::TagStatus::Tagged;
        Ok(shown && !self.push(digest, None))
    }
}
