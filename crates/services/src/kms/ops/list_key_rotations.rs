//! `ListKeyRotations`: when and why a key got new material.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::paging::Paging;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::kms::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    paging: Paging,
    with_first: bool,
}

impl Resolve for api::ListKeyRotations {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:ListKeyRotations")?;
        let paging = Paging::of(input.limit, input.marker.as_deref(), 100)?;
        let with_first = input.include_key_material == Some(api::IncludeKeyMaterial::AllKeyMaterial);
        Ok(Checked::one(Request { target, paging, with_first }, permission))
    }
}

impl ReadHandler for api::ListKeyRotations {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target, paging, with_first } = request.into_request();
        let key = target.existing()?;
        rules::check_rotatable(key)?;
        let numbered = key.materials.iter().enumerate().map(|(number, it)| (format!("{number:09}"), it));
        let wanted = numbered.filter(|(_, material)| with_first || material.rotation.is_some());
        let page = paging.page(wanted, |(number, _)| number.as_str());
        let rotations = page.items.iter().map(|(_, material)| view::rotation(key, material));
        Ok(api::ListKeyRotationsResponse {
            rotations: Some(rotations.collect()),
            next_marker: page.next_marker,
            truncated: page.truncated,
        })
    }
}
