//! Starts shims.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use landfall_base::Sensitive;
use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};
use serde::Serialize;

use crate::error::{Doing, RuntimeError};
use crate::plan::Report;
use crate::sys;

/// The program that shims run, on a mount of its own that nobody can write to: a container that gets hold of its first
/// process's executable through proc must not be able to change the server's binary.
pub(super) struct ShimProgram {
    sealed: Option<OwnedFd>,
    path: PathBuf,
}

impl ShimProgram {
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, RuntimeError> {
        let path = path.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        File::open(&path).doing(|| format!("cannot open the shim's program `{}`", path.display()))?;
        // Without the right to mount no container can be started either; `doctor` says so.
        Ok(Self { sealed: seal(&path).ok(), path })
    }

    fn executable(&self) -> PathBuf {
        match &self.sealed {
            Some(fd) => Path::new("/proc/self/fd").join(fd.as_raw_fd().to_string()),
            None => self.path.clone(),
        }
    }

    /// Starts a shim and hands it its plan. The environment is not passed on, and the plan only through the pipe.
    pub(super) fn spawn(
        &self,
        role: &str,
        plan: &impl Serialize,
        stderr: Stdio,
    ) -> Result<Child, RuntimeError> {
        let plan = serde_json::to_vec(plan)
            .map_err(std::io::Error::other)
            .doing(|| "cannot write the plan".to_owned())?;
        let plan = Sensitive::new(plan);
        let mut command = Command::new(self.executable());
        command.arg0("landfall").args(["shim", role]).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().doing(|| "cannot start the shim".to_owned())?;
        if let Some(mut stdin) = child.stdin.take() {
            // A shim that ended early has said why on its output.
            let _ = stdin.write_all(plan.expose());
        }
        Ok(child)
    }
}

fn seal(path: &Path) -> std::io::Result<OwnedFd> {
    let fd = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    sys::set_mount_attributes(&fd, sys::READ_ONLY, false)?;
    Ok(fd)
}

/// Waits for the shim's line about the start.
pub(super) fn report(child: &mut Child) -> Result<(i32, i64), RuntimeError> {
    let mut line = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        read_line(&mut stdout, &mut line).doing(|| "cannot hear from the shim".to_owned())?;
    }
    match serde_json::from_str(&line) {
        Ok(Report::Started { pid, started_at }) => Ok((pid, started_at)),
        Ok(Report::Failed(failure)) => Err(RuntimeError::Start(failure)),
        Err(error) => Err(RuntimeError::host("the shim ended without a word", std::io::Error::other(error))),
    }
}

/// To the first newline: the shim of an exec keeps the stream open.
fn read_line(from: &mut impl Read, line: &mut String) -> std::io::Result<()> {
    use std::io::BufRead;
    std::io::BufReader::new(from).read_line(line).map(drop)
}
