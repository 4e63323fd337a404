//! The nodes of a service as they stand: rows, the tasks behind them, and what the health checks say.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use landfall_store::{StoreError, View};

use super::record::{DEPLOYMENTS, NODES, Node, Service, ServiceKey};
use super::rules::health::Check;
use super::rules::reconcile::{Facts, Health, Life, NodeFacts};
use super::rules::state::Progress;
use crate::ecs::node::task_by_arn;
use crate::ecs::record::{Task, TaskStatus};

/// What is known of nodes by asking them; lost with the process and found out again.
#[derive(Debug, Default)]
pub struct HealthBoard(Mutex<HashMap<String, Condition>>);

#[derive(Debug, Clone, Copy)]
struct Condition {
    health: Health,
    in_flight: usize,
}

impl Default for Condition {
    fn default() -> Self {
        Self { health: Health::Unknown, in_flight: 0 }
    }
}

impl HealthBoard {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Condition>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the checks say of a node.
    pub fn health(&self, node: &str) -> Health {
        self.with(|all| all.get(node).map_or(Health::Unknown, |it| it.health))
    }

    /// Notes what the checks say; tells whether that is news.
    pub fn set_health(&self, node: &str, health: Health) -> bool {
        self.with(|all| {
            let it = all.entry(node.to_owned()).or_default();
            std::mem::replace(&mut it.health, health) != health
        })
    }

    /// Requests that a node is working on.
    pub fn in_flight(&self, node: &str) -> usize {
        self.with(|all| all.get(node).map_or(0, |it| it.in_flight))
    }

    /// A node was given a request.
    pub fn begin(&self, node: &str) {
        self.with(|all| all.entry(node.to_owned()).or_default().in_flight += 1);
    }

    /// A node has answered a request, or will not.
    pub fn end(&self, node: &str) {
        self.with(|all| {
            if let Some(it) = all.get_mut(node) {
                it.in_flight = it.in_flight.saturating_sub(1);
            }
        });
    }

    /// Forgets every node but these.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.with(|all| all.retain(|node, it| it.in_flight > 0 || known(node)));
    }
}

/// The nodes of a service with their rows.
pub(super) fn rows(view: &View, key: &ServiceKey) -> Result<Vec<(String, Node)>, StoreError> {
    let mut out = Vec::new();
    for row in view.scan(&NODES, (&key.0, &key.1, key.2.as_str())) {
        let ((.., id), node) = row?;
        out.push((id, Node::clone(&node)));
    }
    // In the order in which they were started: the newest go first when there are too many.
    out.sort_by_key(|(_, node)| node.started_at);
    Ok(out)
}

/// Everything that is decided upon.
pub(super) fn facts(
    view: &View,
    board: &HealthBoard,
    key: &ServiceKey,
    service: &Service,
) -> Result<Facts, StoreError> {
    let mut nodes = Vec::new();
    for (id, node) in rows(view, key)? {
        let task = task_by_arn(view, &node.task_arn)?;
        nodes.push(NodeFacts {
            life: life(task.as_deref()),
            gone: task.is_none_or(|task| task.last_status == TaskStatus::Stopped),
            health: board.health(&id),
            in_flight: board.in_flight(&id),
            version: node.version,
            generation: node.generation,
            started_at: node.started_at,
            role: node.role,
            draining_since: node.draining_since,
            stopping: node.stopping,
            id,
        });
    }
    Ok(Facts {
        nodes,
        current_has_endpoint: check(view, key, service.current)?.is_some(),
        next_has_endpoint: check(view, key, service.next)?.is_some(),
    })
}

/// How the next deployment is coming along, for `stateDetail`.
pub(super) fn progress(view: &View, key: &ServiceKey, service: &Service) -> Result<Progress, StoreError> {
    let Some(next) = service.next else { return Ok(Progress::default()) };
    let nodes = rows(view, key)?.into_iter().filter(|(_, node)| node.version == next);
    let mut running = 0;
    for (_, node) in nodes {
        let task = task_by_arn(view, &node.task_arn)?;
        running += u32::from(matches!(life(task.as_deref()), Life::Running(_)));
    }
    Ok(Progress { running: running >= service.scale, healthy: service.activating_since.is_some() })
}

/// How the containers of a node stand.
pub(super) fn life(task: Option<&Task>) -> Life {
    let Some(task) = task else { return Life::Ended("The node is gone.".to_owned()) };
    match task.last_status {
        TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating => Life::Starting,
        TaskStatus::Running => task.started_at.map_or(Life::Starting, Life::Running),
        _ => Life::Ended(ending(task)),
    }
}

/// Why the containers of a node ended: what kept the task from starting, or the container that ended first.
fn ending(task: &Task) -> String {
    let container = task.containers.iter().find_map(|it| match (&it.reason, it.exit_code) {
        (Some(reason), _) => Some(format!("Container `{}`: {reason}", it.name)),
        (None, Some(code)) => Some(format!("Container `{}` exited with code {code}.", it.name)),
        _ => None,
    });
    let own = task.stopped_reason.clone().filter(|reason| !reason.starts_with("Essential container"));
    own.or(container).unwrap_or_else(|| "The containers ended.".to_owned())
}

/// The health check of a deployment's public endpoint, if it has one.
pub(super) fn check(
    view: &View,
    key: &ServiceKey,
    version: Option<u32>,
) -> Result<Option<Check>, StoreError> {
    let Some(version) = version else { return Ok(None) };
    let row = view.get(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version))?;
    Ok(row.and_then(|row| Check::of(row.shown.public_endpoint.as_ref()?)))
}

/// The address of a node whose containers run.
pub(super) fn address(view: &View, node: &Node) -> Result<Option<IpAddr>, StoreError> {
    let task = task_by_arn(view, &node.task_arn)?;
    let running = task.filter(|task| task.last_status == TaskStatus::Running);
    Ok(running.and_then(|task| task.network.as_ref()?.private_address.as_ref()?.parse().ok()))
}
