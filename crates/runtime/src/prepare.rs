//! From a container's specification to the plan for its shim: checks everything that can be checked before anything
//! is touched. Pure but for a look at whether the layers exist.

use std::path::{Path, PathBuf};

use crate::capability;
use crate::error::RuntimeError;
use crate::layout::{ContainerDir, ContainerState, NetworkKind, SandboxState};
use crate::plan::{CgroupPlan, ContainerPlan, ExecPlan, ProcessPlan, RootfsPlan};
use crate::signal;
use crate::spec::{ContainerSpec, ExecSpec, Mount};

const SHM_BYTES: u64 = 64 << 20;
/// Files of the sandbox that every container sees.
const SANDBOX_FILES: [&str; 3] = ["hosts", "resolv.conf", "hostname"];
/// Kernel parameters that belong to the namespaces of a container; others would change the host.
const NAMESPACED: [&str; 9] = [
    "net.",
    "fs.mqueue.",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

fn invalid(text: String) -> RuntimeError {
    RuntimeError::Invalid(text)
}

/// What is kept on disk about the container.
pub(crate) fn state(
    spec: &ContainerSpec,
    created_at: i64,
    has_device_rules: bool,
) -> Result<ContainerState, RuntimeError> {
    Ok(ContainerState {
        id: spec.id.clone(),
        sandbox: spec.sandbox.clone(),
        stop_signal: spec.stop_signal.as_deref().map_or(Ok(libc::SIGTERM), signal::number)?,
        capabilities: capabilities(spec, has_device_rules)?,
        no_new_privileges: spec.no_new_privileges,
        seccomp: spec.seccomp && !spec.privileged,
        created_at,
        labels: spec.labels.clone(),
    })
}

fn capabilities(spec: &ContainerSpec, has_device_rules: bool) -> Result<u64, RuntimeError> {
    if spec.privileged {
        return Ok(capability::ALL);
    }
    let set = capability::effective(&spec.capabilities)?;
    // Whoever can make a node for the host's disk must be kept from opening it.
    Ok(if has_device_rules { set } else { set & !capability::bit("MKNOD").unwrap_or_default() })
}

/// The plan for a container's shim.
pub(crate) fn plan(
    spec: &ContainerSpec,
    state: &ContainerState,
    sandbox: &Sandbox<'_>,
    dir: &ContainerDir,
    cgroup: CgroupPlan,
) -> Result<ContainerPlan, RuntimeError> {
    check(spec, sandbox.state.network)?;
    Ok(ContainerPlan {
        dir: dir.0.clone(),
        netns: sandbox.netns.clone(),
        hostname: sandbox.state.hostname.clone(),
        cgroup,
        rootfs: rootfs(spec, sandbox, dir),
        process: process(spec, state)?,
        sysctls: spec.sysctls.clone(),
        init: spec.init,
        log_bytes: spec.log_bytes,
    })
}

/// What a container takes from its sandbox.
pub(crate) struct Sandbox<'a> {
    pub(crate) state: &'a SandboxState,
    pub(crate) dir: PathBuf,
    pub(crate) netns: Option<PathBuf>,
}

fn check(spec: &ContainerSpec, network: NetworkKind) -> Result<(), RuntimeError> {
    check_process(&spec.args, &spec.cwd)?;
    if spec.layers.is_empty() {
        return Err(invalid(format!("container `{}` has no layers: it needs at least one", spec.id)));
    }
    if let Some(missing) = spec.layers.iter().find(|layer| !layer.is_dir()) {
        return Err(invalid(format!(
            "the layer `{}` is not a directory: pull the image again",
            missing.display()
        )));
    }
    spec.mounts.iter().try_for_each(check_mount)?;
    spec.sysctls.keys().try_for_each(|name| check_sysctl(name, network))
}

/// Whether a container can have this process, whatever is in its image.
///
/// # Errors
/// [`RuntimeError::Invalid`]: as a start would say it.
pub fn check_process(args: &[String], cwd: &Path) -> Result<(), RuntimeError> {
    if args.first().is_none_or(String::is_empty) {
        return Err(invalid(
            "no command specified: neither the image nor the task definition names one".to_owned(),
        ));
    }
    if cwd.is_absolute() {
        return Ok(());
    }
    Err(invalid(format!("the working directory `{}` is not absolute", cwd.display())))
}

/// Whether a container can have a mount there.
///
/// # Errors
/// [`RuntimeError::Invalid`]: as a start would say it.
pub fn check_mount_target(target: &Path) -> Result<(), RuntimeError> {
    if target.is_absolute() && target.components().count() >= 2 {
        return Ok(());
    }
    Err(invalid(format!("cannot mount on `{}`: expected an absolute path below `/`", target.display())))
}

fn check_mount(mount: &Mount) -> Result<(), RuntimeError> {
    let (Mount::Bind { target, .. } | Mount::Tmpfs { target, .. }) = mount;
    check_mount_target(target)?;
    match mount {
        Mount::Bind { source, .. } => check_mount_source(source),
        Mount::Tmpfs { .. } => Ok(()),
    }
}

/// Whether this path of the host can be mounted at all.
///
/// # Errors
/// [`RuntimeError::Invalid`]: as a start would say it.
pub fn check_mount_source(source: &Path) -> Result<(), RuntimeError> {
    if source.is_absolute() {
        return Ok(());
    }
    Err(invalid(format!("cannot mount `{}`: expected an absolute path on the host", source.display())))
}

