use landfall_api::ecs::{self as api, error};
use landfall_store::{Tx, View};

use super::describe_tasks::permission;
use crate::ecs::lookup::{self, FoundCluster, FoundTask};
use crate::ecs::node::put_task;
use crate::ecs::record::Task;
use crate::ecs::rules::lifecycle;
use crate::ecs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Longest `reason` in characters.
const LONGEST_REASON: usize = 1024;

#[derive(Debug)]
pub struct Request {
    cluster: FoundCluster,
    task: FoundTask,
    reason: Option<String>,
}

/// Ends a task, whatever its state.
impl Resolve for api::StopTask {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.reason.as_deref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            return Err(
                error::invalid_parameter_exception("reason can not be longer than 1024 characters.").into()
            );
        }
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let task = lookup::task(cx, view, &cluster, &input.task)?;
        let permission = permission("ecs:StopTask", &cluster, &task);
        let reason = input.reason.filter(|reason| !reason.is_empty());
        Ok(Checked::one(Request { cluster, task, reason }, permission))
    }
}

impl WriteHandler for api::StopTask {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { cluster, task, reason } = request.into_request();
        cluster.any()?;
        let row = task
            .row
            .ok_or_else(|| error::invalid_parameter_exception("The referenced task was not found."))?;
        let mut row = Task::clone(&row);
        if lifecycle::stop(&mut row, reason.as_deref(), cx.now) {
            put_task(tx, &row);
        }
        Ok(api::StopTaskResponse { task: Some(view::task(&row, true)) })
    }
}
