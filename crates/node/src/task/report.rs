//! What the control plane is told.

use landfall_acs::{
    ContainerReport, ContainerState, ImageReport, NetworkBinding, Protocol, StartFailure, TaskPhase,
    TaskReport,
};
use landfall_base::Timestamp;
use landfall_runtime::{ContainerStatus, PortBinding};

use super::Task;

/// Why and how a task ended, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// The task's own reason.
    pub(crate) reason: Option<String>,
    /// Reasons of containers, by name.
    pub(crate) container_reasons: Vec<(String, String)>,
    /// When the first essential container ended.
    pub(crate) execution_stopped_at: Option<Timestamp>,
}

impl Ended {
    /// The whole task failed.
    pub(crate) fn task(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }

    /// A container failed before it ran.
    pub(crate) fn container(name: &str, reason: impl Into<String>) -> Self {
        Self { container_reasons: vec![(name.to_owned(), reason.into())], ..Self::default() }
    }
}

impl From<StartFailure> for Ended {
    /// The task's failure, or that of the containers that are named.
    fn from(StartFailure { reason, containers }: StartFailure) -> Self {
        if containers.is_empty() {
            return Self::task(reason);
        }
        let of = |name: String| (name, reason.clone());
        Self { container_reasons: containers.into_iter().map(of).collect(), ..Self::default() }
    }
}

/// A report that says nothing but the phase.
pub(crate) fn empty(task: &Task, phase: TaskPhase) -> TaskReport {
    TaskReport {
        task_arn: task.arn().to_owned(),
        phase,
        reason: None,
        containers: Vec::new(),
        private_address: None,
        mac_address: None,
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
    }
}

/// A container that has nothing to tell but its state.
pub(crate) fn container(name: &str, state: ContainerState) -> ContainerReport {
    ContainerReport {
        name: name.to_owned(),
        state,
        exit_code: None,
        reason: None,
        image: None,
        runtime_id: None,
        health: None,
        network_bindings: Vec::new(),
    }
}

/// A container whose image was resolved.
pub(crate) fn resolved(name: &str, digest: String) -> ContainerReport {
    ContainerReport { image: Some(ImageReport { digest }), ..container(name, ContainerState::Pending) }
}

/// A container that is over, or was never there.
pub(crate) fn over(name: &str, status: Option<&ContainerStatus>, reason: Option<String>) -> ContainerReport {
    let mut report = container(name, ContainerState::Stopped);
    report.reason = reason;
    match status {
        Some(ContainerStatus::Exited { code, oom_killed, .. }) => {
            report.exit_code = Some(*code);
            if *oom_killed {
                report.reason = Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
            }
        }
        Some(ContainerStatus::Lost) => {
            report.reason.get_or_insert_with(|| {
                "ContainerVanishedError: No container matching saved ID found".to_owned()
            });
        }
        _ => {}
    }
    report
}

/// When a container's program ended.
pub(crate) fn finished_at(status: Option<&ContainerStatus>) -> Option<Timestamp> {
    match status {
        Some(ContainerStatus::Exited { finished_at, .. }) => Some(Timestamp::from_millis(*finished_at)),
        _ => None,
    }
}

/// Published ports, as ECS tells them.
pub(crate) fn bindings(ports: &[PortBinding]) -> Vec<NetworkBinding> {
    let binding = |port: &PortBinding| NetworkBinding {
        bind_ip: port.host_ip.to_string(),
        container_port: port.container_port,
        host_port: port.host_port,
        protocol: match port.protocol {
            landfall_runtime::Protocol::Tcp => Protocol::Tcp,
            landfall_runtime::Protocol::Udp => Protocol::Udp,
        },
    };
    ports.iter().map(binding).collect()
}
