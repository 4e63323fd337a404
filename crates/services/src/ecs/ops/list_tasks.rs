use landfall_acs::Desired;
use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::names::PartRef;
use crate::ecs::page::{Order, page};
use crate::ecs::record::Task;
use crate::ecs::view::launch_type;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    input: api::ListTasksRequest,
    cluster: FoundCluster,
    instance: Option<PartRef>,
}

/// Lists tasks of a cluster, by default those that should run.
impl Resolve for api::ListTasks {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let home = home(cx);
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let given = input.container_instance.as_deref();
        let instance = given.map(|text| home.part_named("container-instance", &cluster.reference, text));
        let resource = match (&instance, &cluster.reference.name) {
            (Some(instance), _) => instance.arn.clone(),
            (None, Some(name)) => home.container_instance(name, "*"),
            (None, None) => cluster.reference.arn.clone(),
        };
        let permission =
            Permission::on("ecs:ListTasks", &resource).with("ecs:cluster", cluster.reference.arn.as_str());
        Ok(Checked::one(Request { input, cluster, instance }, permission))
    }
}

impl ReadHandler for api::ListTasks {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, cluster, instance } = &request.request;
        let cluster = cluster.any()?;
        if input.service_name.is_some() {
            return Err(error::service_not_found_exception("Service not found.").into());
        }
        let tasks = lookup::tasks(view, home(cx), &cluster.name)?;
        let kept = tasks.into_iter().filter(|task| wanted(input, instance.as_ref(), task));
        let arns: Vec<String> = kept.map(|task| task.arn.clone()).collect();
        let page =
            page(arns, Clone::clone, Order::Ascending, input.next_token.as_deref(), input.max_results)?;
        Ok(api::ListTasksResponse { task_arns: Some(page.items), next_token: page.next_token })
    }
}

fn wanted(input: &api::ListTasksRequest, instance: Option<&PartRef>, task: &Task) -> bool {
    let status = match &input.desired_status {
        None | Some(api::DesiredStatus::Running) => task.desired == Desired::Running,
        Some(api::DesiredStatus::Stopped) => task.desired == Desired::Stopped,
        // ECS never sets the desired status to PENDING (API reference, ListTasks).
        Some(_) => false,
    };
    status
        && input.family.as_ref().is_none_or(|family| *family == task.family)
        && input.started_by.as_ref().is_none_or(|by| Some(by) == task.started_by.as_ref())
        && input.launch_type.as_ref().is_none_or(|it| *it == launch_type(task.launch))
        && instance.is_none_or(|it| it.id.is_some() && it.id == task.container_instance)
}
