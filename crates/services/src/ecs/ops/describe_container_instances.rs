use std::sync::Arc;

use landfall_acs::LaunchKind;
use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use super::describe_clusters::missing;
use super::run_task::demands_on_this_machine;
use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::names::PartRef;
use crate::ecs::record::Task;
use crate::ecs::{machine, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    cluster: FoundCluster,
    instances: Vec<PartRef>,
}

/// Describes container instances: this machine, with what is left of it.
impl Resolve for api::DescribeContainerInstances {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.container_instances.is_empty() {
            return Err(error::invalid_parameter_exception("Container instances cannot be empty.").into());
        }
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let named = |text: &String| home(cx).part_named("container-instance", &cluster.reference, text);
        let instances: Vec<PartRef> = input.container_instances.iter().map(named).collect();
        let permission = |it: &PartRef| {
            Permission::on("ecs:DescribeContainerInstances", &it.arn)
                .with("ecs:cluster", cluster.reference.arn.as_str())
        };
        let permissions = instances.iter().map(permission).collect();
        Ok(Checked::all(Request { cluster, instances }, permissions))
    }
}

impl ReadHandler for api::DescribeContainerInstances {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { cluster, instances } = &request.request;
        let (home, cluster) = (home(cx), cluster.any()?);
        let id = machine::instance_id(home, &cluster.name);
        let (own, others): (Vec<_>, Vec<_>) = instances.iter().partition(|it| it.id.as_ref() == Some(&id));
        let tasks = lookup::tasks(view, home, &cluster.name)?;
        let tasks: Vec<Arc<Task>> = tasks.into_iter().filter(|it| it.launch != LaunchKind::Fargate).collect();
        let there = demands_on_this_machine(view)?;
        let shown = || view::container_instance(cluster, home, view::counts(&tasks), &there);
        Ok(api::DescribeContainerInstancesResponse {
            container_instances: Some(own.iter().map(|_| shown()).collect()),
            failures: Some(others.iter().map(|it| missing(it.arn.as_str())).collect()),
        })
    }
}
