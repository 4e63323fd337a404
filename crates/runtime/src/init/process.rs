//! The last steps before the container's program runs: who it is, what it may do, where it stands; then exec.

use std::ffi::CString;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, fchown};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::user::{self, Identity};
use crate::error::{StartFailure, StartFailureKind, reason};
use crate::plan::ProcessPlan;
use crate::{capability, seccomp, sys};

/// Where programs are looked for that are named without a directory, unless the environment says so.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes the program of `plan`. Returns only if that fails.
pub(crate) fn become_program(plan: &ProcessPlan) -> StartFailure {
    match prepare(plan) {
        Ok(program) => {
            let error = sys::execve(&program.path, &program.args, &program.env);
            exec_failed(&program.path, &error)
        }
        Err(failure) => failure,
    }
}

struct Program {
    path: PathBuf,
    args: Vec<CString>,
    env: Vec<CString>,
}

fn prepare(plan: &ProcessPlan) -> Result<Program, StartFailure> {
    let identity = user::look_up(&plan.user)?;
    give_stdio(&identity);
    for (resource, soft, hard) in &plan.limits {
        sys::set_limit(*resource, *soft, *hard)
            .map_err(|error| StartFailure::other("cannot set a resource limit", error))?;
    }
    let env = environment(plan, &identity);
    let program = c_strings(plan, &env)?;
    restrict(plan, &identity).map_err(|error| StartFailure::other("cannot drop privileges", error))?;
    enter_directory(&plan.cwd)?;
    let path = find(&plan.args, &env)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    sys::close_from(3, true).map_err(|error| StartFailure::other("cannot close descriptors", error))?;
    sys::reset_signals();
    Ok(Program { path, ..program })
}

/// Lets an unprivileged program open `/dev/stdout` again, which is its own pipe.
fn give_stdio(identity: &Identity) {
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    // A program that never reopens them works without.
    let _ = fchown(rustix::stdio::stdout(), Some(uid), Some(gid));
    let _ = fchown(rustix::stdio::stderr(), Some(uid), Some(gid));
}

fn environment(plan: &ProcessPlan, identity: &Identity) -> Vec<(String, String)> {
    let mut env = plan.env.clone();
    for (name, value) in [("PATH", DEFAULT_PATH), ("HOME", &identity.home)] {
        if !env.iter().any(|(known, _)| known == name) {
            env.push((name.to_owned(), value.to_owned()));
        }
    }
    env
}

fn c_strings(plan: &ProcessPlan, env: &[(String, String)]) -> Result<Program, StartFailure> {
    let zero =
        |what: &str| StartFailure::new(StartFailureKind::Other, format!("{what} contains a zero byte"));
    let args = plan
        .args
        .iter()
        .map(|arg| CString::new(arg.as_str()).map_err(|_| zero("an argument")))
        .collect::<Result<_, _>>()?;
    let env = env
        .iter()
        .map(|(name, value)| {
            CString::new(format!("{name}={value}")).map_err(|_| zero(&format!("the variable `{name}`")))
        })
        .collect::<Result<_, _>>()?;
    Ok(Program { path: PathBuf::new(), args, env })
}

/// Gives up everything that `plan` does not grant. Without `no_new_privs` a filter needs `CAP_SYS_ADMIN`, so it is
/// installed before capabilities go; the profile allows all calls that follow.
fn restrict(plan: &ProcessPlan, identity: &Identity) -> io::Result<()> {
    if plan.no_new_privileges {
        rustix::thread::set_no_new_privs(true)?;
    }
    if plan.seccomp {
        for filter in seccomp::filters(plan.capabilities).map_err(io::Error::other)? {
            sys::install_filter(&filter)?;
        }
    }
    for number in 0..64 {
        if plan.capabilities & (1 << number) == 0 || capability::ALL & (1 << number) == 0 {
            sys::drop_from_bounding_set(number)?;
        }
    }
    become_user(identity)?;
    // Changing the user forgets it (prctl(2), PR_SET_PDEATHSIG).
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let root = identity.uid == 0;
    // A host may itself lack a capability, as in a container; then nobody below it can have it.
    let own = rustix::thread::capabilities(None)?.permitted.bits();
    let kept =
        if root { CapabilitySet::from_bits_retain(plan.capabilities & own) } else { CapabilitySet::empty() };
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets)?;
    Ok(())
}

