//! `RemoveRegionsFromReplication`: replicas are deleted, at once.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;

/// Replicas to be deleted.
#[derive(Debug)]
pub struct Request {
    target: Target,
    regions: Vec<String>,
}

impl Resolve for api::RemoveRegionsFromReplication {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:RemoveRegionsFromReplication");
        Ok(Checked::one(Request { target, regions: input.remove_replica_regions }, permission))
    }
}

impl WriteHandler for api::RemoveRegionsFromReplication {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, regions } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        replication::remove(tx, &target.key, &mut secret, &regions)?;
        Ok(api::RemoveRegionsFromReplicationResponse {
            arn: Some(secret.arn.to_string()),
            replication_status: replication::status(tx, &target.key, &secret)?,
        })
    }
}
