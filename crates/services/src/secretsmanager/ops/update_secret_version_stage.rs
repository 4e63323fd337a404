//! `UpdateSecretVersionStage`: moves a staging label.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use super::get_secret_value::no_version;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::target::Target;
use crate::secretsmanager::versions;
use crate::secretsmanager::{replication, rotation};

/// A label to be moved.
#[derive(Debug)]
pub struct Request {
    target: Target,
    label: String,
    from: Option<String>,
    to: Option<String>,
}

impl Resolve for api::UpdateSecretVersionStage {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target
            .permission("secretsmanager:UpdateSecretVersionStage")
            .with("secretsmanager:VersionStage", &input.version_stage);
        let request = Request {
            target,
            label: input.version_stage,
            from: input.remove_from_version_id,
            to: input.move_to_version_id,
        };
        Ok(Checked::one(request, permission))
    }
}

impl WriteHandler for api::UpdateSecretVersionStage {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, label, from, to } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        for id in [&from, &to].into_iter().flatten() {
            // A rotation that was not begun in earnest has a version without a value.
            let labelled = Some(id) == from.as_ref() && secret.stages.versions().contains(id.as_str());
            if !labelled {
                versions::get(tx, &target.key, id)?.ok_or_else(|| no_version(id))?;
            }
        }
        let moved = secret.stages.relocate(&label, from.as_deref(), to.as_deref());
        moved.map_err(|error| versions::move_error(&error))?;
        secret.changed_at = cx.now;
        rotation::settle(tx, &target.key, &mut secret, cx.now)?;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::UpdateSecretVersionStageResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
        })
    }
}