fn become_user(identity: &Identity) -> io::Result<()> {
    let groups: Vec<Gid> = identity.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_groups(&groups)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    Ok(rustix::thread::set_thread_res_uid(uid, uid, uid)?)
}

fn enter_directory(cwd: &Path) -> Result<(), StartFailure> {
    rustix::process::chdir(cwd).map_err(|error| not_entered(cwd, &error.into()))
}

pub(super) fn not_entered(cwd: &Path, error: &io::Error) -> StartFailure {
    let text = format!("chdir to cwd ({:?}) failed: {}", cwd.display().to_string(), reason(error));
    StartFailure::new(StartFailureKind::WorkingDirectory, text)
}

/// Finds the program as execvp(3) does, with runc's words for what goes wrong.
fn find(args: &[String], env: &[(String, String)]) -> Result<PathBuf, StartFailure> {
    let Some(name) = args.first().filter(|name| !name.is_empty()) else {
        return Err(StartFailure::new(StartFailureKind::NotFound, "no command specified"));
    };
    if name.contains('/') {
        return executable(Path::new(name))
            .map(|()| PathBuf::from(name))
            .map_err(|error| not_executable(name, &error));
    }
    let path = env.iter().rev().find(|(key, _)| key == "PATH").map_or(DEFAULT_PATH, |(_, value)| value);
    let mut denied = false;
    for dir in path.split(':') {
        let candidate = Path::new(if dir.is_empty() { "." } else { dir }).join(name);
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) => denied |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    Err(match denied {
        true => {
            StartFailure::new(StartFailureKind::NotExecutable, format!("exec: {name:?}: permission denied"))
        }
        false => not_in_path(name),
    })
}

/// A program that is not there, or is and cannot be executed, as a start would say it.
pub fn missing_program(name: &str, is_there: bool) -> StartFailure {
    match (is_there, name.contains('/')) {
        (true, _) => not_executable(name, &io::ErrorKind::PermissionDenied.into()),
        (false, true) => not_executable(name, &io::ErrorKind::NotFound.into()),
        (false, false) => not_in_path(name),
    }
}

fn not_in_path(name: &str) -> StartFailure {
    StartFailure::new(
        StartFailureKind::NotFound,
        format!("exec: {name:?}: executable file not found in $PATH"),
    )
}

fn executable(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.mode() & 0o111 == 0 || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

fn not_executable(name: &str, error: &io::Error) -> StartFailure {
    let stat = |kind, text| StartFailure::new(kind, format!("exec: {name:?}: stat {name}: {text}"));
    match error.kind() {
        io::ErrorKind::NotFound => stat(StartFailureKind::NotFound, "no such file or directory"),
        io::ErrorKind::NotADirectory => stat(StartFailureKind::NotFound, "not a directory"),
        io::ErrorKind::IsADirectory => {
            StartFailure::new(StartFailureKind::NotExecutable, format!("exec: {name:?}: is a directory"))
        }
        io::ErrorKind::PermissionDenied => {
            StartFailure::new(StartFailureKind::NotExecutable, format!("exec: {name:?}: permission denied"))
        }
        _ => stat(StartFailureKind::Other, &reason(error)),
    }
}

/// The file is there and marked executable, but the kernel would not have it: a missing interpreter, another
/// machine's program.
fn exec_failed(path: &Path, error: &io::Error) -> StartFailure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => StartFailureKind::NotFound,
        _ => StartFailureKind::NotExecutable,
    };
    StartFailure::new(kind, format!("exec {}: {}", path.display(), reason(error)))
}
