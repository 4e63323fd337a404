//! The landfall commands, one file each.
//!
//! The commands have no powers of their own: they speak to the server in AWS's protocols, signed like any other client's
//! calls ([`client`]). Only `serve` is the server, and only `demo` starts one.

mod account;
mod check;
mod client;
mod completions;
mod data_dir;
mod demo;
mod doctor;
mod ecr;
mod env;
mod error;
mod explain;
mod finding;
mod iam;
mod image;
mod lightsail;
mod organization;
mod rotation;
mod run;
pub mod serve;
mod snapshot;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::CliError;

/// Runs Amazon ECS tasks on machines you own, private registries and IAM included.
#[derive(Debug, Parser)]
#[command(name = "landfall", version, arg_required_else_help = true, infer_long_args = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server in the foreground
    Serve(serve::ServeArgs),
    /// Print what the AWS CLI and SDKs need to reach the server
    Env(env::EnvArgs),
    /// Create and list accounts
    Account(account::AccountArgs),
    /// Attach service and resource control policies to accounts
    Organization(organization::OrganizationArgs),
    /// Run a task from a file or a registered task definition
    Run(Box<run::RunArgs>),
    /// Say what would keep tasks of a definition from starting, before one is run
    Check(Box<check::CheckArgs>),
    /// Write what `check` needs of the server, and no secret, into a file: checks then need no server
    Snapshot(snapshot::SnapshotArgs),
    /// Show how a task was started, step by step, and why it was not
    Explain(explain::ExplainArgs),
    /// Ask the policy engine: decide cases, list who may do what
    Iam(iam::IamArgs),
    /// Log docker, podman and skopeo in, and say who may use a repository
    Ecr(ecr::EcrArgs),
    /// Move images without docker
    Image(image::ImageArgs),
    /// Let Lightsail container services pull private images from Amazon ECR
    Lightsail(lightsail::LightsailArgs),
    /// Register functions that rotate secrets, and see how rotations stand
    Rotation(rotation::RotationArgs),
    /// Show the whole story on this machine: nothing else is needed, nothing stays behind
    Demo(demo::DemoArgs),
    /// Say what this host lacks for running tasks
    Doctor(doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Reads the arguments, runs the command and reports its failure.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_command(arguments.command).unwrap_or_else(|error| error.report())
}

fn run_command(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve(args) => serve::run(args).map_err(CliError::from),
        Command::Env(args) => env::run(&args),
        Command::Account(args) => wait_for(account::run(args)),
        Command::Organization(args) => wait_for(organization::run(args)),
        Command::Run(args) => wait_for(run::run(*args)),
        Command::Check(args) => wait_for(check::run(*args)),
        Command::Snapshot(args) => wait_for(snapshot::run(args)),
        Command::Explain(args) => wait_for(explain::run(args)),
        Command::Iam(args) => wait_for(iam::run(args)),
        Command::Ecr(args) => wait_for(ecr::run(args)),
        Command::Image(args) => wait_for(image::run(args)),
        Command::Lightsail(args) => wait_for(lightsail::run(args)),
        Command::Rotation(args) => wait_for(rotation::run(args)),
        Command::Demo(args) => wait_for(demo::run(args)),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Runs a command that talks to the server. One thread is enough for a client.
fn wait_for(work: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CliError::new(format!("cannot start: {error}")))?.block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_of_run_names_its_exit_codes() {
        let mut root = Arguments::command();
        let run = root.find_subcommand_mut("run").unwrap();
        assert!(run.render_help().to_string().contains("125  the task could not be started"));
    }

    #[test]
    fn the_help_names_every_command() {
        insta::assert_snapshot!(Arguments::command().render_help());
    }
}
