//! `GetLifecyclePolicyPreview`: the images that a policy would have let go when it was tried.

use landfall_api::ecr as api;
use landfall_registry::Digest;
use landfall_store::View;

use crate::ecr::paging::Paging;
use crate::ecr::record::{PREVIEWS, Preview, RepositoryKey};
use crate::ecr::registry;
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// A page of a preview.
#[derive(Debug)]
pub struct Request {
    target: Target,
    ids: Vec<api::ImageIdentifier>,
    tags: api::TagStatus,
    paging: Paging,
}

impl Resolve for api::GetLifecyclePolicyPreview {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:GetLifecyclePolicyPreview")?;
        let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
        let tags = input.filter.and_then(|filter| filter.tag_status).unwrap_or(api::TagStatus::Any);
        let ids = input.image_ids.unwrap_or_default();
        Ok(checked.map(|target| Request { target, ids, tags, paging }))
    }
}

impl ReadHandler for api::GetLifecyclePolicyPreview {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let key = &request.target.key;
        request.target.existing()?;
        let preview = view.get(&PREVIEWS, key)?.ok_or_else(|| wording::no_preview(key))?;
        let mut results = Vec::new();
        for (digest, priority) in behind(&preview, &request.paging) {
            let result = result(view, key, *digest, *priority)?;
            if wanted(&request, &result) {
                results.push(result);
            }
            if results.len() > request.paging.limit {
                break;
            }
        }
        let more = results.len() > request.paging.limit;
        results.truncate(request.paging.limit);
        let last = results.last().filter(|_| more).and_then(|result| result.image_digest.as_deref());
        Ok(api::GetLifecyclePolicyPreviewResponse {
            registry_id: request.target.registry_id(),
            repository_name: request.target.name(),
            lifecycle_policy_text: Some(preview.text.clone()),
            status: Some(api::LifecyclePolicyPreviewStatus::Complete),
            next_token: request.paging.token(cx, last)?,
            preview_results: Some(results),
            summary: Some(api::LifecyclePolicyPreviewSummary {
                expiring_image_total_count: i32::try_from(preview.expiring.len()).ok(),
                transitioning_image_total_counts: None,
            }),
        })
    }
}

fn behind<'a>(preview: &'a Preview, paging: &'a Paging) -> impl Iterator<Item = &'a (Digest, i32)> {
    let after = paging.after(0).map(str::to_owned);
    preview
        .expiring
        .iter()
        .filter(move |(digest, _)| after.as_ref().is_none_or(|after| digest.to_string() > *after))
}

fn wanted(request: &Request, result: &api::LifecyclePolicyPreviewResult) -> bool {
    let tagged = result.image_tags.is_some();
    let by_tags = match request.tags {
        api::TagStatus::Tagged => tagged,
        api::TagStatus::Untagged => !tagged,
        api::TagStatus::Any | api::TagStatus::Unknown(_) => true,
    };
    let named = |id: &api::ImageIdentifier| {
        let digest = id.image_digest.is_none() || id.image_digest == result.image_digest;
        let tags = result.image_tags.as_deref().unwrap_or_default();
        digest && id.image_tag.as_ref().is_none_or(|tag| tags.contains(tag))
    };
    by_tags && (request.ids.is_empty() || request.ids.iter().any(named))
}

fn result(
    view: &View,
    key: &RepositoryKey,
    digest: Digest,
    priority: i32,
) -> Result<api::LifecyclePolicyPreviewResult, Failure> {
    let tags = registry::tags_of(view, key, digest)?;
    let action = api::LifecyclePolicyRuleAction {
        r#type: Some(api::ImageActionType::Expire),
        target_storage_class: None,
    };
    Ok(api::LifecyclePolicyPreviewResult {
        image_tags: (!tags.is_empty()).then_some(tags),
        image_digest: Some(digest.to_string()),
        image_pushed_at: registry::image(view, key, digest)?.map(|image| image.pushed_at),
        action: Some(action),
        applied_rule_priority: Some(priority),
        storage_class: Some(api::LifecyclePolicyStorageClass::Standard),
    })
}
