//! What can go wrong.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::names::{ContainerId, SandboxId};

/// A refused or failed request to the runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// No sandbox of that name.
    #[error("there is no sandbox `{0}`")]
    NoSuchSandbox(SandboxId),
    /// No container of that name.
    #[error("there is no container `{0}`")]
    NoSuchContainer(ContainerId),
    /// The name is taken.
    #[error("`{0}` exists already: remove it first or choose another name")]
    Exists(String),
    /// The container is not running.
    #[error("container `{0}` is not running")]
    NotRunning(ContainerId),
    /// The specification cannot be met as written.
    #[error("{0}")]
    Invalid(String),
    /// A host port is taken. Docker's words, which the official agent passes on.
    #[error("Bind for {host_ip}:{host_port} failed: port is already allocated")]
    PortTaken {
        /// The address asked for.
        host_ip: std::net::Ipv4Addr,
        /// The port asked for.
        host_port: u16,
    },
    /// The program could not be started; the text is the one that runc gives.
    #[error("{0}")]
    Start(StartFailure),
    /// The host refused something.
    #[error("{doing}: {source}")]
    Host {
        /// What was being done, with the thing in back-ticks.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Some parts of a clean-up failed; the rest was done.
    #[error("not everything could be removed: {}", .0.join("; "))]
    Cleanup(Vec<String>),
}

impl RuntimeError {
    pub(crate) fn host(doing: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Host { doing: doing.into(), source: source.into() }
    }

    pub(crate) fn path(doing: &str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::host(format!("{doing} `{}`", path.display()), source)
    }
}

/// Adds what was being done to a system error.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, RuntimeError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, RuntimeError> {
        self.map_err(|error| RuntimeError::host(what(), error))
    }
}

/// Why a program did not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct StartFailure {
    /// The kind, for callers that decide.
    pub kind: StartFailureKind,
    /// The text for people: what runc says in the same case, where it says anything.
    pub message: String,
}

/// Kinds of [`StartFailure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StartFailureKind {
    /// The executable does not exist (Docker's exit code 127).
    NotFound,
    /// The executable may not be executed or is not one (Docker's exit code 126).
    NotExecutable,
    /// User or group is not in the image.
    User,
    /// The working directory cannot be entered.
    WorkingDirectory,
    /// The root file system or a mount cannot be made.
    Mount,
    /// Anything else.
    Other,
}

impl StartFailure {
    pub(crate) fn new(kind: StartFailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn other(doing: &str, error: impl Into<io::Error>) -> Self {
        Self::new(StartFailureKind::Other, format!("{doing}: {}", reason(&error.into())))
    }

    pub(crate) fn mount(path: impl AsRef<Path>, error: impl Into<io::Error>) -> Self {
        let path = path.as_ref().display();
        Self::new(StartFailureKind::Mount, format!("cannot mount `{path}`: {}", reason(&error.into())))
    }
}

/// An error's text as the C library has it, in lower case and without Rust's error number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
