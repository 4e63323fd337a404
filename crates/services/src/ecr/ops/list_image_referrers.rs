//! `ListImageReferrers`: the artifacts that are about an image.

use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::paging::Paging;
use crate::ecr::record::Image;
use crate::ecr::registry;
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

const MOST: usize = 50;

/// A subject.
#[derive(Debug)]
pub struct Request {
    target: Target,
    subject: landfall_registry::Digest,
    types: Vec<String>,
    shown: bool,
    paging: Paging,
}

impl Resolve for api::ListImageReferrers {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:ListImageReferrers")?;
        let subject = input.subject_id.image_digest.parse().map_err(|_| {
            wording::invalid(
                "subjectId",
                "image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
            )
        })?;
        let mut paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
        paging.limit = paging.limit.min(MOST);
        let filter = input.filter.unwrap_or_default();
        let shown = !matches!(
            filter.artifact_status,
            Some(api::ArtifactStatusFilter::Archived | api::ArtifactStatusFilter::Activating)
        );
        let types = filter.artifact_types.unwrap_or_default();
        Ok(checked.map(|target| Request { target, subject, types, shown, paging }))
    }
}

impl ReadHandler for api::ListImageReferrers {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, subject, types, shown, paging } = request.into_request();
        target.existing()?;
        let images = registry::referrers(view, &target.key, subject, None, usize::MAX)?;
        let wanted = |image: &&Arc<Image>| {
            let manifest = &image.manifest;
            let fits =
                types.is_empty() || manifest.artifact_type.as_ref().is_some_and(|it| types.contains(it));
            shown && fits && paging.after(0).is_none_or(|after| manifest.digest.to_string().as_str() > after)
        };
        let images: Vec<_> = images.iter().filter(wanted).take(paging.limit + 1).collect();
        let page = images.get(..paging.limit).unwrap_or(&images);
        let last = page.last().filter(|_| images.len() > page.len());
        let last = last.map(|image| image.manifest.digest.to_string());
        Ok(api::ListImageReferrersResponse {
            next_token: paging.token(cx, last.as_deref())?,
            referrers: Some(page.iter().map(|image| referrer(image)).collect()),
        })
    }
}

fn referrer(image: &Image) -> api::ImageReferrer {
    let manifest = &image.manifest;
    let annotations = manifest.annotations.iter().map(|(key, value)| (key.clone(), value.clone()));
    api::ImageReferrer {
        digest: manifest.digest.to_string(),
        media_type: manifest.media_type.clone(),
        artifact_type: manifest.artifact_type.clone(),
        size: i64::try_from(manifest.size).unwrap_or(i64::MAX),
        annotations: (!manifest.annotations.is_empty()).then(|| annotations.collect()),
        artifact_status: Some(api::ArtifactStatus::Active),
    }
}
