//! `landfall ecr`: logging tools in, and who may use a repository.

pub(crate) mod change;
mod grant;
pub(crate) mod login;
pub(crate) mod policy;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;

/// Logs docker, podman and skopeo in, and says who may use a repository.
#[derive(Debug, clap::Args)]
pub(crate) struct EcrArgs {
    #[command(subcommand)]
    command: EcrCommand,
}

#[derive(Debug, Subcommand)]
enum EcrCommand {
    /// Log docker, podman and skopeo in to the caller's registry
    Login(login::LoginArgs),
    /// Let an account, user, role or service pull from a repository; the rest of its policy stays
    Grant {
        #[command(flatten)]
        args: Box<grant::GrantArgs>,
        /// Let it push, too
        #[arg(long)]
        push: bool,
    },
    /// Take a principal out of the statements of a repository's policy that let it in; the rest stays
    Revoke(Box<grant::GrantArgs>),
}

pub(crate) async fn run(args: EcrArgs) -> Result<ExitCode, CliError> {
    match args.command {
        EcrCommand::Login(args) => login::run(args).await,
        EcrCommand::Grant { args, push } => grant::grant(*args, push).await,
        EcrCommand::Revoke(args) => grant::revoke(*args).await,
    }
}
