//! `landfall run`: registers a task definition if a file is given, runs it as a task, and watches it.

mod definition;
mod exit;
pub(crate) mod file;
mod logs;
pub(crate) mod progress;
mod report;
mod start;
mod watch;

use std::process::ExitCode;

use clap::ValueEnum;
use landfall_api::ecs;

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal;
use start::Started;

/// Scripts rely on them.
const EXIT_CODES: &str = "Exit codes:
  without --wait and --follow: 0 once the task is accepted; its ARN is printed
  with one of them:            that of the essential container
                               125  the task could not be started
                               130  interrupted; the task goes on
  1  refused, or something else went wrong";

/// Runs one task from a file or a registered task definition.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RunArgs {
    /// A file as `aws ecs register-task-definition --cli-input-json` takes it, `-` for standard input, or a registered
    /// `FAMILY[:REVISION]`
    #[arg(value_name = "FILE | FAMILY[:REVISION]")]
    target: String,
    /// Cluster to run it in; `default` is created if it is missing
    #[arg(long, default_value = "default")]
    cluster: String,
    /// Wait until the task has stopped
    #[arg(long)]
    wait: bool,
    /// Print what its containers write to CloudWatch Logs until the task has stopped
    #[arg(long)]
    follow: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "follow")]
    json: bool,
    /// How to launch it [default: FARGATE where the task definition allows it, else EC2]
    #[arg(long, value_enum, value_name = "TYPE", ignore_case = true)]
    launch_type: Option<LaunchType>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// How a task is launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LaunchType {
    #[value(name = "FARGATE")]
    Fargate,
    #[value(name = "EC2")]
    Ec2,
    #[value(name = "EXTERNAL")]
    External,
}

impl From<LaunchType> for ecs::LaunchType {
    fn from(launch_type: LaunchType) -> Self {
        match launch_type {
            LaunchType::Fargate => Self::Fargate,
            LaunchType::Ec2 => Self::Ec2,
            LaunchType::External => Self::External,
        }
    }
}

pub(crate) async fn run(args: RunArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    let definition = definition::resolve(&client, &args.target).await?;
    let launch_type = args.launch_type.map_or_else(|| start::launch_type(&definition), ecs::LaunchType::from);
    let started = start::run_task(&client, definition, &args.cluster, launch_type).await?;
    if args.wait || args.follow {
        return watch(&client, &started, &args).await;
    }
    if args.json {
        terminal::print_json(&report::json(&started, &started.task))?;
    } else {
        terminal::print(&format!("{}\n", started.arn))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn watch(client: &Client, started: &Started, args: &RunArgs) -> Result<ExitCode, CliError> {
    terminal::note(&format!("task {}", started.arn));
    let stopped = tokio::select! {
        stopped = watch::until_stopped(client, started, args.follow) => stopped?,
        interrupted = tokio::signal::ctrl_c() => return Err(report::stopped_watching(started, interrupted)),
    };
    if args.json {
        terminal::print_json(&report::json(started, &stopped))?;
    }
    report::end(client, started, &stopped).await
}
