//! `landfall demo`: the whole story on this machine, with nothing but this binary.
//!
//! A server in a temporary directory, a private registry, an image, the calls that a user would type, one deliberate failure
//! and its fix. At the end everything is stopped and removed, whatever happened on the way.

mod registry;
mod server;
mod shown;
mod story;
mod workspace;

use std::process::ExitCode;
use std::time::Instant;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::doctor;
use crate::error::{CliError, INTERRUPTED};
use crate::terminal::{self, Style};
use registry::PrivateRegistry;
use server::DemoServer;
use story::Times;
use workspace::Workspace;

/// Shows the whole story on this machine: a server and a private registry of its own, the calls that a user would type, the
/// container's output, and one deliberate failure explained. Needs root, no network, and no other tool; leaves nothing
/// behind.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {}

pub(crate) async fn run(_args: DemoArgs) -> Result<ExitCode, CliError> {
    check_host()?;
    // Listened to before anything is made, so that a signal never ends the demo without its clean-up.
    let mut signals = Signals::listen()?;
    let began = Instant::now();
    let workspace = Workspace::make()?;
    let told = tell(&workspace, &mut signals).await;
    let times = both(told, workspace.remove())?;
    terminal::print(&closing(&times, began.elapsed().as_secs_f64()))?;
    Ok(ExitCode::SUCCESS)
}

/// Nothing has been started yet when this fails.
fn check_host() -> Result<(), CliError> {
    let findings = landfall_runtime::doctor();
    if doctor::can_run(&findings) && !registry::PROGRAM.is_empty() {
        return Ok(());
    }
    terminal::note(doctor::as_text(&findings, Style::stderr()).trim_end());
    let error = CliError::new("the demo runs real containers, and this host cannot run any");
    if registry::PROGRAM.is_empty() {
        return Err(error.hint("the image of the demo is made for x86_64 and aarch64 only"));
    }
    Err(error
        .hint("on Linux as root it can: `sudo landfall demo`; in a container: `docker run --privileged`"))
}

async fn tell(workspace: &Workspace, signals: &mut Signals) -> Result<Times, CliError> {
    let mut server = tokio::select! {
        started = DemoServer::start(workspace.path()) => started?,
        interrupted = signals.wait() => return Err(interrupted),
    };
    let told = tokio::select! {
        told = with_registry(workspace, &server) => told.map_err(|error| server.with_log(error)),
        interrupted = signals.wait() => Err(interrupted),
    };
    both(told, server.end().await)
}

/// The story's own failure says more than that of the clean-up after it, but neither is kept back.
fn both(told: Result<Times, CliError>, cleaned: Result<(), CliError>) -> Result<Times, CliError> {
    match (told, cleaned) {
        (told, Ok(())) => told,
        (Ok(_), Err(left)) => Err(left),
        (Err(error), Err(left)) => Err(error.hint(format!("besides, {left}"))),
    }
}

async fn with_registry(workspace: &Workspace, server: &DemoServer) -> Result<Times, CliError> {
    let registry = PrivateRegistry::start(&workspace.path().join("registry")).await?;
    story::tell(server, &registry).await
}

/// The signals that ask for the end.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Self, CliError> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let all = || Ok(Self([interrupt?, terminate?, hangup?]));
        all().map_err(|error: std::io::Error| CliError::new(format!("cannot listen for signals: {error}")))
    }

    async fn wait(&mut self) -> CliError {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        CliError::new("interrupted").code(INTERRUPTED)
    }
}

fn closing(times: &Times, seconds: f64) -> String {
    let run = |ms: Option<i64>| ms.map_or_else(|| "some time".to_owned(), |ms| format!("{ms} ms"));
    format!(
        "Done in {seconds:.1} s. The server was ready after {} ms. From RunTask to a running container: {} with the image \
         to pull, {} with its layers on disk.\nEverything has been stopped and removed. Your own: `landfall serve`, then \
         `eval \"$(landfall env)\"`.\n",
        times.server_ready_ms,
        run(times.first_start_ms),
        run(times.second_start_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_failure_is_kept_back() {
        let times = || Ok(Times { server_ready_ms: 1, first_start_ms: None, second_start_ms: None });
        let text = |told, cleaned| both(told, cleaned).unwrap_err().text();
        assert!(both(times(), Ok(())).is_ok());
        assert_eq!(text(times(), Err(CliError::new("left"))), "error: left\nexit code 1\n");
        let all = text(Err(CliError::new("told")), Err(CliError::new("left")));
        assert_eq!(all, "error: told\nhint: besides, left\nexit code 1\n");
    }

    #[test]
    fn the_closing_names_what_was_measured() {
        let times = Times { server_ready_ms: 24, first_start_ms: Some(180), second_start_ms: None };
        insta::assert_snapshot!(closing(&times, 2.46));
    }
}
