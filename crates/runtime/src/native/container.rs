//! Starting, stopping and removing containers.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::{NativeRuntime, spawn};
use crate::cgroup::{Group, Limits};
use crate::error::{Doing, RuntimeError};
use crate::layout::{ContainerDir, ContainerState, read_json, write_json};
use crate::names::ContainerId;
use crate::prepare;
use crate::runtime::{ContainerStatus, ContainerSummary, StartedContainer};
use crate::spec::ContainerSpec;
use crate::sys;

/// How long a killed container may take to be gone. Only a process stuck in the kernel takes longer.
const KILL_WAIT: Duration = Duration::from_secs(10);

impl NativeRuntime {
    pub(super) fn container_state(&self, id: &ContainerId) -> Result<ContainerState, RuntimeError> {
        let path = self.layout.container(id).state();
        let state = read_json(&path).doing(|| format!("cannot read `{}`", path.display()))?;
        state.ok_or_else(|| RuntimeError::NoSuchContainer(id.clone()))
    }

    pub(super) fn start(&self, spec: &ContainerSpec) -> Result<StartedContainer, RuntimeError> {
        let sandbox = self.sandbox_state(&spec.sandbox)?;
        let state = prepare::state(spec, self.now(), self.has_device_rules)?;
        let dir = self.layout.container(&spec.id);
        let group = self.container_group(&spec.sandbox, &spec.id);
        let sandbox = prepare::Sandbox {
            dir: self.layout.sandbox(&spec.sandbox),
            netns: self.netns_of(&sandbox),
            state: &sandbox,
        };
        let plan = prepare::plan(spec, &state, &sandbox, &dir, group.plan(&self.shims_group()))?;
        let _starting = self.mark_starting(&spec.id);
        let again = self.claim(&dir, &spec.id)?;
        let result = self.set_up(&dir, &state, &group, spec).and_then(|()| {
            let errors =
                fs::File::create(dir.0.join("shim.err")).doing(|| "cannot make `shim.err`".to_owned())?;
            let mut child = self.shim.spawn("container", &plan, errors.into())?;
            let report = spawn::report(&mut child);
            // The first process of a shim leaves at once; the one that stays is not this process's child.
            let _ = child.wait();
            report
        });
        match result {
            Ok((pid, started_at)) => Ok(StartedContainer { pid, started_at }),
            Err(error) => {
                self.undo_start(&dir, &group, again);
                Err(error)
            }
        }
    }

