//! `landfall serve`: the server, in the foreground.

mod client_file;
mod containers;
mod data_dir;
mod logging;
mod own_layers;
mod registry_name;
mod rotations;
mod server;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use landfall_base::{AccountId, Region};
use landfall_services::pipe::AuthMode;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use client_file::{ClientFile, ca_certificate, read as read_client_file};
pub use data_dir::default_data_dir;
pub use registry_name::RegistryNameOption;
pub use server::{Server, ServerOptions};

/// Runs the server in the foreground.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4566", env = "LANDFALL_LISTEN")]
    pub listen: SocketAddr,
    /// Where everything is kept [default: $XDG_DATA_HOME/landfall or ~/.local/share/landfall]
    #[arg(long, value_name = "DIR", env = "LANDFALL_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// What happens to calls that IAM refuses: they fail, pass with a note in the log, or are not looked at
    #[arg(long, value_enum, default_value = "enforce", env = "LANDFALL_AUTH")]
    pub auth: Auth,
    /// Region for clients that name none
    #[arg(long, default_value = "us-east-1", env = "LANDFALL_REGION")]
    pub region: Region,
    /// Id of the account that is made at the first start
    #[arg(long, value_name = "ID", default_value = "000000000000", env = "LANDFALL_ACCOUNT")]
    pub account: AccountId,
    /// Name of the ECR registries in answers: `local` is this server's address, `aws` is AWS's host names, or a host and port
    #[arg(long, value_name = "NAME", default_value = "local", env = "LANDFALL_REGISTRY_NAME")]
    pub registry_name: RegistryNameOption,
    /// Registries that speak plain HTTP, beside those on this machine (`host` or `host:port`; may be given several times)
    #[arg(long, value_name = "HOST", env = "LANDFALL_INSECURE_REGISTRIES", value_delimiter = ',')]
    pub insecure_registry: Vec<String>,
    /// Seconds that a registry may take for each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, env = "LANDFALL_REGISTRY_TIMEOUT")]
    pub registry_timeout: u64,
    /// Seconds that the ECR registries keep a layer that no image names; longer than the slowest push takes
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, env = "LANDFALL_UNUSED_LAYERS_FOR")]
    pub unused_layers_for: u64,
}

/// What happens to calls that IAM refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Auth {
    /// They fail, as on AWS.
    Enforce,
    /// They pass; what would have been refused is logged.
    Audit,
    /// Nothing is looked at; any credentials do.
    Off,
}

impl From<Auth> for AuthMode {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Enforce => Self::Enforce,
            Auth::Audit => Self::Audit,
            Auth::Off => Self::Off,
        }
    }
}

/// Runs the command until SIGTERM or SIGINT.
///
/// # Errors
/// The server cannot start.
pub fn run(args: ServeArgs) -> Result<ExitCode> {
    refuse_open_door(&args)?;
    let data_dir = args.data_dir.clone().map_or_else(default_data_dir, Ok)?;
    leave_no_core_dump()?;
    data_dir::prepare(&data_dir)?;
    let _logging = logging::start(&data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    runtime.block_on(serve(options(args, data_dir)))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    Ok(ExitCode::SUCCESS)
}

/// A core dump would have the secrets that calls are about: the kernel writes none of this process. Shims and containers
/// are programs of their own and keep what they ask for (prctl(2), `PR_SET_DUMPABLE`).
fn leave_no_core_dump() -> Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot turn core dumps off")
}

/// Without IAM whoever reaches the server runs containers as root.
fn refuse_open_door(args: &ServeArgs) -> Result<()> {
    if args.auth != Auth::Enforce && !args.listen.ip().is_loopback() {
        bail!(
            "`--auth {}` with `--listen {}` would let anybody on the network run containers here: listen on 127.0.0.1, or \
             use `--auth enforce`",
            if args.auth == Auth::Off { "off" } else { "audit" },
            args.listen
        );
    }
    Ok(())
}

fn options(args: ServeArgs, data_dir: PathBuf) -> ServerOptions {
    ServerOptions {
        listen: args.listen,
        data_dir,
        auth: args.auth.into(),
        region: args.region,
        account: args.account,
        registry_name: args.registry_name,
        insecure_registries: args.insecure_registry,
        registry_timeout: std::time::Duration::from_secs(args.registry_timeout.max(1)),
        unused_layers_for: std::time::Duration::from_secs(args.unused_layers_for),
    }
}

async fn serve(options: ServerOptions) -> Result<()> {
    // Before anybody can see that the server is there: from then on a signal ends it in an orderly way.
    let mut signals = StopSignals::listen()?;
    let server = Server::start(options).await?;
    eprintln!("{}", server.banner());
    for warning in server.warnings() {
        eprintln!("warning: {warning}");
    }
    signals.wait().await;
    eprintln!("stopping; tasks go on running");
    server.stop().await;
    Ok(())
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
