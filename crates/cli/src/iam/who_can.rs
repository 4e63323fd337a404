//! `landfall iam who-can`: which principals of the installation may do something.

use std::process::ExitCode;

use landfall_api::landfall::{AllowedPrincipal, ListAllowedPrincipals, ListAllowedPrincipalsRequest};
use serde_json::{Value, json};

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal;

/// Lists who may do an action to a resource, with the kind of policy and the statement that lets them.
#[derive(Debug, clap::Args)]
pub(crate) struct WhoCanArgs {
    /// For example `secretsmanager:GetSecretValue`
    #[arg(value_name = "ACTION")]
    action: String,
    /// ARN of the resource, `*` for actions without one
    #[arg(value_name = "RESOURCE")]
    resource: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) async fn run(args: WhoCanArgs) -> Result<ExitCode, CliError> {
    let input = ListAllowedPrincipalsRequest {
        action: args.action,
        resource: args.resource,
        ..ListAllowedPrincipalsRequest::default()
    };
    let found = Client::connect(&args.connect)?.call::<ListAllowedPrincipals>(input).await?.principals;
    if args.json {
        terminal::print_json(&Value::Array(found.iter().map(as_json).collect()))?;
    } else if found.is_empty() {
        terminal::note("nobody");
    } else {
        terminal::print(&found.iter().map(as_line).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(principal: &AllowedPrincipal) -> Value {
    json!({"arn": principal.arn, "layer": principal.layer, "deciding": principal.deciding})
}

fn as_line(principal: &AllowedPrincipal) -> String {
    let deciding = principal.deciding.as_deref().unwrap_or("no statement is needed");
    format!("{}  ({}: {deciding})\n", principal.arn, principal.layer)
}
