//! `DescribeTaskStart`: how a task stands and every step of its start, with what decided it.

use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_base::Arn;
use landfall_store::View;

use crate::ecs::agent::pull_progress;
use crate::ecs::launch::trace;
use crate::ecs::names::{DEFAULT_CLUSTER, Home};
use crate::ecs::record::{TASKS, Task};
use crate::landfall::steps::{self, pull};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::DescribeTaskStart {
    type Request = Checked<Option<Arc<Task>>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (cluster, id, arn) = named(cx, &input);
        let task = view.get(&TASKS, &(cx.account(), cx.region(), cluster.as_str(), id.as_str()))?;
        let task = task.filter(|task| task.arn == arn.as_str());
        let tags = task.iter().flat_map(|task| &task.tags).map(|(key, value)| (key.as_str(), value.as_str()));
        let cluster = Home { account: cx.account(), region: cx.region() }.cluster(&cluster);
        let permission = Permission::on("landfall:DescribeTaskStart", &arn)
            .with("ecs:cluster", cluster.as_str())
            .with_resource_tags(tags);
        Ok(Checked::one(task, permission))
    }
}

/// Cluster, id and ARN of the task that is meant: an ARN says it all, an id lies in the cluster that is named by name or
/// ARN.
fn named(cx: &Context<'_>, input: &api::DescribeTaskStartRequest) -> (String, String, Arn) {
    if let Ok(arn) = input.task.parse::<Arn>() {
        let path = arn.resource().strip_prefix("task/").unwrap_or_default();
        let (cluster, id) = path.split_once('/').unwrap_or(("", path));
        return (cluster.to_owned(), id.to_owned(), arn);
    }
    let cluster = input.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER);
    let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
    let arn = Home { account: cx.account(), region: cx.region() }.task(cluster, &input.task);
    (cluster.to_owned(), input.task.clone(), arn)
}

impl ReadHandler for api::DescribeTaskStart {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let task = request.into_request().ok_or_else(|| {
            api::error::resource_not_found_exception(
                "The task was not found: stopped tasks are kept for a limited time.",
            )
        })?;
        start_of(view, &task)
    }
}

/// How a task stands and was started.
pub(super) fn start_of(view: &View, task: &Task) -> Result<api::DescribeTaskStartResponse, Failure> {
    let home = Home { account: &task.account, region: &task.region };
    let trace = trace::read(view, &task.arn)?;
    Ok(api::DescribeTaskStartResponse {
        task_arn: task.arn.clone(),
        task_definition_arn: Some(home.task_definition(&task.family, task.revision).to_string()),
        last_status: status(task),
        stop_code: task.stop_code.clone(),
        stopped_reason: task.stopped_reason.clone(),
        finding: trace.iter().find_map(|step| steps::finding(step)),
        steps: trace.iter().map(|step| steps::step(step)).collect(),
        pull: pull_progress(&task.arn).map(pull),
    })
}

/// `lastStatus` as the API has it, which is also how rows have it.
fn status(task: &Task) -> String {
    let name = serde_json::to_value(task.last_status).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
