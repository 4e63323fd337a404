//! `RestoreSecret`: calls a scheduled deletion off.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::reconcile::deletion_key;
use crate::secretsmanager::record::{DELETIONS, SECRETS, Secret};
use crate::secretsmanager::target::Target;

impl Resolve for api::RestoreSecret {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:RestoreSecret");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::RestoreSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.own()?));
        let answer =
            api::RestoreSecretResponse { arn: Some(secret.arn.to_string()), name: Some(secret.name.clone()) };
        let Some(deletion) = secret.deletion.take() else { return Ok(answer) };
        secret.changed_at = cx.now;
        tx.delete(&DELETIONS, &deletion_key(deletion, &target.key));
        tx.put(&SECRETS, &target.key, secret);
        Ok(answer)
    }
}
