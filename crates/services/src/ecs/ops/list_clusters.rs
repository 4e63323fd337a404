use landfall_api::ecs as api;
use landfall_store::View;

use crate::ecs::lookup::home;
use crate::ecs::page::{Order, page};
use crate::ecs::record::CLUSTERS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Lists the active clusters.
impl Resolve for api::ListClusters {
    type Request = Checked<api::ListClustersRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("ecs:ListClusters")))
    }
}

impl ReadHandler for api::ListClusters {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (home, input) = (home(cx), &request.request);
        let rows = view.list(&CLUSTERS, (home.account, home.region))?;
        let active = rows.into_iter().filter(|(_, row)| row.active);
        let arns: Vec<String> = active.map(|(_, row)| home.cluster(&row.name).to_string()).collect();
        let page =
            page(arns, Clone::clone, Order::Ascending, input.next_token.as_deref(), input.max_results)?;
        Ok(api::ListClustersResponse { cluster_arns: Some(page.items), next_token: page.next_token })
    }
}
