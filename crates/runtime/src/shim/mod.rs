//! The shim: the process between the server and a container. It starts the container, keeps its log and its exit code,
//! and outlives the server. The server re-executes its own binary for it, so nothing here may assume more than one
//! thread or inherit anything from the server.

mod logfile;
mod proxy;
mod supervise;

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::fs::{FlockOperation, flock};
use rustix::pipe::{PipeFlags, pipe_with};
use serde::de::DeserializeOwned;

use crate::error::StartFailure;
use crate::init;
use crate::layout::{ContainerDir, Started, write_json};
use crate::plan::{ContainerPlan, ExecPlan, Report};
use crate::sys::{self, Forked};

/// What `landfall shim …` does. `args` are those behind `shim`. To be called before any thread is started.
pub fn shim_main(args: &[String]) -> ExitCode {
    match args.first().map(String::as_str) {
        Some("container") => run(container),
        Some("exec") => run(exec),
        Some("proxy") => run(proxy::run),
        _ => {
            eprintln!("`shim` is started by the server and of no use by hand");
            ExitCode::from(64)
        }
    }
}

fn run<P: DeserializeOwned>(role: fn(P) -> Result<(), StartFailure>) -> ExitCode {
    let result = read_plan().and_then(role);
    if let Err(failure) = result {
        tell(&Report::Failed(failure));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn read_plan<P: DeserializeOwned>() -> Result<P, StartFailure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| StartFailure::other("cannot read the plan", error))?;
    let plan = serde_json::from_slice(&bytes);
    plan.map_err(|error| StartFailure::other("cannot understand the plan", std::io::Error::other(error)))
}

/// One line to the server. It may be gone, which changes nothing here.
fn tell(report: &Report) {
    let Ok(mut line) = serde_json::to_vec(report) else { return };
    line.push(b'\n');
    let mut out = std::io::stdout();
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// Leaves the server's session and process tree, so that neither a signal to it nor its end reaches the shim.
fn detach() -> Result<(), StartFailure> {
    let forked = sys::fork_with_namespaces(0).map_err(|error| StartFailure::other("cannot fork", error))?;
    if matches!(forked, Forked::Parent { .. }) {
        sys::exit_now(0);
    }
    rustix::process::setsid().map_err(|error| StartFailure::other("cannot begin a session", error))?;
    sys::set_signal_mask(true);
    rustix::process::chdir("/").map_err(|error| StartFailure::other("cannot change to `/`", error))
}

/// Both ends of a pipe, closed at exec.
fn pipe() -> Result<(File, File), StartFailure> {
    let (read, write) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| StartFailure::other("cannot make a pipe", error))?;
    Ok((read.into(), write.into()))
}

fn container(plan: ContainerPlan) -> Result<(), StartFailure> {
    let dir = ContainerDir(plan.dir.clone());
    let lock =
        File::create(dir.lock()).map_err(|error| StartFailure::other("cannot make the lock file", error))?;
    detach()?;
    hold(&lock)?;
    // Where there is no cgroup to move to, the shim stays with the server.
    let _ = init::join(&plan.cgroup.shim_join);
    let log = logfile::LogFile::open(&dir.log(), plan.log_bytes)
        .map_err(|error| StartFailure::other("cannot open the log", error))?;
    let child = start(&plan)?;
    let started = Started { pid: child.pid, shim: std::process::id().cast_signed(), started_at: now() };
    write_json(&dir.started(), &started)
        .map_err(|error| StartFailure::other("cannot write `started.json`", error))?;
    tell(&Report::Started { pid: started.pid, started_at: started.started_at });
    close_stdio();
    let oom_events = plan.cgroup.oom_events.clone();
    // The environment is not needed any more.
    drop(plan);
    supervise::until_exit(child, log, &dir, oom_events.as_deref());
    drop(lock);
    Ok(())
}

/// Takes the lock that shows the server that this process lives. The server itself has it for an instant whenever it
/// looks, so one refusal says nothing.
fn hold(lock: &File) -> Result<(), StartFailure> {
    let mut result = flock(lock, FlockOperation::NonBlockingLockExclusive);
    for _ in 0..200 {
        if result != Err(rustix::io::Errno::WOULDBLOCK) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        result = flock(lock, FlockOperation::NonBlockingLockExclusive);
    }
    result.map_err(|error| StartFailure::other("another shim is still at work here", error))
}

