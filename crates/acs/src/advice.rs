//! What both sides say: the control plane of what it finds before a start, the agent of a start that failed.

use serde_json::{Value, json};

use crate::{Fix, LaunchKind, MountPoint, PortMapping, Protocol, Tmpfs};

/// For a port of the machine that another process has: the container's mappings, with a free port in its place.
pub fn another_port(container: &str, mappings: &[PortMapping], taken: u16) -> Fix {
    let mappings = mappings.iter().map(|it| {
        let protocol = if it.protocol == Protocol::Udp { "udp" } else { "tcp" };
        let host_port = it.host_port.filter(|port| *port != taken).unwrap_or_default();
        json!({"containerPort": it.container_port, "hostPort": host_port, "protocol": protocol})
    });
    let text = format!("stop what uses it, or let `{container}` have a free one");
    with_member(&text, "portMappings", mappings.collect())
}

/// For kernel parameters that cannot be set: the others, by name and value.
pub fn without_parameter<'a>(kept: impl Iterator<Item = &'a (String, String)>) -> Fix {
    let kept = kept.map(|(name, value)| json!({"namespace": name, "value": value}));
    let text = "name a kernel parameter and a value that this kernel has, or leave it out";
    with_member(text, "systemControls", kept.collect())
}

/// For a mount that cannot be made: the other mounts of the container.
pub fn without_mount<'a>(kept: impl Iterator<Item = &'a MountPoint>) -> Fix {
    let kept = kept.map(|it| {
        json!({"sourceVolume": it.source_volume, "containerPath": it.container_path, "readOnly": it.read_only})
    });
    let text = "a directory can be mounted over a directory, and a file over a file: correct `containerPath` or the volume's \
                `sourcePath`, or leave the mount out";
    with_member(text, "mountPoints", kept.collect())
}

/// For options of a file system in memory that are refused: the container's file systems with those that are taken.
pub fn with_options<'a>(tmpfs: impl Iterator<Item = (&'a Tmpfs, Vec<&'a String>)>) -> Fix {
    let all = tmpfs.map(|((path, size, _), options)| match options.is_empty() {
        true => json!({"containerPath": path, "size": size}),
        false => json!({"containerPath": path, "size": size, "mountOptions": options}),
    });
    with_member("leave the mount option out, in `linuxParameters`", "tmpfs", all.collect())
}

/// A member of the task definition as it should be.
pub fn with_member(text: &str, member: &str, list: Vec<Value>) -> Fix {
    Fix { document: Some(format!("\"{member}\": {}", Value::Array(list))), ..Fix::advice(text) }
}

/// The reason of a container whose program the runtime could not start (ECS Developer Guide, "Stopped tasks error messages").
pub fn not_started(launch: LaunchKind, why: &str) -> String {
    let from = match launch {
        LaunchKind::Fargate => "ResourceInitializationError: failed to create new container runtime task",
        LaunchKind::Ec2 | LaunchKind::External => "Error response from daemon",
    };
    format!(
        "CannotStartContainerError: {from}: failed to create shim task: OCI runtime create failed: runc create failed: unable \
         to start container process: {why}: unknown"
    )
}
