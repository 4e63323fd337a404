//! Waits for a container's end, keeping its log meanwhile.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::logfile::{Lines, LogFile};
use super::{Child, now};
use crate::layout::{ContainerDir, Exit, write_json};
use crate::logs::Stream;

/// How long output may still come after the first process has ended. All others die with it, so this is never
/// reached unless a pipe was handed out of the container.
const DRAIN_ROUNDS: u32 = 40;
const ROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

struct Output {
    pipe: Option<File>,
    lines: Lines,
}

/// Copies output to the log until the container has ended and all is read; then writes its exit code.
pub(super) fn until_exit(child: Child, mut log: LogFile, dir: &ContainerDir, oom_events: Option<&Path>) {
    let mut outputs = [
        Output { pipe: Some(child.stdout), lines: Lines::new(Stream::Stdout) },
        Output { pipe: Some(child.stderr), lines: Lines::new(Stream::Stderr) },
    ];
    let mut rounds_left = None;
    while rounds_left != Some(0)
        && (rounds_left.is_none() || outputs.iter().any(|output| output.pipe.is_some()))
    {
        if step(&child.pidfd, &mut outputs, rounds_left.is_some(), &mut log) && rounds_left.is_none() {
            rounds_left = Some(DRAIN_ROUNDS);
        }
        rounds_left = rounds_left.map(|left| left - 1);
    }
    outputs.iter_mut().for_each(|output| output.lines.finish(now(), &mut log));
    // Until here the pid stays taken, so that a signal can never reach a stranger.
    let code = status(&child.pidfd, WaitIdOptions::NOWAIT);
    let oom_killed = code != 0 && oom_events.is_some_and(|file| kills_in(file) > 0);
    let _ = log.sync();
    let exit = Exit { code, oom_killed, finished_at: now() };
    // With a full disk the container will be reported as lost; there is nothing better to do.
    let _ = write_json(&dir.exit(), &exit);
    exit_code(&child.pidfd);
}

/// Waits for one event; whether the container has ended.
fn step(pidfd: &OwnedFd, outputs: &mut [Output; 2], ended: bool, log: &mut LogFile) -> bool {
    let mut fds = Vec::with_capacity(3);
    for output in outputs.iter() {
        if let Some(pipe) = &output.pipe {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
    }
    if !ended {
        fds.push(PollFd::new(pidfd, PollFlags::IN));
    }
    let _ = poll(&mut fds, ended.then_some(&ROUND));
    let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    drop(fds);
    let mut ready = ready.into_iter();
    for output in outputs.iter_mut() {
        if output.pipe.is_some() && ready.next() == Some(true) {
            copy(output, log);
        }
    }
    ended || ready.next() == Some(true)
}

fn copy(output: &mut Output, log: &mut LogFile) {
    let mut buffer = [0; 64 * 1024];
    let Some(pipe) = &mut output.pipe else { return };
    match pipe.read(&mut buffer) {
        Ok(0) => output.pipe = None,
        Ok(length) => output.lines.take(buffer.get(..length).unwrap_or_default(), now(), log),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
        Err(_) => output.pipe = None,
    }
}

/// Waits for a process, collects it and gives its exit code: 128 and the signal's number if one ended it.
pub(super) fn exit_code(pidfd: impl AsFd) -> i32 {
    status(pidfd, WaitIdOptions::empty())
}

fn status(pidfd: impl AsFd, options: WaitIdOptions) -> i32 {
    loop {
        match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | options) {
            Ok(Some(status)) => {
                return status
                    .exit_status()
                    .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
                    .unwrap_or(255);
            }
            Err(rustix::io::Errno::INTR) => {}
            _ => return 255,
        }
    }
}

/// The `oom_kill` line of `memory.oom_control` (cgroup v1) or `memory.events` (v2).
fn kills_in(file: &Path) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
}
