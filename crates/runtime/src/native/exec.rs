//! Further processes in running containers: health checks and commands of the operator.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use super::{NativeRuntime, spawn};
use crate::error::{Doing, RuntimeError};
use crate::names::ContainerId;
use crate::prepare;
use crate::runtime::ExecOutcome;
use crate::spec::ExecSpec;

/// How much output is kept.
const MOST_OUTPUT: usize = 64 * 1024;

impl NativeRuntime {
    pub(super) fn run_inside(
        &self,
        id: &ContainerId,
        spec: &ExecSpec,
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        let state = self.container_state(id)?;
        let Some((pid, _held)) = self.first_process(id)? else {
            return Err(RuntimeError::NotRunning(id.clone()));
        };
        let join = self.container_group(&state.sandbox, id).plan(&self.shims_group()).join;
        let (output, writer) = pipe_with(PipeFlags::CLOEXEC).doing(|| "cannot make a pipe".to_owned())?;
        let plan = prepare::exec(spec, &state, pid, join);
        let mut child = self.shim.spawn("exec", &plan, Stdio::from(writer))?;
        let started = spawn::report(&mut child);
        if let Err(error) = started {
            let _ = child.wait();
            return Err(error);
        }
        let (bytes, ended) = read_until(output.into(), Instant::now() + timeout);
        let code = end(&mut child, ended)?;
        Ok(ExecOutcome { code, output: bytes })
    }
}

/// Reads to the end or the deadline; whether the end came.
fn read_until(mut output: std::fs::File, deadline: Instant) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let ready = poll(&mut [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN)], Some(&timeout));
        if ready == Ok(0) {
            return (bytes, false);
        }
        let mut buffer = [0; 8192];
        match output.read(&mut buffer) {
            Ok(0) | Err(_) => return (bytes, true),
            Ok(length) => {
                let room = MOST_OUTPUT - bytes.len();
                bytes.extend_from_slice(buffer.get(..length.min(room)).unwrap_or_default());
            }
        }
    }
}

/// The exit code. Killing the shim takes its process along.
fn end(child: &mut Child, ended: bool) -> Result<Option<i32>, RuntimeError> {
    if !ended {
        // It may have ended just now; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().doing(|| "cannot wait for the shim".to_owned())?;
    Ok(if ended { status.code() } else { None })
}
