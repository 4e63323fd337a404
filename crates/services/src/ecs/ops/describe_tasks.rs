use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use super::describe_clusters::missing;
use crate::ecs::lookup::{self, FoundCluster, FoundTask, with_tags};
use crate::ecs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    cluster: FoundCluster,
    tasks: Vec<FoundTask>,
    with_tags: bool,
}

/// Describes tasks. Stopped ones can be described for an hour.
impl Resolve for api::DescribeTasks {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.tasks.is_empty() {
            return Err(error::invalid_parameter_exception("Tasks cannot be empty.").into());
        }
        if input.tasks.len() > 100 {
            return Err(
                error::invalid_parameter_exception("Tasks cannot have more than 100 elements.").into()
            );
        }
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let found = input.tasks.iter().map(|text| lookup::task(cx, view, &cluster, text));
        let tasks = found.collect::<Result<Vec<_>, _>>()?;
        let permissions = tasks.iter().map(|task| permission("ecs:DescribeTasks", &cluster, task)).collect();
        let with_tags = input.include.iter().flatten().any(|it| *it == api::TaskField::Tags);
        Ok(Checked::all(Request { cluster, tasks, with_tags }, permissions))
    }
}

/// The check of an action on a task.
pub(super) fn permission(action: &'static str, cluster: &FoundCluster, task: &FoundTask) -> Permission {
    let permission =
        Permission::on(action, &task.reference.arn).with("ecs:cluster", cluster.reference.arn.as_str());
    match &task.row {
        Some(row) => with_tags(permission, &row.tags),
        None => permission,
    }
}

impl ReadHandler for api::DescribeTasks {
    fn run(
        _cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { cluster, tasks, with_tags } = &request.request;
        cluster.any()?;
        let gone = tasks.iter().filter(|task| task.row.is_none());
        Ok(api::DescribeTasksResponse {
            tasks: Some(tasks.iter().flat_map(|it| &it.row).map(|row| view::task(row, *with_tags)).collect()),
            failures: Some(gone.map(|task| missing(task.reference.arn.as_str())).collect()),
        })
    }
}
