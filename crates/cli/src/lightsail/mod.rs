//! `landfall lightsail`: what the Lightsail console does around private images from Amazon ECR.

mod allow_ecr;
mod revoke_ecr;
mod service;

use std::process::ExitCode;

use clap::Subcommand;

use crate::client::ConnectArgs;
use crate::ecr::change::{ConfirmArgs, RepositoryArg};
use crate::error::CliError;

/// Lets container services pull private images from Amazon ECR, as the Lightsail console does.
#[derive(Debug, clap::Args)]
pub(crate) struct LightsailArgs {
    #[command(subcommand)]
    command: LightsailCommand,
}

#[derive(Debug, Subcommand)]
enum LightsailCommand {
    /// Activate a service's image puller role, wait for it, and let it into a repository
    AllowEcr(Box<EcrAccessArgs>),
    /// Take a service's image puller role out of a repository's policy; the role goes when no repository names it any more
    RevokeEcr(Box<EcrAccessArgs>),
}

/// A service and a repository.
#[derive(Debug, clap::Args)]
struct EcrAccessArgs {
    /// Name of the container service
    #[arg(value_name = "SERVICE")]
    service: String,
    #[command(flatten)]
    of: RepositoryArg,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl EcrAccessArgs {
    /// The name of the statement, as the Lightsail console gives it.
    fn sid(&self) -> String {
        format!("AllowLightsailPull-{}", self.service)
    }
}

pub(crate) async fn run(args: LightsailArgs) -> Result<ExitCode, CliError> {
    match args.command {
        LightsailCommand::AllowEcr(args) => allow_ecr::run(*args).await,
        LightsailCommand::RevokeEcr(args) => revoke_ecr::run(*args).await,
    }
}