fn check_sysctl(name: &str, network: NetworkKind) -> Result<(), RuntimeError> {
    let known = NAMESPACED
        .iter()
        .any(|prefix| if prefix.ends_with('.') { name.starts_with(prefix) } else { name == *prefix });
    let well_formed =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
            && !name.contains("..");
    if !known || !well_formed {
        return Err(invalid(format!(
            "the kernel parameter `{name}` cannot be set for one container: it would change the host"
        )));
    }
    if network == NetworkKind::Host && name.starts_with("net.") {
        return Err(invalid(format!("the kernel parameter `{name}` cannot be set in the host's network")));
    }
    Ok(())
}

fn rootfs(spec: &ContainerSpec, sandbox: &Sandbox<'_>, dir: &ContainerDir) -> RootfsPlan {
    let taken = |target: &PathBuf| {
        spec.mounts.iter().any(|mount| {
            let (Mount::Bind { target: own, .. } | Mount::Tmpfs { target: own, .. }) = mount;
            own == target
        })
    };
    let files = SANDBOX_FILES.iter().map(|name| (sandbox.dir.join(name), PathBuf::from("/etc").join(name)));
    RootfsPlan {
        layers: spec.layers.clone(),
        upper: dir.0.join("upper"),
        work: dir.0.join("work"),
        merged: dir.0.join("merged"),
        readonly: spec.readonly_rootfs,
        privileged: spec.privileged,
        files: files.filter(|(_, target)| !taken(target)).collect(),
        mounts: spec.mounts.clone(),
        shm_bytes: spec.shm_bytes.unwrap_or(SHM_BYTES),
    }
}

fn process(spec: &ContainerSpec, state: &ContainerState) -> Result<ProcessPlan, RuntimeError> {
    Ok(ProcessPlan {
        args: spec.args.clone(),
        env: expose(&spec.env),
        cwd: spec.cwd.clone(),
        user: spec.user.clone(),
        capabilities: state.capabilities,
        no_new_privileges: state.no_new_privileges,
        seccomp: state.seccomp,
        limits: spec.limits.ulimits.iter().map(signal::limit).collect::<Result<_, _>>()?,
    })
}

fn expose(env: &[(String, landfall_base::Sensitive<String>)]) -> Vec<(String, String)> {
    env.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect()
}

/// The plan for a further process in a container.
pub(crate) fn exec(spec: &ExecSpec, state: &ContainerState, pid: i32, join: Vec<PathBuf>) -> ExecPlan {
    let process = ProcessPlan {
        args: spec.args.clone(),
        env: expose(&spec.env),
        cwd: spec.cwd.clone(),
        user: spec.user.clone(),
        capabilities: state.capabilities,
        no_new_privileges: state.no_new_privileges,
        seccomp: state.seccomp,
        limits: Vec::new(),
    };
    ExecPlan { pid, join, process }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec() -> ContainerSpec {
        let layers = vec![std::env::temp_dir()];
        ContainerSpec::new("c".parse().unwrap(), "s".parse().unwrap(), layers, vec!["true".into()])
    }

    fn sandbox_state() -> SandboxState {
        SandboxState {
            id: "s".parse().unwrap(),
            hostname: "host".into(),
            network: NetworkKind::Private,
            address: None,
            ports: Vec::new(),
            labels: BTreeMap::new(),
        }
    }

    fn planned(spec: &ContainerSpec) -> Result<ContainerPlan, RuntimeError> {
        let state = state(spec, 0, true)?;
        let sandbox = sandbox_state();
        let sandbox = Sandbox { state: &sandbox, dir: "/run/s".into(), netns: None };
        plan(spec, &state, &sandbox, &ContainerDir("/run/c".into()), CgroupPlan::default())
    }

    #[test]
    fn defaults_are_dockers() {
        let plan = planned(&spec()).unwrap();
        assert!(plan.process.seccomp && !plan.process.no_new_privileges);
        assert_eq!(plan.rootfs.shm_bytes, 64 << 20);
        assert_eq!(plan.rootfs.files.len(), 3);
    }

    #[test]
    fn a_mount_over_a_sandbox_file_replaces_it() {
        let mut spec = spec();
        spec.mounts.push(Mount::Bind {
            source: "/tmp/hosts".into(),
            target: "/etc/hosts".into(),
            readonly: true,
        });
        assert_eq!(planned(&spec).unwrap().rootfs.files.len(), 2);
    }

    #[test]
    fn what_cannot_be_met_is_refused_before_anything_happens() {
        let refused = |change: &dyn Fn(&mut ContainerSpec)| {
            let mut spec = spec();
            change(&mut spec);
            planned(&spec).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused(&|spec| spec.args.clear()).contains("no command specified"));
        assert!(refused(&|spec| spec.layers.clear()).contains("no layers"));
        assert!(refused(&|spec| spec.layers.push("/nope/layer".into())).contains("/nope/layer"));
        assert!(refused(&|spec| spec.cwd = "relative".into()).contains("not absolute"));
        assert!(
            refused(&|spec| drop(spec.sysctls.insert("kernel.panic".into(), "1".into())))
                .contains("kernel.panic")
        );
        assert!(
            refused(&|spec| drop(spec.sysctls.insert("net.../../x".into(), "1".into()))).contains("net.")
        );
        assert!(refused(&|spec| spec.stop_signal = Some("SIGWHAT".into())).contains("SIGWHAT"));
        let on_root = Mount::Tmpfs { target: "/".into(), size: None, options: Vec::new() };
        assert!(refused(&move |spec| spec.mounts.push(on_root.clone())).contains("below `/`"));
    }

    #[test]
    fn without_device_rules_nobody_makes_devices() {
        let mknod = capability::bit("MKNOD").unwrap();
        assert_ne!(state(&spec(), 0, true).unwrap().capabilities & mknod, 0);
        assert_eq!(state(&spec(), 0, false).unwrap().capabilities & mknod, 0);
    }
}
