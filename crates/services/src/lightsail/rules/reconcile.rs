//! What has to be done next for a service: from what is wanted and what is there to a list of actions. Pure; carrying them
//! out and deciding again ends in the right state, wherever it was broken off.

use landfall_base::Timestamp;

use crate::lightsail::record::{Change, Service};

/// How long a change of a service takes at least, in seconds: clients that wait for the transition must see it.
pub const SETTLE_SECONDS: i64 = 2;
/// How long a node may take no new requests before it is stopped whatever it still does, in seconds.
const DRAIN_LIMIT_SECONDS: i64 = 60;
/// How long a node goes on at least after it was taken out, in seconds.
const DRAIN_SECONDS: i64 = 2;
/// How long a node that has just begun to run may fail its checks, in seconds.
const START_GRACE_SECONDS: i64 = 60;
/// How long nodes may take to become healthy from the moment they run, in seconds.
const ACTIVATION_LIMIT_SECONDS: i64 = 600;
/// How long a node of the next deployment may take until its containers run, in seconds: images may be large.
const START_LIMIT_SECONDS: i64 = 1800;
/// How long a deployment is shown as being activated at least, in seconds.
const ACTIVATING_SECONDS: i64 = 1;
/// How long a node of the next deployment must have run if no health check tells whether it works, in seconds: containers that
/// end right after their start must not take the place of those that serve.
const STAY_SECONDS: i64 = 5;
/// How long to wait before a node that ended is replaced, in seconds.
const REPLACE_AFTER_SECONDS: i64 = 5;

/// A node as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    /// Its id.
    pub id: String,
    /// Its deployment.
    pub version: u32,
    /// Its generation.
    pub generation: u32,
    /// When it was started.
    pub started_at: Timestamp,
    /// The role that it was started with.
    pub role: String,
    /// How its containers stand.
    pub life: Life,
    /// Its containers are over and cleaned up.
    pub gone: bool,
    /// What the health checks say.
    pub health: Health,
    /// Takes no new requests since then.
    pub draining_since: Option<Timestamp>,
    /// Was told to stop.
    pub stopping: bool,
    /// Requests that it is working on.
    pub in_flight: usize,
}

/// How the containers of a node stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// Being started.
    Starting,
    /// All run since then.
    Running(Timestamp),
    /// Over; why.
    Ended(String),
}

/// What the health checks of a node say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing yet.
    Unknown,
    /// Enough successes in a row.
    Healthy,
    /// Enough failures in a row.
    Unhealthy,
}

/// What is known of a service beside its row.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its nodes.
    pub nodes: Vec<NodeFacts>,
    /// The current deployment has a public endpoint.
    pub current_has_endpoint: bool,
    /// The next deployment has one.
    pub next_has_endpoint: bool,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The service has been created.
    FinishCreating,
    /// The service has been updated.
    FinishUpdating,
    /// Make the role that pulls images.
    MakePuller,
    /// Take its permissions away from the role that pulls images.
    RetirePuller,
    /// Remove a retired role.
    RemovePuller(String),
    /// Start a node of a deployment.
    StartNode(u32),
    /// Take a node out of the public endpoint.
    DrainNode(String),
    /// Stop a node's containers.
    StopNode(String),
    /// A node is over: forget it.
    ForgetNode(String),
    /// All nodes of the next deployment are ready.
    BeginActivating,
    /// The next deployment serves from now on.
    Activate(u32),
    /// The next deployment failed: why, and at which node.
    Fail(u32, String, Option<String>),
    /// Everything is gone: remove the service.
    Remove,
}

/// What has to be done now.
pub fn decide(service: &Service, facts: &Facts, now: Timestamp) -> Vec<Action> {
    let decision = Decision { service, facts, now };
    match service.change {
        Change::Deleting => decision.delete(),
        Change::Creating { since } if now < since.plus_seconds(SETTLE_SECONDS) => Vec::new(),
        Change::Creating { .. } if service.puller.wanted && service.puller.role.is_none() => {
            vec![Action::MakePuller]
        }
        Change::Creating { .. } => vec![Action::FinishCreating],
        Change::Updating { .. } | Change::None => decision.run(),
    }
}

struct Decision<'a> {
    service: &'a Service,
    facts: &'a Facts,
    now: Timestamp,
}

