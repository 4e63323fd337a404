//! One driver for each assignment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_acs::{Assignment, Desired};
use landfall_runtime::{Inventory, SandboxId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Parts;
use crate::task::{self, names};

/// How long a lost wake-up may go unnoticed.
const PERIOD: Duration = Duration::from_secs(15);

struct Driver {
    desired: watch::Sender<Desired>,
    work: JoinHandle<()>,
}

/// Keeps a driver for every assignment until `stop` completes.
pub(crate) async fn run(parts: &Arc<Parts>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut drivers = HashMap::new();
    remove_orphans(parts, &parts.control.assignments().await).await;
    loop {
        let assignments = parts.control.assignments().await;
        reconcile(parts, &mut drivers, assignments);
        tokio::select! {
            () = parts.control.changed() => {}
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => break,
        }
    }
    // Containers belong to their shims: to drop the drivers leaves them running.
    drivers.values().for_each(|driver: &Driver| driver.work.abort());
}

fn reconcile(parts: &Arc<Parts>, drivers: &mut HashMap<String, Driver>, assignments: Vec<Assignment>) {
    drivers.retain(|_, driver| !driver.work.is_finished());
    for assignment in assignments {
        match drivers.get(&assignment.task_arn) {
            Some(driver) => {
                let wanted = assignment.desired;
                driver.desired.send_if_modified(|desired| std::mem::replace(desired, wanted) != wanted);
            }
            None => {
                let (desired, told) = watch::channel(assignment.desired);
                let arn = assignment.task_arn.clone();
                let work = tokio::spawn(task::drive(Arc::clone(parts), assignment, told));
                drivers.insert(arn, Driver { desired, work });
            }
        }
    }
}

/// Takes away what no assignment stands for: left by a server that was killed between the end of a task and its clean-up.
async fn remove_orphans(parts: &Arc<Parts>, assignments: &[Assignment]) {
    let known: Vec<SandboxId> = assignments.iter().filter_map(|it| names::sandbox(&it.task_id)).collect();
    let parts = Arc::clone(parts);
    let removed = tokio::task::spawn_blocking(move || {
        let Inventory { sandboxes, containers } = parts.runtime.list()?;
        for container in containers.iter().filter(|it| !known.contains(&it.sandbox)) {
            parts.runtime.remove_container(&container.id)?;
        }
        for sandbox in sandboxes.iter().filter(|it| !known.contains(&it.id)) {
            parts.runtime.remove_sandbox(&sandbox.id)?;
        }
        Ok::<_, landfall_runtime::RuntimeError>(())
    });
    match removed.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what an earlier run left could not be removed"),
        Err(error) => tracing::error!(%error, "looking for leftovers failed"),
    }
}
