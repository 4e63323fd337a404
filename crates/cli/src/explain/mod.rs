//! `landfall explain`: how a task was started, step by step, and why it was not.

mod decision;
mod deployment;
mod find;
mod view;

use std::process::ExitCode;

use landfall_api::landfall::{DescribeTaskStart, DescribeTaskStartRequest, DescribeTaskStartResponse};

use crate::client::{CallError, Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal::{self, Style};
pub(crate) use find::TaskName;
pub(crate) use view::{failure_text, task_text};

/// Shows how a task was started: each step with principal, action, resource, decision and time, and the fix for the
/// one that failed.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// ARN or id of the task; the beginning of an id is enough if only one task has it
    task: String,
    /// Cluster of the task [default: all of them]
    #[arg(long)]
    cluster: Option<String>,
    /// The argument is a Lightsail container service: show what became of its newest deployment, or of `NAME:VERSION`
    #[arg(long, conflicts_with = "cluster")]
    lightsail: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) async fn run(args: ExplainArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    if args.lightsail {
        return deployment::run(&client, &args.task, args.json).await;
    }
    let (client, name) = find::find(client, &args.task, args.cluster.as_deref()).await?;
    let start = describe(&client, &name).await.map_err(|error| find::refused(&args.task, error))?;
    if args.json {
        terminal::print_json(&view::task_json(&start))?;
    } else {
        terminal::print(&task_text(&start, Style::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for the start trace of a task.
pub(crate) async fn describe(
    client: &Client,
    name: &TaskName,
) -> Result<DescribeTaskStartResponse, CallError> {
    let input = DescribeTaskStartRequest { cluster: name.cluster.clone(), task: name.task.clone() };
    client.call::<DescribeTaskStart>(input).await
}
