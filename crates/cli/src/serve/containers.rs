//! The background work of container services: health checks, and bringing services on.

use std::sync::Arc;
use std::time::Duration;

use landfall_services::ecs::record::TASKS;
use landfall_services::lightsail::record::SERVICES;
use landfall_services::lightsail::{self, HealthBoard};
use landfall_services::pipe::Installation;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::server::stopped;

/// How often what is due by the clock is looked for.
const PERIOD: Duration = Duration::from_secs(1);

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
