//! `landfall image`: images in and out of registries without docker.

mod archive;
mod copy;
mod graph;
mod ls;
mod place;
mod progress;
mod pull;
mod push;
mod source;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;

/// Moves images without docker: between registries, and between registries and files.
///
/// A name without a registry (`team/app:1`) is a repository of the caller's in the server's Region. Names in AWS's form
/// (`<account>.dkr.ecr.<region>.amazonaws.com/<name>`) are the server's, too. For other registries the logins of docker and
/// podman are used.
#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Debug, Subcommand)]
enum ImageCommand {
    /// List repositories, or the images of one
    Ls(ls::LsArgs),
    /// Push an image from a file: an OCI archive or directory, or what `docker save` writes
    Push(push::PushArgs),
    /// Pull an image into a file that `docker load`, `podman load` and `landfall image push` take
    Pull(pull::PullArgs),
    /// Copy an image from one registry to another, all its platforms
    Cp(copy::CopyArgs),
}

pub(crate) async fn run(args: ImageArgs) -> Result<ExitCode, CliError> {
    match args.command {
        ImageCommand::Ls(args) => ls::run(args).await,
        ImageCommand::Push(args) => push::run(args).await,
        ImageCommand::Pull(args) => pull::run(args).await,
        ImageCommand::Cp(args) => copy::run(args).await,
    }
}
