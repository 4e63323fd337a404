//! `TagResource`: sets tags of a key.

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
    tags: Vec<(String, String)>,
}

impl Resolve for api::TagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:TagResource")?;
        let tags = rules::tags(Some(input.tags))?;
        let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let permission = permission.with_request_tags(pairs);
        Ok(Checked::one(Request { target, tags }, permission))
    }
}

impl WriteHandler for api::TagResource {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.present()?));
        rules::set_tags(&mut key.tags, tags)?;
        keys::put(tx, &target.place, &key)?;
        Ok(api::TagResourceResponse {})
    }
}
