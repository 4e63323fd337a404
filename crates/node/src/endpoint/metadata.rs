//! The task metadata endpoint, versions 3 and 4: a task and its containers as JSON, in the container agent's form.

use std::sync::{Arc, PoisonError};

use landfall_acs::{
    ContainerAssignment, ContainerMetadata, ContainerState, Desired, Health, LaunchKind, NetworkMode,
    TaskMetadata,
};
use landfall_base::Timestamp;
use landfall_runtime::{ContainerStatus, ContainerSummary, Sandbox};
use serde_json::{Map, Value, json};

use super::stats::{self, Sample};
use crate::task::{Task, names};

/// What only version 4 tells.
const ONLY_V4: [&str; 9] = [
    "ContainerARN",
    "LogDriver",
    "LogOptions",
    "LaunchType",
    "ServiceName",
    "Snapshotter",
    "EphemeralStorageMetrics",
    "Group",
    "RestartCount",
];

/// What is known of a task, from both sides.
pub(super) struct Facts {
    pub(super) task: Arc<Task>,
    pub(super) told: TaskMetadata,
    pub(super) sandbox: Option<Sandbox>,
    pub(super) containers: Vec<ContainerSummary>,
    /// What those use that run, by the runtime's name.
    pub(super) samples: Vec<(String, Sample)>,
    pub(super) version: u8,
}

impl Facts {
    /// The whole task.
    pub(super) fn task(&self, with_tags: bool) -> Value {
        let (assignment, told) = (&self.task.assignment, &self.told);
        let fargate = assignment.launch == LaunchKind::Fargate;
        let cluster = match assignment.cluster_arn.rsplit_once('/') {
            Some((_, name)) if !fargate => name,
            _ => &assignment.cluster_arn,
        };
        let containers: Vec<Value> =
            assignment.containers.iter().filter_map(|container| self.container(container)).collect();
        let mut all = Document::default();
        all.set("Cluster", cluster);
        all.set("TaskARN", self.task.arn());
        all.set("Family", assignment.family.as_str());
        all.set("Revision", assignment.revision.to_string());
        all.some("ServiceName", told.service_name.as_deref());
        all.set("Group", told.group.as_str());
        all.set("DesiredStatus", desired(told.desired));
        all.set("KnownStatus", told.known_status.as_str());
        all.set_some(
            "Limits",
            limits(assignment.cpu.map(|units| f64::from(units) / 1024.0), assignment.memory),
        );
        all.time("PullStartedAt", told.pull_started_at);
        all.time("PullStoppedAt", told.pull_stopped_at);
        all.time("ExecutionStoppedAt", told.execution_stopped_at);
        all.set("AvailabilityZone", told.availability_zone.as_str());
        let launch = match assignment.launch {
            LaunchKind::Fargate => "FARGATE",
            LaunchKind::Ec2 => "EC2",
            LaunchKind::External => "EXTERNAL",
        };
        all.set("LaunchType", launch);
        all.set("Containers", containers);
        if with_tags && !told.tags.is_empty() {
            let tags: Map<String, Value> =
                told.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            all.set("TaskTags", tags);
        }
        all.finish(self.version)
    }

