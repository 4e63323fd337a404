use landfall_api::ecs::{self as api, error};
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::record::{CLUSTERS, Cluster};
use crate::ecs::rules::cluster;
use crate::ecs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    input: api::UpdateClusterRequest,
    cluster: FoundCluster,
}

/// Changes settings and configuration of a cluster; what the request leaves out stays.
impl Resolve for api::UpdateCluster {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, Some(&input.cluster))?;
        let permission = cluster.permission("ecs:UpdateCluster");
        Ok(Checked::one(Request { input, cluster }, permission))
    }
}

impl WriteHandler for api::UpdateCluster {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, cluster: found } = request.into_request();
        let mut row = Cluster::clone(found.active()?);
        if input.service_connect_defaults.is_some() {
            return Err(error::namespace_not_found_exception("The specified namespace was not found.").into());
        }
        if let Some(settings) = &input.settings {
            row.settings = cluster::settings(settings)?;
        }
        if let Some(configuration) = &input.configuration {
            row.configuration = Some(cluster::configuration(configuration).map_err(Failure::internal)?);
        }
        let shown = [api::ClusterField::Settings, api::ClusterField::Configurations, api::ClusterField::Tags];
        Ok(api::UpdateClusterResponse { cluster: Some(store(cx, tx, &row, &shown)?) })
    }
}

/// Stores a changed cluster and shows it.
pub(super) fn store(
    cx: &Context<'_>,
    tx: &mut Tx,
    row: &Cluster,
    shown: &[api::ClusterField],
) -> Result<api::Cluster, Failure> {
    let home = home(cx);
    tx.put(&CLUSTERS, &(home.account, home.region, row.name.as_str()), row);
    let counts = view::counts(&lookup::tasks(tx, home, &row.name)?);
    Ok(view::cluster(row, home, counts, shown))
}