impl Decision<'_> {
    fn delete(&self) -> Vec<Action> {
        let mut actions = self.bury();
        let alive = self.facts.nodes.iter().filter(|node| node.is_alive());
        actions.extend(alive.filter(|node| !node.stopping).map(|node| Action::StopNode(node.id.clone())));
        if self.facts.nodes.is_empty() {
            if self.service.puller.role.is_some() {
                return vec![Action::RetirePuller];
            }
            actions.extend(self.service.puller.retired.iter().cloned().map(Action::RemovePuller));
            if actions.is_empty() {
                actions.push(Action::Remove);
            }
        }
        actions
    }

    fn run(&self) -> Vec<Action> {
        let mut actions = self.puller();
        if self.service.disabled {
            let alive = self.facts.nodes.iter().filter(|node| node.is_alive() && !node.stopping);
            actions.extend(alive.map(|node| Action::StopNode(node.id.clone())));
        } else {
            actions.extend(self.deploy());
            actions.extend(self.keep());
            actions.extend(self.drain());
        }
        actions.extend(self.bury());
        if actions.is_empty() && self.is_updated() {
            actions.push(Action::FinishUpdating);
        }
        actions
    }

    /// The role that pulls images: there or not, as is wanted.
    fn puller(&self) -> Vec<Action> {
        let puller = &self.service.puller;
        let mut actions = match (puller.wanted, &puller.role) {
            (true, None) => vec![Action::MakePuller],
            (false, Some(_)) => vec![Action::RetirePuller],
            _ => Vec::new(),
        };
        let unused = |role: &&String| !self.facts.nodes.iter().any(|node| node.role == **role);
        actions.extend(puller.retired.iter().filter(unused).cloned().map(Action::RemovePuller));
        actions
    }

    /// The next deployment on its way to serving.
    fn deploy(&self) -> Vec<Action> {
        let Some(version) = self.service.next else { return Vec::new() };
        let nodes: Vec<_> = self.facts.nodes.iter().filter(|node| node.version == version).collect();
        if let Some(failed) = nodes.iter().find_map(|node| self.failure(node)) {
            return vec![failed];
        }
        let missing = self.scale().saturating_sub(nodes.len());
        if missing > 0 {
            return vec![Action::StartNode(version); missing];
        }
        let ready = nodes.iter().filter(|node| self.is_proven(node)).count();
        match self.service.activating_since {
            _ if ready < self.scale() => Vec::new(),
            None => vec![Action::BeginActivating],
            Some(since) if self.now >= since.plus_seconds(ACTIVATING_SECONDS) => {
                vec![Action::Activate(version)]
            }
            Some(_) => Vec::new(),
        }
    }

    /// Why a node of the next deployment makes it fail.
    fn failure(&self, node: &NodeFacts) -> Option<Action> {
        let fail = |reason: String| Action::Fail(node.version, reason, Some(node.id.clone()));
        match &node.life {
            Life::Ended(reason) => Some(fail(reason.clone())),
            Life::Running(since) => {
                let beyond = |seconds| self.now >= since.plus_seconds(seconds);
                if self.facts.next_has_endpoint
                    && node.health == Health::Unhealthy
                    && beyond(START_GRACE_SECONDS)
                {
                    Some(fail("The health check of the public endpoint failed.".to_owned()))
                } else if !node.is_ready(self.facts.next_has_endpoint) && beyond(ACTIVATION_LIMIT_SECONDS) {
                    Some(fail("Took too long.".to_owned()))
                } else {
                    None
                }
            }
            Life::Starting if self.now >= node.started_at.plus_seconds(START_LIMIT_SECONDS) => {
                Some(fail("Took too long.".to_owned()))
            }
            Life::Starting => None,
        }
    }

    /// The current deployment: as many nodes as the scale says, of the newest generation.
    fn keep(&self) -> Vec<Action> {
        let Some(version) = self.service.current else { return Vec::new() };
        let of_current = |node: &&NodeFacts| node.version == version && node.serves();
        let (new, old): (Vec<_>, Vec<_>) = self
            .facts
            .nodes
            .iter()
            .filter(of_current)
            .partition(|node| node.generation == self.service.generation);
        let mut actions = Vec::new();
        let missing = self.scale().saturating_sub(new.len());
        let rested =
            self.service.node_ended_at.is_none_or(|at| self.now >= at.plus_seconds(REPLACE_AFTER_SECONDS));
        if missing > 0 && rested {
            actions.extend(vec![Action::StartNode(version); missing]);
        }
        let surplus = new.len().saturating_sub(self.scale());
        actions.extend(new.iter().rev().take(surplus).map(|node| Action::DrainNode(node.id.clone())));
        let ready = new.iter().filter(|node| node.is_ready(self.facts.current_has_endpoint)).count();
        if ready >= self.scale() {
            actions.extend(old.iter().map(|node| Action::DrainNode(node.id.clone())));
        }
        let sick = |node: &&&NodeFacts| {
            self.facts.current_has_endpoint
                && node.health == Health::Unhealthy
                && matches!(node.life, Life::Running(since) if self.now >= since.plus_seconds(START_GRACE_SECONDS))
        };
        // One at a time: a fault that they share must not take all of them away.
        if rested && surplus == 0 && missing == 0 {
            actions.extend(new.iter().filter(sick).take(1).map(|node| Action::DrainNode(node.id.clone())));
        }
        actions
    }

    /// Whether a node of the next deployment has shown that it works.
    fn is_proven(&self, node: &NodeFacts) -> bool {
        let has_endpoint = self.facts.next_has_endpoint;
        let has_stayed =
            matches!(node.life, Life::Running(since) if self.now >= since.plus_seconds(STAY_SECONDS));
        node.is_ready(has_endpoint) && (has_endpoint || has_stayed)
    }

    /// Nodes of deployments that neither serve nor are to serve are taken out, and stopped once they have nothing to do.
    fn drain(&self) -> Vec<Action> {
        let wanted = [self.service.current, self.service.next];
        let mut actions = Vec::new();
        for node in self.facts.nodes.iter().filter(|node| node.is_alive() && !node.stopping) {
            match node.draining_since {
                None if wanted.contains(&Some(node.version)) => {}
                None => actions.push(Action::DrainNode(node.id.clone())),
                Some(since) => {
                    let idle = node.in_flight == 0 && self.now >= since.plus_seconds(DRAIN_SECONDS);
                    if idle || self.now >= since.plus_seconds(DRAIN_LIMIT_SECONDS) {
                        actions.push(Action::StopNode(node.id.clone()));
                    }
                }
            }
        }
        actions
    }

    /// Nodes that are over are forgotten, but not before the deployment that they belong to has failed of them.
    fn bury(&self) -> Vec<Action> {
        let next = self.service.next.filter(|_| self.service.change != Change::Deleting);
        let over = self.facts.nodes.iter().filter(|node| node.gone && Some(node.version) != next);
        over.map(|node| Action::ForgetNode(node.id.clone())).collect()
    }

    fn is_updated(&self) -> bool {
        let Change::Updating { since } = self.service.change else { return false };
        let nodes_wanted =
            if self.service.disabled || self.service.current.is_none() { 0 } else { self.scale() };
        let of_current = |node: &&NodeFacts| {
            Some(node.version) == self.service.current
                && node.generation == self.service.generation
                && node.serves()
                && node.is_ready(self.facts.current_has_endpoint)
        };
        let nodes = self.facts.nodes.iter().filter(of_current).count();
        let settled = self.now >= since.plus_seconds(SETTLE_SECONDS);
        let stopped = !self.service.disabled || self.facts.nodes.is_empty();
        settled && stopped && (nodes >= nodes_wanted || self.nodes_cannot_be_had(since))
    }

    /// Nodes that an update takes end, or do not become healthy: the service goes on with those that it has, and with trying.
    /// It must not stay in a transition that takes no other change, which might be the one that helps.
    fn nodes_cannot_be_had(&self, since: Timestamp) -> bool {
        self.service.node_ended_at.is_some_and(|at| at >= since)
            || self.now >= since.plus_seconds(ACTIVATION_LIMIT_SECONDS)
    }

    fn scale(&self) -> usize {
        usize::try_from(self.service.scale).unwrap_or(usize::MAX)
    }
}

impl NodeFacts {
    /// Whether any of its containers may still run.
    pub fn is_alive(&self) -> bool {
        !matches!(self.life, Life::Ended(_))
    }

    /// Whether it may be given requests.
    pub fn serves(&self) -> bool {
        self.is_alive() && self.draining_since.is_none() && !self.stopping
    }

    /// Whether it runs and, with a public endpoint, is healthy.
    pub fn is_ready(&self, has_endpoint: bool) -> bool {
        matches!(self.life, Life::Running(_)) && (!has_endpoint || self.health == Health::Healthy)
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
