//! `TagResource`: sets tags on a secret.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::rules;
use crate::secretsmanager::target::Target;

/// Tags to be set.
#[derive(Debug)]
pub struct Request {
    target: Target,
    tags: Vec<(String, String)>,
}

impl Resolve for api::TagResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let tags = rules::tags(&input.tags)?;
        let permission = target
            .permission("secretsmanager:TagResource")
            .with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Ok(Checked::one(Request { target, tags }, permission))
    }
}

impl WriteHandler for api::TagResource {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        rules::set_tags(&mut secret.tags, tags)?;
        secret.changed_at = cx.now;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::TagResourceResponse {})
    }
}
