//! A small first process: starts the program as its child, passes signals on, collects orphans, and ends as the
//! program ended.

use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::process;
use crate::error::StartFailure;
use crate::plan::ProcessPlan;
use crate::sys::{self, Forked};

/// Runs the program below this process, which is pid 1. `report` tells about a failed start and is given up by exec.
pub(crate) fn run(plan: &ProcessPlan, report: impl FnOnce(StartFailure)) -> ! {
    sys::set_signal_mask(true);
    match sys::fork_with_namespaces(0) {
        Ok(Forked::Child) => {
            // A group of its own, so that a signal to the program reaches its children as it would under a shell.
            let _ = rustix::process::setsid();
            report(process::become_program(plan));
            sys::exit_now(1)
        }
        Ok(Forked::Parent { pid, pidfd }) => {
            drop(pidfd);
            drop(report);
            // Nothing of the host's may stay reachable through this process.
            let _ = sys::close_from(0, false);
            forward_and_reap(pid)
        }
        Err(error) => {
            report(StartFailure::other("cannot start the init process's child", error));
            sys::exit_now(1)
        }
    }
}

fn forward_and_reap(child: Pid) -> ! {
    loop {
        match sys::next_signal() {
            Some(libc::SIGCHLD) => {
                if let Some(code) = reap(child) {
                    sys::exit_now(code);
                }
            }
            // The child may have just ended; its end is collected with the next signal.
            Some(signal) => drop(sys::kill(child.as_raw_nonzero().get(), signal)),
            None => {}
        }
    }
}

/// Collects every ended process; the exit code if the program is among them.
fn reap(child: Pid) -> Option<i32> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            code = Some(exit_code(status));
        }
    }
    code
}

fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(255)
}
