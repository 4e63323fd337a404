//! `DisableKeyRotation`: no more automatic rotation.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::record::Key;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::DisableKeyRotation {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:DisableKeyRotation")?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl WriteHandler for api::DisableKeyRotation {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.usable()?));
        rules::check_rotatable(&key)?;
        key.rotation = None;
        keys::put(tx, &target.place, &key)?;
        Ok(api::DisableKeyRotationResponse {})
    }
}
