//! `ReplicateSecretToRegions`: replicas of a secret in other Regions.

use std::sync::Arc;

use landfall_api::secretsmanager as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::secretsmanager::record::Secret;
use crate::secretsmanager::replication;
use crate::secretsmanager::target::Target;

/// Replicas to be made.
#[derive(Debug)]
pub struct Request {
    target: Target,
    replicas: Vec<api::ReplicaRegionType>,
    overwrite: bool,
}

impl Resolve for api::ReplicateSecretToRegions {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let overwrite = input.force_overwrite_replica_secret;
        let permission = replication::with_keys(
            target.permission("secretsmanager:ReplicateSecretToRegions"),
            Some(&input.add_replica_regions),
            overwrite,
        );
        let overwrite = overwrite.unwrap_or_default();
        Ok(Checked::one(Request { target, replicas: input.add_replica_regions, overwrite }, permission))
    }
}

impl WriteHandler for api::ReplicateSecretToRegions {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, replicas, overwrite } = request.into_request();
        let mut secret = Secret::clone(Arc::as_ref(target.changeable()?));
        replication::add(cx, tx, &target.key, &mut secret, &replicas, overwrite)?;
        replication::put(tx, &target.key, &mut secret);
        Ok(api::ReplicateSecretToRegionsResponse {
            arn: Some(secret.arn.to_string()),
            replication_status: replication::status(tx, &target.key, &secret)?,
        })
    }
}
