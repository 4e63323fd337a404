//! Background work: what was decided for a service is carried out, in one transaction, and decided again.

use landfall_api::{ecs, lightsail::ContainerServiceDeploymentState as State, logs};
use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::{Tx, WriteError};

use super::nodes::{self, HealthBoard};
use super::record::{Change, DEPLOYMENTS, IMAGES, LABELS, NODES, SERVICES, Service, ServiceKey};
use super::rules::reconcile::{Action, Life, decide};
use super::{deploy, domains, images, metrics, names, owner};
use crate::ecs::node::task_by_arn;
use crate::pipe::{Failure, Installation};

/// How often a service is decided upon before others have their turn.
const ROUNDS: usize = 8;
/// A line for the log of a container.
struct Message {
    container: String,
    version: u32,
    text: String,
}

/// Brings every service nearer to what is wanted; `true` if there was something to do. Doing it twice does no harm.
pub fn reconcile(installation: &Installation, board: &HealthBoard) -> bool {
    let view = installation.store.view();
    let mut busy = false;
    for row in view.scan(&SERVICES, ()) {
        match row {
            Ok((key, _)) => busy |= service(installation, board, &key),
            Err(error) => tracing::error!(%error, "a container service cannot be read"),
        }
    }
    let view = installation.store.view();
    if let Ok(known) = view.list(&NODES, ()) {
        board.retain(|node| known.iter().any(|((.., id), _)| id == node));
    }
    busy
}

fn service(installation: &Installation, board: &HealthBoard, key: &ServiceKey) -> bool {
    let mut busy = false;
    for _ in 0..ROUNDS {
        let mut messages = Vec::new();
        let written = installation
            .store
            .write("container service", |tx| step(installation, board, tx, key, &mut messages));
        match written.map_err(WriteError::flatten) {
            Ok(0) => break,
            Ok(_) => busy = true,
            Err(failure) => {
                tracing::error!(service = %key.2, %failure, "a container service could not be brought on");
                break;
            }
        }
        for message in messages {
            if let Err(failure) = tell(installation, key, &message) {
                tracing::warn!(service = %key.2, %failure, "a message did not reach a container's log");
            }
        }
    }
    busy
}

fn step(
    installation: &Installation,
    board: &HealthBoard,
    tx: &mut Tx,
    key: &ServiceKey,
    messages: &mut Vec<Message>,
) -> Result<usize, Failure> {
    let Some(before) = tx.get(&SERVICES, key)? else { return Ok(0) };
    let now = installation.clock.now();
    let facts = nodes::facts(tx, board, key, &before)?;
    let actions = decide(&before, &facts, now);
    let mut work = Work { installation, tx, key, service: Service::clone(&before), now, messages };
    let mut done = 0;
    for action in actions {
        tracing::debug!(service = %key.2, ?action, "container service");
        done += 1;
        if !work.carry_out(action)? {
            break;
        }
    }
    let service = work.service;
    if tx.contains(&SERVICES, key) && service != *before {
        tx.put(&SERVICES, key, service);
    }
    Ok(done)
}

/// One service under work.
struct Work<'a> {
    installation: &'a Installation,
    tx: &'a mut Tx,
    key: &'a ServiceKey,
    service: Service,
    now: Timestamp,
    messages: &'a mut Vec<Message>,
}

