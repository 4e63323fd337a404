use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::machine;
use crate::ecs::page::{Order, page};
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    input: api::ListContainerInstancesRequest,
    cluster: FoundCluster,
}

/// Lists the container instances of a cluster: this machine.
impl Resolve for api::ListContainerInstances {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let permission = cluster.permission("ecs:ListContainerInstances");
        Ok(Checked::one(Request { input, cluster }, permission))
    }
}

impl ReadHandler for api::ListContainerInstances {
    fn run(
        cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, cluster } = &request.request;
        let cluster = cluster.any()?;
        if input.filter.as_deref().is_some_and(|filter| !filter.is_empty()) {
            let text = "Landfall does not evaluate `filter` yet. Remove it from the request.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let home = home(cx);
        let shown =
            cluster.active && matches!(input.status, None | Some(api::ContainerInstanceStatus::Active));
        let id = machine::instance_id(home, &cluster.name);
        let own = shown.then(|| home.container_instance(&cluster.name, &id).to_string());
        let page = page(
            own.into_iter().collect(),
            Clone::clone,
            Order::Ascending,
            input.next_token.as_deref(),
            input.max_results,
        )?;
        Ok(api::ListContainerInstancesResponse {
            container_instance_arns: Some(page.items),
            next_token: page.next_token,
        })
    }
}
