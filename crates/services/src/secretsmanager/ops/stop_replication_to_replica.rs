//! `StopReplicationToReplica`: a replica becomes a secret that stands alone.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;

impl Resolve for api::StopReplicationToReplica {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:StopReplicationToReplica");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::StopReplicationToReplica {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.usable()?));
        if secret.primary.is_none() {
            let message =
                "Operation not permitted on a primary secret. Call must be made in replica secret's region.";
            return Err(api::error::invalid_parameter_exception(message).into());
        }
        replication::promote(tx, &target.key, &mut secret, cx.now)?;
        Ok(api::StopReplicationToReplicaResponse { arn: Some(secret.arn.to_string()) })
    }
}
