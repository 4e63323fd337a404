//! `landfall lightsail revoke-ecr`: the statement goes, and the role with the last of its statements.

use std::process::ExitCode;

use landfall_api::ecr;
use serde_json::json;

use super::{EcrAccessArgs, service};
use crate::client::Client;
use crate::ecr::change::{self, RepositoryArg, Unattended};
use crate::ecr::policy::RepositoryPolicy;
use crate::error::CliError;
use crate::terminal;

pub(super) async fn run(args: EcrAccessArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    let before = change::read(&client, &args.of).await?;
    let policy = before.clone().unwrap_or_else(RepositoryPolicy::empty);
    let after = change::acceptable(&policy, policy.without(&args.sid()));
    let written =
        change::write(&client, &args.of, before.as_ref(), &after, args.confirm, Unattended::Write).await?;
    let deactivated = !args.confirm.dry_run && deactivate(&client, &args).await?;
    if args.json {
        terminal::print_json(&json!({
            "service": args.service, "repository": args.of.repository, "sid": args.sid(), "changed": written,
            "deactivated": deactivated,
        }))?;
    } else if !args.confirm.dry_run {
        let role = if deactivated { "; its image puller role is off" } else { "" };
        terminal::note(&format!("`{}` may not pull from `{}`{role}", args.service, args.of.repository));
    }
    Ok(ExitCode::SUCCESS)
}

/// Switches the role off unless a repository still names it. Repositories of other accounts cannot be looked at: for those
/// the role stays.
async fn deactivate(client: &Client, args: &EcrAccessArgs) -> Result<bool, CliError> {
    let Some(role) = service::puller(&service::get(client, &args.service).await?) else { return Ok(false) };
    if args.of.registry_id.is_some() || named_elsewhere(client, &role).await? {
        return Ok(false);
    }
    service::wait(client, &args.service, "waiting for the service to settle", |_| true).await?;
    service::switch(client, &args.service, false).await?;
    let gone = |it: &_| service::puller(it).is_none();
    service::wait(client, &args.service, "deactivating the image puller role", gone).await?;
    Ok(true)
}

async fn named_elsewhere(client: &Client, role: &str) -> Result<bool, CliError> {
    let mut next_token = None;
    loop {
        let input = ecr::DescribeRepositoriesRequest { next_token, ..Default::default() };
        let page = client.call::<ecr::DescribeRepositories>(input).await?;
        for found in page.repositories.unwrap_or_default() {
            let of =
                RepositoryArg { repository: found.repository_name.unwrap_or_default(), registry_id: None };
            if change::read(client, &of).await?.is_some_and(|policy| policy.text().contains(role)) {
                return Ok(true);
            }
        }
        match page.next_token {
            Some(token) => next_token = Some(token),
            None => return Ok(false),
        }
    }
}
