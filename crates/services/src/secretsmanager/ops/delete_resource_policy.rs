//! `DeleteResourcePolicy`: takes the policy off a secret.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;

impl Resolve for api::DeleteResourcePolicy {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:DeleteResourcePolicy");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteResourcePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        if secret.policy.take().is_some() {
            secret.changed_at = cx.now;
            replication::put(tx, &target.key, &mut secret);
        }
        Ok(api::DeleteResourcePolicyResponse {
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
        })
    }
}
