//! What the first process of a container does between being forked and becoming the container's program.

mod dev;
mod inroot;
mod process;
mod reaper;
mod rootfs;
mod user;

pub use process::{DEFAULT_PATH, missing_program};
pub use rootfs::{check_tmpfs, mount_misfit, mount_unmade};
pub use user::check_user;

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::error::{StartFailure, StartFailureKind, reason};
use crate::plan::{ContainerPlan, ExecPlan};
use crate::sys;

/// Namespaces of a container besides the network's, which the sandbox owns.
pub(crate) const NAMESPACES: u64 =
    (libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC) as u64;

/// Sets the container up and becomes its program. Failures go through `report`, which exec closes.
pub(crate) fn run(plan: &ContainerPlan, mut report: File) -> ! {
    let mut send = |failure: StartFailure| {
        // If the shim is gone there is nobody to tell.
        let _ = serde_json::to_writer(&mut report, &failure);
        let _ = report.flush();
    };
    match set_up(plan) {
        Ok(()) if plan.init => reaper::run(&plan.process, send),
        Ok(()) => send(process::become_program(&plan.process)),
        Err(failure) => send(failure),
    }
    sys::exit_now(1)
}

fn set_up(plan: &ContainerPlan) -> Result<(), StartFailure> {
    rustix::process::umask(rustix::fs::Mode::empty());
    die_with_parent()?;
    rustix::process::setsid().map_err(|error| StartFailure::other("cannot begin a session", error))?;
    join(&plan.cgroup.join)?;
    sys::unshare(libc::CLONE_NEWCGROUP)
        .map_err(|error| StartFailure::other("cannot make a cgroup namespace", error))?;
    if let Some(netns) = &plan.netns {
        join_network(netns)?;
    }
    rustix::system::sethostname(plan.hostname.as_bytes())
        .map_err(|error| StartFailure::other("cannot set the host name", error))?;
    let root = rootfs::assemble(&plan.rootfs, &plan.cgroup.view)?;
    make_working_directory(&root, &plan.process.cwd)?;
    drop(root);
    rootfs::enter(&plan.rootfs.merged)?;
    for (name, value) in &plan.sysctls {
        set_sysctl(name, value)?;
    }
    rootfs::lock_down(&plan.rootfs, &plan.cgroup.view)
}

/// A container that nobody watches could not be reported: it goes when its shim goes.
fn die_with_parent() -> Result<(), StartFailure> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| StartFailure::other("cannot tie the container to its shim", error))
}

/// Moves this process into cgroups.
pub(crate) fn join(files: &[PathBuf]) -> Result<(), StartFailure> {
    for file in files {
        std::fs::write(file, "0").map_err(|error| {
            StartFailure::other(&format!("cannot join the cgroup of `{}`", file.display()), error)
        })?;
    }
    Ok(())
}

fn join_network(netns: &Path) -> Result<(), StartFailure> {
    let go = || sys::setns(File::open(netns)?, libc::CLONE_NEWNET);
    go().map_err(|error| {
        StartFailure::other(&format!("cannot join the network `{}`", netns.display()), error)
    })
}

/// Docker makes a missing working directory; a file in its place is an error.
fn make_working_directory(root: &inroot::Root, cwd: &Path) -> Result<(), StartFailure> {
    if root.existing(cwd).is_ok() {
        return Ok(());
    }
    root.ensure_dir(cwd).map(drop).map_err(|error| unmade_directory(cwd, &error))
}

fn unmade_directory(cwd: &Path, error: &std::io::Error) -> StartFailure {
    let text = format!("cannot make the working directory `{}`: {}", cwd.display(), reason(error));
    StartFailure::new(StartFailureKind::WorkingDirectory, text)
}

/// A working directory in whose place, or on whose way, there is something else, as a start would say it.
pub fn no_directory(cwd: &Path, in_its_place: bool) -> StartFailure {
    let error = std::io::ErrorKind::NotADirectory.into();
    if in_its_place { process::not_entered(cwd, &error) } else { unmade_directory(cwd, &error) }
}

fn set_sysctl(name: &str, value: &str) -> Result<(), StartFailure> {
    let path = Path::new("/proc/sys").join(name.replace('.', "/"));
    std::fs::write(path, value)
        .map_err(|error| StartFailure::other(&format!("cannot set the kernel parameter `{name}`"), error))
}

/// Joins a running container and becomes a further program in it. The caller has entered its pid namespace already,
/// which only takes effect for children.
pub(crate) fn run_exec(plan: &ExecPlan, container: &OwnedFd, mut report: File) -> ! {
    let failure = match enter_container(plan, container) {
        Ok(()) => process::become_program(&plan.process),
        Err(failure) => failure,
    };
    // If the shim is gone there is nobody to tell.
    let _ = serde_json::to_writer(&mut report, &failure);
    sys::exit_now(1)
}

fn enter_container(plan: &ExecPlan, container: &OwnedFd) -> Result<(), StartFailure> {
    let failed = |error: std::io::Error| StartFailure::other("cannot enter the container", error);
    // Processes of the container can see this one from now on, and must not be able to look into it.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| failed(error.into()))?;
    die_with_parent()?;
    // A session of its own; the process has just been forked, so it leads no group and this cannot fail.
    let _ = rustix::process::setsid();
    join(&plan.join)?;
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWCGROUP;
    sys::setns(container, namespaces).map_err(failed)
}
