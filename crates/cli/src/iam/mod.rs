//! `landfall iam`: questions to the policy engine.

mod simulate;
mod who_can;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;

/// Asks the policy engine.
#[derive(Debug, clap::Args)]
pub(crate) struct IamArgs {
    #[command(subcommand)]
    command: IamCommand,
}

#[derive(Debug, Subcommand)]
enum IamCommand {
    /// Decide cases from a file, without a server
    Simulate(simulate::SimulateArgs),
    /// List who may do an action to a resource, as the server's policies stand now
    WhoCan(who_can::WhoCanArgs),
}

pub(crate) async fn run(args: IamArgs) -> Result<ExitCode, CliError> {
    match args.command {
        IamCommand::Simulate(args) => simulate::run(&args),
        IamCommand::WhoCan(args) => who_can::run(args).await,
    }
}
