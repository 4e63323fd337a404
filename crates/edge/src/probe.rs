//! Health checks: every node with a public endpoint is asked at its interval.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{Request, Uri};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use landfall_services::lightsail::HealthBoard;
use landfall_services::lightsail::endpoint::{Probe, probes};
use landfall_services::lightsail::rules::reconcile::Health;
use landfall_services::pipe::Installation;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How often new nodes are looked for.
const LOOK: Duration = Duration::from_millis(250);

/// How long a node may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(600);

type Asker = Client<HttpConnector, Empty<Bytes>>;

/// Checks nodes until `stop` completes; wakes `news` when a node's health changes.
pub async fn probe(
    installation: Arc<Installation>,
    board: Arc<HealthBoard>,
    news: Arc<Notify>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    let client: Asker = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let mut running: HashMap<String, (Probe, JoinHandle<()>)> = HashMap::new();
    loop {
        match probes(&installation.store.view()) {
            Ok(wanted) => adjust(&mut running, wanted, &client, &board, &news),
            Err(error) => tracing::error!(%error, "nodes cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = &mut stop => break,
        }
    }
    running.values().for_each(|(_, work)| work.abort());
}

fn adjust(
    running: &mut HashMap<String, (Probe, JoinHandle<()>)>,
    wanted: Vec<Probe>,
    client: &Asker,
    board: &Arc<HealthBoard>,
    news: &Arc<Notify>,
) {
    running.retain(|node, (probe, work)| {
        let keep = wanted.iter().any(|it| it.target.node == *node && it == probe);
        if !keep {
            work.abort();
        }
        keep
    });
    for probe in wanted {
        let node = probe.target.node.clone();
        running.entry(node).or_insert_with(|| {
            let work = watch(client.clone(), probe.clone(), Arc::clone(board), Arc::clone(news));
            (probe, tokio::spawn(work))
        });
    }
}

async fn watch(client: Asker, probe: Probe, board: Arc<HealthBoard>, news: Arc<Notify>) {
    let mut streak = Streak::default();
    let mut opening = Opening::default();
    let interval = Duration::from_secs(probe.check.interval_seconds.into());
    let began = Instant::now();
    loop {
        let found = ask(&client, &probe).await;
        let verdict = if opening.excuses(found, began.elapsed()) {
            None
        } else {
            let success = found == Found::Success;
            streak.after(success, probe.check.healthy_threshold, probe.check.unhealthy_threshold)
        };
        if let Some(health) = verdict
            && board.set_health(&probe.target.node, health)
        {
            tracing::debug!(node = probe.target.node, ?health, "a node's health has changed");
            news.notify_one();
        }
        // A node that is on its way up is asked more often: nobody gains by its waiting for a whole interval.
        let known = board.health(&probe.target.node) != Health::Unknown;
        tokio::time::sleep(if known { interval } else { interval.min(Duration::from_secs(1)) }).await;
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Success,
    /// Another status, or none in time.
    Failure,
    /// Nobody listens.
    Nobody,
}

/// Whether a node has opened its port yet.
#[derive(Debug, Default)]
struct Opening {
    done: bool,
}

impl Opening {
    /// Programs may take minutes until they listen. That is no failure of theirs as long as they may still be starting.
    fn excuses(&mut self, found: Found, waited: Duration) -> bool {
        self.done |= found != Found::Nobody || waited >= START_PATIENCE;
        !self.done
    }
}

async fn ask(client: &Asker, probe: &Probe) -> Found {
    let address = probe.target.address;
    let Ok(uri) = format!("http://{address}{}", probe.check.path).parse::<Uri>() else {
        return Found::Failure;
    };
    let request = Request::get(uri)
        .header(HOST, address.to_string())
        .header(USER_AGENT, "ELB-HealthChecker/2.0")
        .body(Empty::new());
    let Ok(request) = request else { return Found::Failure };
    let patience = Duration::from_secs(probe.check.timeout_seconds.into());
    match tokio::time::timeout(patience, client.request(request)).await {
        Ok(Ok(response)) if probe.check.is_success(response.status().as_u16()) => Found::Success,
        Ok(Err(error)) if error.is_connect() => Found::Nobody,
        _ => Found::Failure,
    }
}

/// Successes or failures in a row.
#[derive(Debug, Default)]
struct Streak {
    success: bool,
    length: u32,
}

impl Streak {
    /// Takes a result in; the verdict once enough of the same came in a row.
    fn after(&mut self, success: bool, healthy: u32, unhealthy: u32) -> Option<Health> {
        self.length = if self.success == success { self.length.saturating_add(1) } else { 1 };
        self.success = success;
        match success {
            true if self.length >= healthy => Some(Health::Healthy),
            false if self.length >= unhealthy => Some(Health::Unhealthy),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_unhealthy_who_does_not_listen_yet() {
        let seconds = Duration::from_secs;
        let mut opening = Opening::default();
        assert!(opening.excuses(Found::Nobody, seconds(1)) && opening.excuses(Found::Nobody, seconds(599)));
        assert!(!opening.excuses(Found::Nobody, seconds(600)), "not for ever");
        let mut opening = Opening::default();
        assert!(!opening.excuses(Found::Failure, seconds(1)), "it answers");
        assert!(!opening.excuses(Found::Nobody, seconds(2)), "and has gone again");
    }

    #[test]
    fn a_verdict_takes_several_results_in_a_row() {
        let mut streak = Streak::default();
        let results = [true, true, false, true, false, false, false];
        let verdicts: Vec<_> = results.into_iter().map(|it| streak.after(it, 2, 3)).collect();
        let (healthy, unhealthy) = (Some(Health::Healthy), Some(Health::Unhealthy));
        assert_eq!(verdicts, [None, healthy, None, None, None, None, unhealthy]);
    }
}