    /// One container; `None` if the control plane does not know it.
    pub(super) fn container(&self, container: &ContainerAssignment) -> Option<Value> {
        let told = self.told.containers.iter().find(|it| it.name == container.name)?;
        let own = names::container(&self.task.assignment.task_id, &container.name)?;
        let found = self.containers.iter().find(|it| it.id == own);
        let mut all = Document::default();
        all.set("DockerId", own.as_str());
        all.set("Name", container.name.as_str());
        all.set("DockerName", self.docker_name(container));
        all.set("Image", container.image.as_str());
        all.some("ImageID", told.image_digest.as_deref());
        all.set_some("Ports", self.ports(container, told));
        all.set("Labels", self.labels(container, told));
        all.set("DesiredStatus", desired(self.told.desired));
        all.set("KnownStatus", state(told.state));
        all.set_some("ExitCode", told.exit_code.map(Value::from));
        all.set_some("Limits", limits(Some(container.cpu.max(2).into()), container.memory));
        all.time("CreatedAt", found.map(|it| Timestamp::from_millis(it.created_at)));
        all.time("StartedAt", found.and_then(|it| it.started_at).map(Timestamp::from_millis));
        if let Some(ContainerStatus::Exited { finished_at, .. }) = found.map(|it| &it.status) {
            all.time("FinishedAt", Some(Timestamp::from_millis(*finished_at)));
        }
        all.set("Type", "NORMAL");
        all.set_some("Health", self.health(container));
        all.set_some("Volumes", self.volumes(container));
        if let Some((driver, options)) = &told.log {
            all.set("LogDriver", driver.as_str());
            let options: Map<String, Value> =
                options.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            all.set("LogOptions", options);
        }
        all.set("ContainerARN", told.arn.as_str());
        all.set("Networks", vec![self.network()]);
        if self.task.assignment.launch == LaunchKind::Fargate {
            all.set("Snapshotter", "overlayfs");
        }
        Some(all.finish(self.version))
    }

    /// What the task's containers use, by the runtime's name; nothing for those that do not run.
    pub(super) fn task_stats(&self) -> Value {
        let all = self.task.assignment.containers.iter().filter_map(|container| {
            let id = names::container(&self.task.assignment.task_id, &container.name)?;
            Some((id.as_str().to_owned(), self.container_stats(container)?))
        });
        Value::Object(all.collect())
    }

    /// What a container uses; `null` for one that does not run.
    pub(super) fn container_stats(&self, container: &ContainerAssignment) -> Option<Value> {
        let id = names::container(&self.task.assignment.task_id, &container.name)?;
        let Some((_, now)) = self.samples.iter().find(|(other, _)| other == id.as_str()) else {
            return Some(Value::Null);
        };
        let before = {
            let mut all = self.task.samples.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(id.as_str().to_owned(), now.clone())
        };
        let memory = container.memory.or(self.task.assignment.memory);
        let limit = memory.map_or_else(stats::host_memory, |mib| u64::from(mib) << 20);
        Some(now.document(&self.docker_name(container), id.as_str(), limit, before.as_ref()))
    }

    /// As the container agent names containers for Docker, without the random end: names here need no other.
    fn docker_name(&self, container: &ContainerAssignment) -> String {
        let assignment = &self.task.assignment;
        let name: String =
            container.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let distinct: String = container.id.chars().filter(char::is_ascii_hexdigit).take(20).collect();
        format!("ecs-{}-{}-{name}-{distinct}", assignment.family, assignment.revision)
    }

    fn labels(&self, container: &ContainerAssignment, told: &ContainerMetadata) -> Map<String, Value> {
        let assignment = &self.task.assignment;
        let own = [
            ("cluster", assignment.cluster_arn.clone()),
            ("container-name", container.name.clone()),
            ("task-arn", assignment.task_arn.clone()),
            ("task-definition-family", assignment.family.clone()),
            ("task-definition-version", assignment.revision.to_string()),
        ];
        let own = own.into_iter().map(|(name, value)| (format!("com.amazonaws.ecs.{name}"), value));
        told.labels.iter().cloned().chain(own).map(|(name, value)| (name, json!(value))).collect()
    }

    fn ports(&self, container: &ContainerAssignment, told: &ContainerMetadata) -> Option<Value> {
        let protocol = |protocol| if protocol == landfall_acs::Protocol::Udp { "udp" } else { "tcp" };
        let bound = told.network_bindings.iter().map(|it| {
            json!({"ContainerPort": it.container_port, "Protocol": protocol(it.protocol),
                "HostPort": it.host_port, "HostIp": it.bind_ip})
        });
        let plain = container
            .port_mappings
            .iter()
            .filter(|_| told.network_bindings.is_empty())
            .map(|it| json!({"ContainerPort": it.container_port, "Protocol": protocol(it.protocol)}));
        let all: Vec<Value> = bound.chain(plain).collect();
        (!all.is_empty()).then(|| all.into())
    }

