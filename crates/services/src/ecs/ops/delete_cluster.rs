use landfall_api::ecs::{self as api, error};
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::record::{CLUSTERS, Cluster, TaskStatus};
use crate::ecs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Makes a cluster without tasks inactive. It can still be described.
impl Resolve for api::DeleteCluster {
    type Request = Checked<FoundCluster>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, Some(&input.cluster))?;
        let permission = cluster.permission("ecs:DeleteCluster");
        Ok(Checked::one(cluster, permission))
    }
}

impl WriteHandler for api::DeleteCluster {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let home = home(cx);
        let row = request.request.any()?;
        let tasks = lookup::tasks(tx, home, &row.name)?;
        if tasks.iter().any(|task| task.last_status != TaskStatus::Stopped) {
            let text = "The Cluster cannot be deleted while Tasks are active.";
            return Err(error::cluster_contains_tasks_exception(text).into());
        }
        let row = Cluster { active: false, ..Cluster::clone(row) };
        tx.put(&CLUSTERS, &(home.account, home.region, row.name.as_str()), &row);
        let shown = [api::ClusterField::Settings, api::ClusterField::Tags];
        let cluster = view::cluster(&row, home, view::Counts::default(), &shown);
        Ok(api::DeleteClusterResponse { cluster: Some(cluster) })
    }
}
