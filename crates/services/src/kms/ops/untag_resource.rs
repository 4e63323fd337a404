//! `UntagResource`: removes tags of a key.

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
    tag_keys: Vec<String>,
}

impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:UntagResource")?;
        let tag_keys = input.tag_keys;
        let permission = permission.with_all("aws:TagKeys", tag_keys.iter().cloned());
        Ok(Checked::one(Request { target, tag_keys }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tag_keys } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.present()?));
        key.tags.retain(|(key, _)| !tag_keys.contains(key));
        keys::put(tx, &target.place, &key)?;
        Ok(api::UntagResourceResponse {})
    }
}
