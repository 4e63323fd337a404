//! `UntagResource`: takes tags off a secret.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;

/// Keys of tags to be removed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    keys: Vec<String>,
}

impl Resolve for api::UntagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let mut permission = target.permission("secretsmanager:UntagResource");
        if !input.tag_keys.is_empty() {
            permission = permission.with_all("aws:TagKeys", input.tag_keys.iter().cloned());
        }
        Ok(Checked::one(Request { target, keys: input.tag_keys }, permission))
    }
}

impl WriteHandler for api::UntagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, keys } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        secret.tags.retain(|(key, _)| !keys.contains(key));
        secret.changed_at = cx.now;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::UntagResourceResponse {})
    }
}
