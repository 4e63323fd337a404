//! How a container is, and waiting for its end.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::NativeRuntime;
use crate::error::{Doing, RuntimeError};
use crate::layout::{ContainerDir, Exit, Started, read_json};
use crate::names::ContainerId;
use crate::runtime::ContainerStatus;

impl NativeRuntime {
    pub(super) fn look(&self, id: &ContainerId) -> Result<ContainerStatus, RuntimeError> {
        let dir = self.layout.container(id);
        if !dir.0.exists() {
            return Err(RuntimeError::NoSuchContainer(id.clone()));
        }
        if let Some(status) = exited(&dir)? {
            return Ok(status);
        }
        let held = dir.is_held();
        let started = started(&dir)?;
        match started {
            Some(started) if held => {
                Ok(ContainerStatus::Running { pid: started.pid, started_at: started.started_at })
            }
            _ if held || self.is_starting(id) => Ok(ContainerStatus::Created),
            // It may have ended between the two looks.
            _ => Ok(exited(&dir)?.unwrap_or(ContainerStatus::Lost)),
        }
    }

    pub(super) fn started_at(&self, id: &ContainerId) -> Result<Option<i64>, RuntimeError> {
        Ok(started(&self.layout.container(id))?.map(|started| started.started_at))
    }

    /// The shim's pidfd if it lives. The lock proves that the pid was still the shim's when the pidfd was opened.
    fn shim(&self, id: &ContainerId) -> Result<Option<OwnedFd>, RuntimeError> {
        let dir = self.layout.container(id);
        let Some(started) = started(&dir)? else { return Ok(None) };
        let fd = Pid::from_raw(started.shim).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Ok(fd.filter(|_| dir.is_held()))
    }

    /// The pidfd of the container's first process if it runs. The shim keeps the pid taken until `exit.json` is
    /// written, so that without that file the pid is the container's.
    pub(super) fn first_process(&self, id: &ContainerId) -> Result<Option<(i32, OwnedFd)>, RuntimeError> {
        let dir = self.layout.container(id);
        let Some(started) = started(&dir)? else { return Ok(None) };
        let fd = Pid::from_raw(started.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let fd = fd.filter(|_| dir.is_held() && !dir.exit().exists());
        Ok(fd.map(|fd| (started.pid, fd)))
    }

    /// Waits until the container's shim has ended, at most for `timeout`.
    pub(super) fn wait_at_most(
        &self,
        id: &ContainerId,
        timeout: Duration,
    ) -> Result<ContainerStatus, RuntimeError> {
        if let Some(shim) = self.shim(id)? {
            let timeout = Timespec {
                tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: timeout.subsec_nanos().into(),
            };
            let _ = poll(&mut [PollFd::new(&shim, PollFlags::IN)], Some(&timeout));
        }
        self.collect_shim(id);
        self.look(id)
    }

    pub(super) async fn wait_for_end(&self, id: &ContainerId) -> Result<ContainerStatus, RuntimeError> {
        loop {
            match self.look(id)? {
                ContainerStatus::Created => tokio::time::sleep(Duration::from_millis(5)).await,
                ContainerStatus::Running { .. } => {
                    if let Some(shim) = self.shim(id)? {
                        // SAFETY: the `AsyncFd` owns the descriptor, which is closed only when both are dropped.
                        let fd = unsafe { AsyncFd::register_with_interest(shim, Interest::READABLE) }
                            .map_err(std::io::Error::from)
                            .doing(|| "cannot watch the shim".to_owned())?;
                        let ready = fd.readable().await;
                        drop(ready.doing(|| "cannot watch the shim".to_owned())?);
                        self.collect_shim(id);
                    }
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Where the server is the machine's (or its container's) first process, an ended shim is left to it.
    fn collect_shim(&self, id: &ContainerId) {
        if std::process::id() == 1
            && let Ok(Some(started)) = started(&self.layout.container(id))
        {
            let _ = waitpid(Pid::from_raw(started.shim), WaitOptions::NOHANG);
        }
    }
}

fn started(dir: &ContainerDir) -> Result<Option<Started>, RuntimeError> {
    read_json(&dir.started()).doing(|| format!("cannot read `{}`", dir.started().display()))
}

fn exited(dir: &ContainerDir) -> Result<Option<ContainerStatus>, RuntimeError> {
    let exit = read_json(&dir.exit()).doing(|| format!("cannot read `{}`", dir.exit().display()))?;
    Ok(exit.map(|exit: Exit| ContainerStatus::Exited {
        code: exit.code,
        oom_killed: exit.oom_killed,
        finished_at: exit.finished_at,
    }))
}
