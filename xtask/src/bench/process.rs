//! Programs that are started for the benchmark: servers, stopped by their process id, and tools, run to their end.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::machine::proc;

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to end when asked.
const GRACE: Duration = Duration::from_secs(15);

/// A server that runs until this value is dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Server {
    /// Starts a program whose output goes to `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { child, log: log.to_owned(), name: name.to_owned() })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks `ready` again and again until it says yes; fails when the program ends or takes too long.
    pub(crate) fn wait(&mut self, pause: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let began = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended ({status}): {}", self.name, self.last_words());
            }
            if began.elapsed() > PATIENCE {
                bail!("`{}` is not ready after {} s: {}", self.name, PATIENCE.as_secs(), self.last_words());
            }
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// Waits until something listens at `address`.
    pub(crate) fn wait_listening(&mut self, address: SocketAddr) -> Result<()> {
        self.wait(Duration::from_millis(10), || TcpStream::connect(address).is_ok())
    }

    /// Kills it at once, as a crash would, and waits until it is gone. What it started goes, too.
    pub(crate) fn kill(mut self) {
        let descendants = proc::tree(self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
        descendants.into_iter().skip(1).for_each(|pid| signal(pid, Signal::KILL));
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        last_lines(&text, 3)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let descendants = proc::tree(self.pid());
        stop(&mut self.child);
        // Children that it did not take along; itself is the first of the list.
        for pid in descendants.into_iter().skip(1) {
            signal(pid, Signal::KILL);
        }
    }
}

/// Asks politely first.
fn stop(child: &mut Child) {
    signal(child.id(), Signal::TERM);
    let began = Instant::now();
    while began.elapsed() < GRACE {
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// An address on loopback that nobody listens at.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let probe = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on 127.0.0.1")?;
    Ok(probe.local_addr()?)
}

/// Runs a program to its end. Its standard output, or an error with what it wrote to standard error.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let path = command.get_program().to_string_lossy().into_owned();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{name}`"))?;
    if !done.status.success() {
        bail!("`{name}` failed ({}): {}", done.status, last_lines(&String::from_utf8_lossy(&done.stderr), 2));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join(" / ")
}

/// How long `work` takes, in milliseconds.
pub(crate) fn milliseconds<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo zero >&2; echo one >&2; echo two >&2; exit 3"]);
        let error = output(command).unwrap_err().to_string();
        assert_eq!(error, "`sh` failed (exit status: 3): one / two");
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no licence; exit 1"]);
        let mut server = Server::start("sh", command, &directory.path().join("log")).unwrap();
        let error = server.wait(Duration::from_millis(1), || false).unwrap_err().to_string();
        assert_eq!(error, "`sh` ended (exit status: 1): no licence");
    }
}