impl Work<'_> {
    /// Carries an action out; `false` if what was decided after it may not hold any more.
    fn carry_out(&mut self, action: Action) -> Result<bool, Failure> {
        match action {
            Action::FinishCreating | Action::FinishUpdating => self.service.change = Change::None,
            Action::MakePuller => self.make_puller()?,
            Action::RetirePuller => self.retire_puller()?,
            Action::RemovePuller(role) => self.remove_puller(&role)?,
            Action::StartNode(version) => return self.start_node(version),
            Action::DrainNode(id) => {
                let now = self.now;
                let key = node_key(self.key, &id);
                self.tx.update(&NODES, &key, |node| node.draining_since = Some(now))?;
            }
            Action::StopNode(id) => self.stop_node(&id)?,
            Action::ForgetNode(id) => self.forget_node(&id)?,
            Action::BeginActivating => self.service.activating_since = Some(self.now),
            Action::Activate(version) => self.activate(version)?,
            Action::Fail(version, reason, node) => {
                self.fail(version, reason, node)?;
                return Ok(false);
            }
            Action::Remove => self.remove()?,
        }
        Ok(true)
    }

    fn make_puller(&mut self) -> Result<(), Failure> {
        let (account, region, name) = self.key;
        let path = format!("/amazon/lightsail/{region}/containers/{name}/private-repo-access/");
        let policy = owner::puller_policy(account, region);
        let role = names::random_label(54);
        self.service.puller.role =
            Some(owner::make_role(self.installation, self.tx, region, &path, &role, &policy)?);
        Ok(())
    }

    fn retire_puller(&mut self) -> Result<(), Failure> {
        if let Some(role) = self.service.puller.role.take() {
            owner::limit_role(
                self.installation,
                self.tx,
                &self.key.1,
                role_name(&role),
                &owner::retired_policy(),
            )?;
            self.service.puller.retired.push(role);
        }
        Ok(())
    }

    fn remove_puller(&mut self, role: &str) -> Result<(), Failure> {
        owner::remove_role(self.installation, self.tx, &self.key.1, role_name(role))?;
        self.service.puller.retired.retain(|other| other != role);
        Ok(())
    }

    fn start_node(&mut self, version: u32) -> Result<bool, Failure> {
        if self.service.next == Some(version) && self.service.change == Change::None {
            self.say_once(version)?;
        }
        let started =
            deploy::start_node(self.installation, self.tx, self.key, &mut self.service, version, self.now);
        match started {
            Ok(()) => {
                self.say(version, "Started 1 new node".to_owned())?;
                Ok(true)
            }
            Err(Failure::Service(error)) if self.service.next == Some(version) => {
                self.fail(version, error.message, None)?;
                Ok(false)
            }
            Err(Failure::Service(error)) => {
                tracing::warn!(service = %self.key.2, %error, "a node could not be started");
                self.service.node_ended_at = Some(self.now);
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The first line about a deployment.
    fn say_once(&mut self, version: u32) -> Result<(), Failure> {
        let begun = self.tx.list(&NODES, (&self.key.0, &self.key.1, self.key.2.as_str()))?;
        if begun.iter().all(|(_, node)| node.version != version) {
            self.say(version, "Creating your deployment".to_owned())?;
        }
        Ok(())
    }

    fn stop_node(&mut self, id: &str) -> Result<(), Failure> {
        let Some(node) = self.tx.get(&NODES, &node_key(self.key, id))? else { return Ok(()) };
        let input = ecs::StopTaskRequest {
            cluster: Some(owner::CLUSTER.to_owned()),
            task: node.task_arn.clone(),
            reason: Some("Stopped by Lightsail".to_owned()),
        };
        match owner::write::<ecs::StopTask>(self.installation, self.tx, &self.key.1, input) {
            // A task that is gone has stopped.
            Ok(_) | Err(Failure::Service(_)) => {}
            Err(failure) => return Err(failure),
        }
        self.tx.update(&NODES, &node_key(self.key, id), |node| node.stopping = true)?;
        Ok(())
    }

    fn forget_node(&mut self, id: &str) -> Result<(), Failure> {
        let Some(node) = self.tx.get(&NODES, &node_key(self.key, id))? else { return Ok(()) };
        if !node.stopping && self.service.current == Some(node.version) {
            self.service.node_ended_at = Some(self.now);
            if let Life::Ended(reason) = nodes::life(task_by_arn(self.tx, &node.task_arn)?.as_deref()) {
                self.say(node.version, reason)?;
            }
        }
        self.tx.delete(&NODES, &node_key(self.key, id));
        Ok(())
    }

    fn activate(&mut self, version: u32) -> Result<(), Failure> {
        let runs = nodes::rows(self.tx, self.key)?;
        if let Some((_, node)) = runs.iter().find(|(_, node)| node.version == version) {
            deploy::pin(self.tx, self.key, version, &node.task_arn)?;
        }
        if let Some(old) = self.service.current.replace(version) {
            deploy::change(self.tx, self.key, old, |row| row.shown.0.state = Some(State::Inactive))?;
        }
        (self.service.next, self.service.activating_since) = (None, None);
        deploy::change(self.tx, self.key, version, |row| row.shown.0.state = Some(State::Active))?;
        self.say(version, "Deployment is active".to_owned())
    }

    fn fail(&mut self, version: u32, reason: String, node: Option<String>) -> Result<(), Failure> {
        self.say(version, reason.clone())?;
        self.say(version, "Deployment failed".to_owned())?;
        (self.service.next, self.service.activating_since) = (None, None);
        deploy::change(self.tx, self.key, version, |row| {
            row.shown.0.state = Some(State::Failed);
            row.failure = Some(reason);
            row.failed_node = node;
        })
    }

    fn say(&mut self, version: u32, text: String) -> Result<(), Failure> {
        for container in deploy::containers(self.tx, self.key, version)? {
            self.messages.push(Message { container, version, text: text.clone() });
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<(), Failure> {
        let (account, region, name) = self.key;
        let place = (account, region, name.as_str());
        for (label, number, _) in images::list(self.tx, self.key)? {
            images::remove(self.tx, self.key, &label, number)?;
            self.tx.delete(&IMAGES, &(account, region, name.as_str(), label.as_str(), number));
        }
        for ((.., label), _) in self.tx.list(&LABELS, place)? {
            self.tx.delete(&LABELS, &(account, region, name.as_str(), label.as_str()));
        }
        for ((.., version), _) in self.tx.list(&DEPLOYMENTS, place)? {
            self.tx.delete(&DEPLOYMENTS, &(account, region, name.as_str(), version));
        }
        metrics::forget(self.tx, self.key, Timestamp::from_millis(i64::MAX))?;
        domains::strike(self.tx, self.key, &self.service);
        let group = logs::DeleteLogGroupRequest { log_group_name: owner::log_group(self.key) };
        match owner::write::<logs::DeleteLogGroup>(self.installation, self.tx, region, group) {
            Ok(_) | Err(Failure::Service(_)) => {}
            Err(failure) => return Err(failure),
        }
        self.tx.delete(&SERVICES, self.key);
        Ok(())
    }
}

/// Where a node's row is.
fn node_key<'k>(key: &'k ServiceKey, id: &'k str) -> (&'k AccountId, &'k Region, &'k str, &'k str) {
    (&key.0, &key.1, key.2.as_str(), id)
}

fn role_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// Writes a line into a container's log, where its output is too.
fn tell(installation: &Installation, key: &ServiceKey, message: &Message) -> Result<(), Failure> {
    let stream = format!("{}deployment-{}", owner::stream_prefix(&message.container), message.version);
    let written = installation.store.write("container service's log", |tx| {
        owner::ensure_log_group(installation, tx, key)?;
        let input = logs::CreateLogStreamRequest {
            log_group_name: owner::log_group(key),
            log_stream_name: stream.clone(),
        };
        match owner::write::<logs::CreateLogStream>(installation, tx, &key.1, input) {
            Err(Failure::Service(error)) if error.code == "ResourceAlreadyExistsException" => Ok(()),
            result => result.map(drop),
        }
    });
    written.map_err(WriteError::flatten)?;
    let event = logs::InputLogEvent {
        timestamp: installation.clock.now().millis(),
        message: format!("[deployment:{}] {}", message.version, message.text),
    };
    let input = logs::PutLogEventsRequest {
        log_group_name: owner::log_group(key),
        log_stream_name: stream,
        log_events: vec![event],
        ..Default::default()
    };
    owner::read::<logs::PutLogEvents>(installation, &installation.store.view(), &key.1, input).map(drop)
}
