use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use super::update_cluster::store;
use crate::ecs::lookup::{self, FoundCluster};
use crate::ecs::record::Cluster;
use crate::ecs::rules::cluster;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    input: api::PutClusterCapacityProvidersRequest,
    cluster: FoundCluster,
}

/// Sets the capacity providers of a cluster and its default strategy; both replace what was there.
impl Resolve for api::PutClusterCapacityProviders {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, Some(&input.cluster))?;
        let permission = cluster.permission("ecs:PutClusterCapacityProviders");
        let permission =
            lookup::with_any(permission, "ecs:capacity-provider", input.capacity_providers.clone());
        Ok(Checked::one(Request { input, cluster }, permission))
    }
}

impl WriteHandler for api::PutClusterCapacityProviders {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, cluster: found } = request.into_request();
        let mut row = Cluster::clone(found.active()?);
        let strategy = cluster::strategy(&input.default_capacity_provider_strategy);
        cluster::check_providers(&input.capacity_providers)?;
        cluster::check_default_strategy(&strategy, &input.capacity_providers)?;
        row.capacity_providers = input.capacity_providers;
        row.default_capacity_provider_strategy = strategy;
        let shown = [api::ClusterField::Settings, api::ClusterField::Tags];
        Ok(api::PutClusterCapacityProvidersResponse { cluster: Some(store(cx, tx, &row, &shown)?) })
    }
}
