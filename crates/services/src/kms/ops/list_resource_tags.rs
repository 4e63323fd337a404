//! `ListResourceTags`: the tags of a key.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::target::Target;
use crate::kms::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    paging: Paging,
}

impl Resolve for api::ListResourceTags {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:ListResourceTags")?;
        let paging = Paging::of(input.limit, input.marker.as_deref(), 50)?;
        Ok(Checked::one(Request { target, paging }, permission))
    }
}

impl ReadHandler for api::ListResourceTags {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, paging } = request.into_request();
        let mut tags: Vec<_> = target.existing()?.tags().map(view::tag).collect();
        tags.sort_by(|one, other| one.tag_key.cmp(&other.tag_key));
        let page = paging.page(tags, |tag| tag.tag_key.as_str());
        Ok(api::ListResourceTagsResponse {
            tags: Some(page.items),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
