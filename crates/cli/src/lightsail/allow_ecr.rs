//! `landfall lightsail allow-ecr`: activate, wait, merge, confirm.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{EcrAccessArgs, service};
use crate::client::Client;
use crate::ecr::change::{self, Unattended};
use crate::ecr::policy::RepositoryPolicy;
use crate::error::CliError;
use crate::terminal;

pub(super) async fn run(args: EcrAccessArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    // Before anything is changed: a policy that cannot be merged into is told at once.
    let before = change::read(&client, &args.of).await?;
    let Some(role) = role(&client, &args).await? else {
        terminal::note("the image puller role is not active: it would be activated first");
        return Ok(ExitCode::SUCCESS);
    };
    let policy = before.clone().unwrap_or_else(RepositoryPolicy::empty);
    let after = change::acceptable(&policy, policy.with(statement(&args.sid(), &role)));
    let written =
        change::write(&client, &args.of, before.as_ref(), &after, args.confirm, Unattended::Write).await?;
    if !args.confirm.dry_run {
        confirm(&client, &args, &role).await?;
    }
    if args.json {
        terminal::print_json(&json!({
            "service": args.service, "repository": args.of.repository, "principal_arn": role,
            "sid": args.sid(), "changed": written,
        }))?;
    } else if !args.confirm.dry_run {
        terminal::note(&format!("`{}` may pull from `{}` as {role}", args.service, args.of.repository));
    }
    Ok(ExitCode::SUCCESS)
}

/// The role, activated if need be; `None` where it would have to be and nothing is to be changed.
async fn role(client: &Client, args: &EcrAccessArgs) -> Result<Option<String>, CliError> {
    if let Some(role) = service::puller(&service::get(client, &args.service).await?) {
        return Ok(Some(role));
    }
    if args.confirm.dry_run {
        return Ok(None);
    }
    service::wait(client, &args.service, "waiting for the service to settle", |_| true).await?;
    service::switch(client, &args.service, true).await?;
    let there = |it: &_| service::puller(it).is_some();
    let found = service::wait(client, &args.service, "activating the image puller role", there).await?;
    Ok(service::puller(&found))
}

fn statement(sid: &str, role: &str) -> Value {
    json!({
        "Sid": sid, "Effect": "Allow", "Principal": {"AWS": role},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    })
}

/// Reads the policy once more: what counts is what is there.
async fn confirm(client: &Client, args: &EcrAccessArgs, role: &str) -> Result<(), CliError> {
    let there = change::read(client, &args.of).await?;
    let wanted = statement(&args.sid(), role);
    let named = |policy: &RepositoryPolicy| {
        policy
            .statements()
            .iter()
            .any(|it| it.get("Sid") == wanted.get("Sid") && it.to_string().contains(role))
    };
    match there.is_some_and(|policy| named(&policy)) {
        true => Ok(()),
        false => Err(CliError::new("the policy was changed by somebody else meanwhile").hint("try again")),
    }
}
