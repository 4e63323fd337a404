//! `EnableKeyRotation`: has a key rotated regularly.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::record::Key;
use crate::kms::record::Rotation;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    rotation: Rotation,
}

impl Resolve for api::EnableKeyRotation {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:EnableKeyRotation")?;
        let rotation = rules::rotation(input.rotation_period_in_days, cx.now)?;
        let permission = permission.with("kms:RotationPeriodInDays", rotation.period_days.to_string());
        Ok(Checked::one(Request { target, rotation }, permission))
    }
}

impl WriteHandler for api::EnableKeyRotation {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, rotation } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.usable()?));
        rules::check_rotatable(&key)?;
        key.rotation = Some(rotation);
        keys::put(tx, &target.place, &key)?;
        Ok(api::EnableKeyRotationResponse {})
    }
}
