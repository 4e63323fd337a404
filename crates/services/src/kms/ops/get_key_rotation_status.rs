//! `GetKeyRotationStatus`: whether and when a key is rotated.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::GetKeyRotationStatus {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:GetKeyRotationStatus")?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl ReadHandler for api::GetKeyRotationStatus {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        let key = target.existing()?;
        rules::check_rotatable(key)?;
        Ok(api::GetKeyRotationStatusResponse {
            key_rotation_enabled: Some(key.rotation.is_some()),
            key_id: Some(key.arn.to_string()),
            rotation_period_in_days: key.rotation.and_then(|it| i32::try_from(it.period_days).ok()),
            next_rotation_date: key.rotation.map(|it| it.next_at),
            on_demand_rotation_start_date: None,
        })
    }
}
