use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use super::update_cluster::store;
use crate::ecs::lookup::{self, FoundCluster};
use crate::ecs::record::Cluster;
use crate::ecs::rules::cluster;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    settings: Vec<api::ClusterSetting>,
    cluster: FoundCluster,
}

/// Changes the settings of a cluster.
impl Resolve for api::UpdateClusterSettings {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, Some(&input.cluster))?;
        let permission = cluster.permission("ecs:UpdateClusterSettings");
        Ok(Checked::one(Request { settings: input.settings, cluster }, permission))
    }
}

impl WriteHandler for api::UpdateClusterSettings {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { settings, cluster: found } = request.into_request();
        let row = Cluster { settings: cluster::settings(&settings)?, ..Cluster::clone(found.active()?) };
        let shown = [api::ClusterField::Settings, api::ClusterField::Tags];
        Ok(api::UpdateClusterSettingsResponse { cluster: Some(store(cx, tx, &row, &shown)?) })
    }
}
