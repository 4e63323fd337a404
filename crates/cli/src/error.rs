//! What a command says when it fails: a sentence, hints, and an exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use landfall_image::{PullError, PullErrorKind};

use crate::terminal::Style;

/// The command was refused or could not be done.
pub(crate) const FAILURE: u8 = 1;
/// The task was accepted but its containers could not be started, as `docker run` has it for containers.
pub(crate) const NOT_STARTED: u8 = 125;
/// The user stopped watching (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;
/// Nobody reads the output any more (128 + SIGPIPE).
const BROKEN_PIPE: u8 = 141;

/// A failure of a command.
#[derive(Debug)]
pub(crate) struct CliError {
    message: String,
    hints: Vec<String>,
    code: u8,
}

impl CliError {
    /// A failure with exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), code: FAILURE }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Ends with another exit code.
    #[must_use]
    pub(crate) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Ends with this exit code and without a word.
    pub(crate) fn silent(code: u8) -> Self {
        Self::new("").code(code)
    }

    /// Writes the failure to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        // Where nobody reads standard error, there is nobody to tell.
        let _ = self.write(&mut io::stderr().lock(), Style::stderr());
        ExitCode::from(self.code)
    }

    fn write(&self, out: &mut impl io::Write, style: Style) -> io::Result<()> {
        if !self.message.is_empty() {
            writeln!(out, "{} {}", style.red("error:"), self.message)?;
        }
        for hint in &self.hints {
            writeln!(out, "{} {hint}", style.cyan("hint:"))?;
        }
        Ok(())
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}

impl From<PullError> for CliError {
    fn from(error: PullError) -> Self {
        let failure = Self::new(error.to_string());
        match advice(error.kind()) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What somebody at a command line can do about a registry's refusal; what a task's owner can do is told with the task.
fn advice(kind: PullErrorKind) -> Option<&'static str> {
    match kind {
        PullErrorKind::NoCredential | PullErrorKind::Unauthorized => Some(
            "log in with `docker login` or `podman login`; for registries of this server, `landfall ecr login`",
        ),
        PullErrorKind::Tls => Some("if the registry speaks plain HTTP, name it with `--insecure-registry`"),
        _ => None,
    }
}

/// Output that cannot be written. A reader that went away (`landfall … | head`) is no failure worth a word.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(BROKEN_PIPE),
            _ => Self::new(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
impl CliError {
    /// What a user sees, without colours.
    pub(crate) fn text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out, Style::plain()).unwrap();
        format!("{}exit code {}\n", String::from_utf8(out).unwrap(), self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_sentence_and_its_hints() {
        let error = CliError::new("there is no task `x`").hint("list them").hint("or not").code(2);
        assert_eq!(error.text(), "error: there is no task `x`\nhint: list them\nhint: or not\nexit code 2\n");
    }

    #[test]
    fn advice_is_for_the_command_line() {
        for kind in [PullErrorKind::NoCredential, PullErrorKind::Unauthorized] {
            assert!(advice(kind).is_some_and(|hint| hint.starts_with("log in with `docker login`")));
        }
        assert!(advice(PullErrorKind::Tls).is_some_and(|hint| hint.contains("`--insecure-registry`")));
        assert_eq!(advice(PullErrorKind::NotFound), None);
    }

    #[test]
    fn a_closed_pipe_is_silent() {
        assert_eq!(CliError::from(io::Error::from(io::ErrorKind::BrokenPipe)).text(), "exit code 141\n");
    }
}