    fn health(&self, container: &ContainerAssignment) -> Option<Value> {
        container.health_check.as_ref()?;
        let Some(fact) = self.task.board.of(&container.name).health else {
            return Some(json!({"status": "UNKNOWN"}));
        };
        let status = match fact.health {
            Health::Unknown => "UNKNOWN",
            Health::Healthy => "HEALTHY",
            Health::Unhealthy => "UNHEALTHY",
        };
        let mut all = Document::default();
        all.set("status", status);
        all.time("statusSince", Some(fact.since));
        all.set_some("exitCode", fact.exit_code.filter(|code| *code != 0).map(Value::from));
        all.some("output", Some(fact.output.as_str()).filter(|text| !text.is_empty()));
        Some(Value::Object(all.0))
    }

    fn volumes(&self, container: &ContainerAssignment) -> Option<Value> {
        let volumes = &self.task.assignment.volumes;
        let all: Vec<Value> = container
            .mount_points
            .iter()
            .map(|point| {
                let volume = volumes.iter().find(|it| it.name == point.source_volume);
                let source = volume.and_then(|it| it.host_path.as_deref());
                let mut all = Document::default();
                all.some("DockerName", source.is_none().then_some(point.source_volume.as_str()));
                all.some("Source", source);
                all.set("Destination", point.container_path.as_str());
                Value::Object(all.0)
            })
            .collect();
        (!all.is_empty()).then(|| all.into())
    }

    fn network(&self) -> Value {
        let assignment = &self.task.assignment;
        let mode = match assignment.network_mode {
            NetworkMode::Awsvpc => "awsvpc",
            NetworkMode::Bridge => "bridge",
            NetworkMode::Host => "host",
            NetworkMode::None => "none",
        };
        let address = self.sandbox.as_ref().and_then(|it| it.address);
        let addresses: Vec<String> = address.iter().map(ToString::to_string).collect();
        let mut all = Document::default();
        all.set("NetworkMode", mode);
        all.set("IPv4Addresses", addresses);
        if assignment.network_mode == NetworkMode::Awsvpc && self.version >= 4 {
            all.set("AttachmentIndex", 0);
            let mac = self.sandbox.as_ref().and_then(|it| it.mac);
            let mac = mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
            all.some("MACAddress", mac.as_deref());
            all.some("PrivateDNSName", self.told.private_dns_name.as_deref());
        }
        Value::Object(all.0)
    }
}

/// A JSON object that is being made.
#[derive(Default)]
struct Document(Map<String, Value>);

impl Document {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn set_some(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn some(&mut self, name: &str, value: Option<&str>) {
        self.set_some(name, value.map(Value::from));
    }

    fn time(&mut self, name: &str, time: Option<Timestamp>) {
        self.set_some(name, time.map(|time| time.to_string().into()));
    }

    fn finish(mut self, version: u8) -> Value {
        if version < 4 {
            ONLY_V4.iter().for_each(|name| drop(self.0.shift_remove(*name)));
        }
        Value::Object(self.0)
    }
}

fn desired(desired: Desired) -> &'static str {
    match desired {
        Desired::Running => "RUNNING",
        Desired::Stopped => "STOPPED",
    }
}

fn state(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Pending => "PENDING",
        ContainerState::Running => "RUNNING",
        ContainerState::Stopped => "STOPPED",
    }
}

fn limits(cpu: Option<f64>, memory: Option<u32>) -> Option<Value> {
    let mut all = Document::default();
    // As Go writes whole numbers.
    let cpu = cpu.map(|cpu| if cpu.fract() == 0.0 { json!(cpu.trunc() as i64) } else { json!(cpu) });
    all.set_some("CPU", cpu);
    all.set_some("Memory", memory.map(Value::from));
    (!all.0.is_empty()).then(|| Value::Object(all.0))
}
