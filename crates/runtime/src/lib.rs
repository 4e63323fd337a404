//! Containers on this host: root filesystems, namespaces, cgroups, networks, stdio and the shim that outlives the server.
//!
//! [`Runtime`] is the interface, [`NativeRuntime`] the engine: it makes sandboxes (network, names, a parent control
//! group) and hands each container to a **shim**, this same program executed again with `shim` as its first argument.
//! The shim sets the container up, keeps its log and its exit code, and lives as long as the container, whatever
//! happens to the server. Nothing else has to be installed: the kernel is spoken to directly.
//!
//! This crate has never heard of AWS.

mod capability;
mod cgroup;
mod doctor;
mod error;
mod init;
mod layout;
mod logs;
mod names;
mod native;
mod net;
mod plan;
mod prepare;
mod resolver;
mod runtime;
mod seccomp;
mod shim;
mod signal;
mod spec;
mod sys;

pub use doctor::{Finding, doctor};
pub use error::{RuntimeError, StartFailure, StartFailureKind};
pub use init::{
    DEFAULT_PATH, check_tmpfs, check_user, missing_program, mount_misfit, mount_unmade, no_directory,
};
pub use logs::{Frame, LogReader, Stream};
pub use names::{ContainerId, InvalidName, SandboxId};
pub use native::{NativeConfig, NativeRuntime};
pub use prepare::{check_mount_source, check_mount_target, check_process};
pub use runtime::{
    ContainerStatus, ContainerSummary, ExecOutcome, Inventory, Runtime, Sandbox, StartedContainer, Usage,
    Waiting,
};
pub use shim::shim_main;
pub use spec::{
    CapabilityChanges, ContainerLimits, ContainerSpec, Dns, ExecSpec, Mount, Network, PortBinding,
    PortMapping, Protocol, SandboxSpec, TaskLimits, Ulimit,
};
