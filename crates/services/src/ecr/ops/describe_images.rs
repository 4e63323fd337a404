//! `DescribeImages`: images with their tags, sizes and times.

use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_store::{StoreError, View};

use crate::ecr::image_id;
use crate::ecr::paging::Paging;
use crate::ecr::record::{IMAGES, Image, RepositoryKey};
use crate::ecr::registry;
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::ecr::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Which images.
#[derive(Debug)]
pub struct Request {
    target: Target,
    ids: Vec<api::ImageIdentifier>,
    paging: Paging,
    tags: api::TagStatus,
    status: api::ImageStatusFilter,
}

impl Resolve for api::DescribeImages {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = &input.repository_name;
        let checked = Target::checked(cx, view, input.registry_id.as_deref(), name, "ecr:DescribeImages")?;
        let ids = input.image_ids.unwrap_or_default();
        let paged = input.next_token.is_some() || input.max_results.is_some();
        if !ids.is_empty() && paged {
            return Err(
                wording::invalid("imageIds", "nextToken and maxResults can't be used with imageIds").into()
            );
        }
        let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
        let filter = input.filter.unwrap_or_default();
        let tags = filter.tag_status.unwrap_or(api::TagStatus::Any);
        let status = filter.image_status.unwrap_or(api::ImageStatusFilter::Active);
        Ok(checked.map(|target| Request { target, ids, paging, tags, status }))
    }
}

impl ReadHandler for api::DescribeImages {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let key = &request.target.key;
        request.target.existing()?;
        if request.ids.is_empty() {
            return page(cx, view, key, &request);
        }
        let mut images: Vec<Arc<Image>> = Vec::new();
        for id in &request.ids {
            let image = image_id::existing(view, key, id)?;
            if images.iter().all(|other| other.manifest.digest != image.manifest.digest) {
                images.push(image);
            }
        }
        let details = images.iter().map(|image| view::image(view, key, image)).collect::<Result<_, _>>()?;
        Ok(api::DescribeImagesResponse { image_details: Some(details), next_token: None })
    }
}

fn page(
    cx: &Context<'_>,
    view: &View,
    key: &RepositoryKey,
    request: &Request,
) -> Result<api::DescribeImagesResponse, Failure> {
    let (account, region, name) = key;
    let prefix = (account, region, name.as_str());
    let rows = match request.paging.after(0) {
        None => view.scan(&IMAGES, prefix),
        Some(digest) => view.scan_after(&IMAGES, prefix, &(account, region, name.as_str(), digest)),
    };
    let mut images = Vec::new();
    let mut more = false;
    for row in rows.take_while(|_| registry::is_shown(&request.status)) {
        let (_, image) = row?;
        if !has_status(view, key, &image, &request.tags) {
            continue;
        }
        more = images.len() == request.paging.limit;
        if more {
            break;
        }
        images.push(image);
    }
    let last = images.last().filter(|_| more);
    let last = last.map(|image| image.manifest.digest.to_string());
    let next_token = request.paging.token(cx, last.as_deref())?;
    let details =
        images.iter().map(|image| view::image(view, key, image)).collect::<Result<_, StoreError>>()?;
    Ok(api::DescribeImagesResponse { image_details: Some(details), next_token })
}

fn has_status(view: &View, key: &RepositoryKey, image: &Image, status: &api::TagStatus) -> bool {
    match status {
        api::TagStatus::Tagged => registry::has_tags(view, key, image.manifest.digest),
        api::TagStatus::Untagged => !registry::has_tags(view, key, image.manifest.digest),
        api::TagStatus::Any | api::TagStatus::Unknown(_) => true,
    }
}