/// The container's first process and what it writes.
struct Child {
    pid: i32,
    pidfd: std::os::fd::OwnedFd,
    stdout: File,
    stderr: File,
}

fn start(plan: &ContainerPlan) -> Result<Child, StartFailure> {
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = pipe()?;
    let (mut failure, failure_end) = pipe()?;
    let forked = sys::fork_with_namespaces(init::NAMESPACES);
    match forked.map_err(|error| StartFailure::other("cannot make namespaces", error))? {
        Forked::Child => {
            if let Err(error) = wire_stdio(&stdout_end, &stderr_end) {
                sys::exit_now(error.raw_os_error());
            }
            drop((stdout, stderr, failure, stdout_end, stderr_end));
            init::run(plan, failure_end)
        }
        Forked::Parent { pid, pidfd } => {
            drop((stdout_end, stderr_end, failure_end));
            started_or_failed(&mut failure)?;
            Ok(Child { pid: pid.as_raw_nonzero().get(), pidfd, stdout, stderr })
        }
    }
}

/// Exec closes the other end without a word; a failure comes as text.
fn started_or_failed(failure: &mut File) -> Result<(), StartFailure> {
    let mut text = Vec::new();
    failure
        .read_to_end(&mut text)
        .map_err(|error| StartFailure::other("cannot hear from the container", error))?;
    if text.is_empty() {
        return Ok(());
    }
    let failure = serde_json::from_slice(&text);
    Err(failure.unwrap_or_else(|error| {
        StartFailure::other("cannot understand the container", std::io::Error::other(error))
    }))
}

fn wire_stdio(stdout: &File, stderr: &File) -> rustix::io::Result<()> {
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)
}

/// The server waits for the end of this stream.
fn close_stdio() {
    let Ok(null) = File::options().read(true).write(true).open("/dev/null") else { return };
    let _ = rustix::stdio::dup2_stdin(&null);
    let _ = rustix::stdio::dup2_stdout(&null);
    let _ = rustix::stdio::dup2_stderr(&null);
}

fn now() -> i64 {
    use landfall_base::Clock;
    landfall_base::SystemClock.now().millis()
}

/// A further process in a running container: output goes where the server pointed stderr, the exit code is the shim's.
fn exec(mut plan: ExecPlan) -> Result<(), StartFailure> {
    let container = open_container(plan.pid)?;
    inherit_environment(&mut plan);
    let failed = |error: std::io::Error| StartFailure::other("cannot enter the container", error);
    sys::setns(&container, libc::CLONE_NEWPID).map_err(failed)?;
    let (mut failure, failure_end) = pipe()?;
    match sys::fork_with_namespaces(0).map_err(failed)? {
        Forked::Child => {
            drop(failure);
            if let Err(error) = exec_stdio() {
                sys::exit_now(error.raw_os_error());
            }
            init::run_exec(&plan, &container, failure_end)
        }
        Forked::Parent { pid, pidfd } => {
            drop(failure_end);
            started_or_failed(&mut failure)?;
            tell(&Report::Started { pid: pid.as_raw_nonzero().get(), started_at: now() });
            sys::exit_now(supervise::exit_code(&pidfd));
        }
    }
}

/// The environment that the container was started with: the kernel remembers it, so that nobody has to write it down.
/// What the plan sets wins.
fn inherit_environment(plan: &mut ExecPlan) {
    let mut bytes = std::fs::read(format!("/proc/{}/environ", plan.pid)).unwrap_or_default();
    if bytes.is_empty() {
        // The first process is the small init, which has none; its first child is the program.
        let children =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", plan.pid)).unwrap_or_default();
        let child = children.split_whitespace().next().unwrap_or("-");
        bytes = std::fs::read(format!("/proc/{child}/environ")).unwrap_or_default();
    }
    for variable in bytes.split(|byte| *byte == 0) {
        let text = String::from_utf8_lossy(variable);
        if let Some((name, value)) = text.split_once('=')
            && !plan.process.env.iter().any(|(known, _)| known == name)
        {
            plan.process.env.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn exec_stdio() -> rustix::io::Result<()> {
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())
}

fn open_container(pid: i32) -> Result<std::os::fd::OwnedFd, StartFailure> {
    let gone = |error: rustix::io::Errno| StartFailure::other("the container has ended", error);
    let pid = rustix::process::Pid::from_raw(pid).ok_or_else(|| gone(rustix::io::Errno::SRCH))?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).map_err(gone)
}
