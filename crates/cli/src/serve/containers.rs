//! The background work of container services: health checks, and bringing services on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use landfall_runtime::{NativeRuntime, Runtime};
use landfall_services::ecs::record::TASKS;
use landfall_services::lightsail::record::SERVICES;
use landfall_services::lightsail::{self, HealthBoard, Meter, Reading};
use landfall_services::pipe::Installation;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::server::stopped;

/// How often what is due by the clock is looked for.
const PERIOD: Duration = Duration::from_secs(1);

/// How often it is read what nodes use.
const METER_PERIOD: Duration = Duration::from_secs(30);

/// Reads what nodes use, until the server stops.
pub(super) async fn meter(
    installation: Arc<Installation>,
    runtime: Arc<NativeRuntime>,
    told: watch::Receiver<bool>,
) {
    let mut meter = Meter::default();
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        let (work, engine, mut taken) =
            (Arc::clone(&installation), Arc::clone(&runtime), std::mem::take(&mut meter));
        let done = tokio::task::spawn_blocking(move || {
            let noted = readings(&work, &engine)
                .and_then(|readings| taken.note(&work, readings).map_err(|failure| anyhow!("{failure}")));
            (taken, noted)
        });
        match done.await {
            Ok((back, noted)) => {
                meter = back;
                if let Err(error) = noted {
                    tracing::warn!(%error, "what container services use was not noted");
                }
            }
            Err(error) => tracing::error!(%error, "what container services use was not read"),
        }
        tokio::select! {
            () = tokio::time::sleep(METER_PERIOD) => {}
            () = &mut stop => return,
        }
    }
}

/// What every node uses: all its containers together.
fn readings(installation: &Installation, runtime: &NativeRuntime) -> anyhow::Result<Vec<Reading>> {
    let nodes = Meter::nodes(&installation.store.view()).map_err(|failure| anyhow!("{failure}"))?;
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let containers = runtime.list()?.containers;
    let reading = |node: String| {
        let mut sum = Reading { node, cpu_nanos: 0, memory_bytes: 0 };
        for container in containers.iter().filter(|it| it.sandbox.as_str() == sum.node) {
            // A container that has just ended uses nothing any more.
            let usage = runtime.usage(&container.id).unwrap_or_default();
            sum.cpu_nanos += usage.cpu_nanos;
            sum.memory_bytes += usage.memory_bytes;
        }
        sum
    };
    Ok(nodes.into_iter().map(reading).collect())
}

/// Starts the work; it ends with the server.
pub(super) fn spawn(
    installation: &Arc<Installation>,
    board: &Arc<HealthBoard>,
    told: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let news = Arc::new(Notify::new());
    let probes = landfall_edge::probe(
        Arc::clone(installation),
        Arc::clone(board),
        Arc::clone(&news),
        stopped(told.clone()),
    );
    let bringing_on = bring_on(Arc::clone(installation), Arc::clone(board), news, told.clone());
    vec![tokio::spawn(probes), tokio::spawn(bringing_on)]
}

async fn bring_on(
    installation: Arc<Installation>,
    board: Arc<HealthBoard>,
    news: Arc<Notify>,
    told: watch::Receiver<bool>,
) {
    let mut services = installation.store.changed(&SERVICES);
    let mut tasks = installation.store.changed(&TASKS);
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        let (work, health) = (Arc::clone(&installation), Arc::clone(&board));
        let done = tokio::task::spawn_blocking(move || lightsail::reconcile(&work, &health));
        if let Err(error) = done.await {
            tracing::error!(%error, "container services could not be brought on");
        }
        tokio::select! {
            _ = services.changed() => {}
            _ = tasks.changed() => {}
            () = news.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => return,
        }
    }
}
