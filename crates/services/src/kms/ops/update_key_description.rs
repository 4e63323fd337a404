//! `UpdateKeyDescription`: another description.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::record::Key;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    description: String,
}

impl Resolve for api::UpdateKeyDescription {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:UpdateKeyDescription")?;
        let description = input.description;
        Ok(Checked::one(Request { target, description }, permission))
    }
}

impl WriteHandler for api::UpdateKeyDescription {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, description } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.present()?));
        key.description = description;
        keys::put(tx, &target.place, &key)?;
        Ok(api::UpdateKeyDescriptionResponse {})
    }
}
