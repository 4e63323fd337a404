//! Everything before the first container runs.

use std::sync::Arc;

use landfall_acs::{Desired, LaunchSheet, TaskPhase};
use landfall_image::Image;
use tokio::sync::watch::Receiver;

use super::report::{self, Ended};
use super::{Start, Task, launch, pull};

/// Starts a task. Credentials, pulls and waits for other containers give way to a stop; the start of a container does not.
pub(super) async fn start(task: &Arc<Task>, desired: &mut Receiver<Desired>) -> Start {
    task.parts.control.report(report::empty(task, TaskPhase::Pending)).await;
    let prepared = tokio::select! {
        prepared = prepare(task) => prepared,
        () = until_stopped(desired) => return Start::Cancelled,
    };
    let (sheet, images) = match prepared {
        Ok(prepared) => prepared,
        Err(ended) => return Start::Failed(ended),
    };
    launch::containers(task, sheet, images, desired).await
}

async fn prepare(task: &Task) -> Result<(LaunchSheet, Vec<Image>), Ended> {
    let sheet = task.parts.control.prepare(task.arn()).await;
    let sheet = sheet.map_err(Ended::from)?;
    let images = pull::images(task, &sheet).await?;
    Ok((sheet, images))
}

/// Returns once the task is to stop.
pub(super) async fn until_stopped(desired: &mut Receiver<Desired>) {
    if desired.wait_for(|desired| *desired == Desired::Stopped).await.is_err() {
        // Nobody is there any more to say so: the server is stopping and the task goes on.
        std::future::pending::<()>().await;
    }
}