    /// Takes the container's directory, or that of an ended container again; whether it was there.
    fn claim(&self, dir: &ContainerDir, id: &ContainerId) -> Result<bool, RuntimeError> {
        match fs::create_dir(&dir.0) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Between writing `exit.json` and its own end a shim holds the container for a moment.
                if dir.exit().exists()
                    && !matches!(self.wait_at_most(id, KILL_WAIT)?, ContainerStatus::Running { .. })
                    && !dir.is_held()
                {
                    return Ok(true);
                }
                Err(RuntimeError::Exists(id.to_string()))
            }
            Err(error) => Err(RuntimeError::path("cannot make", &dir.0, error)),
        }
    }

    fn set_up(
        &self,
        dir: &ContainerDir,
        state: &ContainerState,
        group: &Group<'_>,
        spec: &ContainerSpec,
    ) -> Result<(), RuntimeError> {
        // First of all: what has no state is taken for an empty beginning and swept away.
        write_json(&dir.state(), state).doing(|| format!("cannot write `{}`", dir.state().display()))?;
        self.shims_group().create(&Limits::default())?;
        group.remove()?;
        group.create(&Limits::of_container(&spec.limits, spec.privileged))?;
        for name in ["upper", "work", "merged"] {
            let path = dir.0.join(name);
            // The upper directory's mode is that of the container's `/`, whatever this process's umask is.
            let made = fs::create_dir_all(&path)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
            made.doing(|| format!("cannot make `{}`", path.display()))?;
        }
        for file in [dir.started(), dir.exit()] {
            remove_if_there(fs::remove_file(&file))
                .doing(|| format!("cannot remove `{}`", file.display()))?;
        }
        // Made here, so that it can be read from as soon as the container is started.
        let log = fs::File::options().create(true).append(true).open(dir.log());
        log.map(drop).doing(|| format!("cannot make `{}`", dir.log().display()))
    }

    /// The failed start is the error that counts; what cannot be undone is found again by `list`.
    fn undo_start(&self, dir: &ContainerDir, group: &Group<'_>, again: bool) {
        group.kill();
        let _ = group.remove();
        if !again {
            let _ = fs::remove_dir_all(&dir.0);
        }
    }

    pub(super) fn signal(&self, id: &ContainerId, signal: i32) -> Result<(), RuntimeError> {
        self.container_state(id)?;
        let Some((_, process)) = self.first_process(id)? else {
            return Err(RuntimeError::NotRunning(id.clone()));
        };
        sys::pidfd_signal(process, signal)
            .doing(|| format!("cannot send signal {signal} to container `{id}`"))
    }

    pub(super) fn stop(&self, id: &ContainerId, timeout: Duration) -> Result<ContainerStatus, RuntimeError> {
        let state = self.container_state(id)?;
        match self.signal(id, state.stop_signal) {
            Ok(()) => {
                let status = self.wait_at_most(id, timeout)?;
                if !matches!(status, ContainerStatus::Running { .. }) {
                    return Ok(status);
                }
            }
            Err(RuntimeError::NotRunning(_)) => {}
            // The process may have ended since it was looked up.
            Err(error) => tracing::debug!(%error, container = %id, "stop signal not delivered"),
        }
        self.kill(id, &state)
    }

    /// Ends every process of the container. The first one takes the others with it; the group catches what is left
    /// behind by a lost shim.
    fn kill(&self, id: &ContainerId, state: &ContainerState) -> Result<ContainerStatus, RuntimeError> {
        if let Some((_, process)) = self.first_process(id)? {
            let _ = sys::pidfd_signal(process, libc::SIGKILL);
        }
        self.container_group(&state.sandbox, id).kill();
        self.wait_at_most(id, KILL_WAIT)
    }

    pub(super) fn take_container_away(&self, id: &ContainerId) -> Result<(), RuntimeError> {
        let dir = self.layout.container(id);
        if !dir.0.exists() {
            return Ok(());
        }
        let mut problems = Vec::new();
        match self.container_state(id) {
            Ok(state) => {
                problems.extend(self.kill(id, &state).err());
                problems.extend(self.container_group(&state.sandbox, id).remove().err());
            }
            // A server that died before it had written the state had not started anything either.
            Err(RuntimeError::NoSuchContainer(_)) => {}
            Err(error) => problems.push(error),
        }
        let removed = remove_if_there(fs::remove_dir_all(&dir.0));
        problems.extend(removed.doing(|| format!("cannot remove `{}`", dir.0.display())).err());
        cleanup(problems)
    }

    pub(super) fn all_containers(&self) -> Result<Vec<ContainerSummary>, RuntimeError> {
        let path = self.layout.containers();
        let entries = fs::read_dir(&path).doing(|| format!("cannot read `{}`", path.display()))?;
        let mut containers = Vec::new();
        for entry in entries.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<ContainerId>().ok())
            else {
                continue;
            };
            let Ok(state) = self.container_state(&id) else { continue };
            containers.push(ContainerSummary {
                status: self.look(&id)?,
                started_at: self.started_at(&id)?,
                sandbox: state.sandbox,
                created_at: state.created_at,
                labels: state.labels,
                id,
            });
        }
        Ok(containers)
    }
}

pub(super) fn remove_if_there(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub(super) fn cleanup(problems: Vec<RuntimeError>) -> Result<(), RuntimeError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(RuntimeError::Cleanup(problems.iter().map(ToString::to_string).collect()))
    }
}
