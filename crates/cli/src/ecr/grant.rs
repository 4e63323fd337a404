//! `landfall ecr grant` and `revoke`: one principal more or less in a repository's policy.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::change::{self, ConfirmArgs, RepositoryArg, Unattended};
use super::policy::{RepositoryPolicy, account_of, difference};
use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::run::file;
use crate::terminal;

/// What pulling takes.
const PULL: [&str; 3] =
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
/// What pushing takes beside that.
const PUSH: [&str; 4] =
    ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"];

/// Arguments of `grant` and `revoke`.
#[derive(Debug, clap::Args)]
pub(crate) struct GrantArgs {
    #[command(flatten)]
    of: RepositoryArg,
    /// Account (12 digits), ARN of a user or role, or a service such as `lambda.amazonaws.com`
    #[arg(value_name = "PRINCIPAL")]
    principal: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Merge into the policy in this file, as `aws ecr get-repository-policy` shows it, and print it instead of writing it
    /// into a repository; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "yes"])]
    present: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Lets a principal pull from a repository, keeping the rest of its policy.
pub(super) async fn grant(args: GrantArgs, push: bool) -> Result<ExitCode, CliError> {
    let statement = statement(&args.principal, push)?;
    apply(args, |policy| policy.granting(statement)).await
}

/// Takes a principal out of the statements that let it in.
pub(super) async fn revoke(args: GrantArgs) -> Result<ExitCode, CliError> {
    let sids = [false, true].map(|push| sid(&args.principal, push));
    let principal = principal_block(&args.principal)?;
    apply(args, |policy| policy.revoking(&sids, &principal)).await
}

async fn apply(
    args: GrantArgs,
    merge: impl FnOnce(&RepositoryPolicy) -> RepositoryPolicy,
) -> Result<ExitCode, CliError> {
    if let Some(path) = &args.present {
        let text = if path.as_os_str() == "-" { file::read_standard_input()? } else { file::read(path)? };
        let before = RepositoryPolicy::read(&text)?;
        let after = change::acceptable(&before, merge(&before));
        terminal::note(difference(Some(&before), Some(&after)).trim_end());
        terminal::print(&after.lines())?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = Client::connect(&args.connect)?;
    let before = change::read(&client, &args.of).await?;
    let policy = before.clone().unwrap_or_else(RepositoryPolicy::empty);
    let after = change::acceptable(&policy, merge(&policy));
    let written =
        change::write(&client, &args.of, before.as_ref(), &after, args.confirm, Unattended::Refuse).await?;
    if args.json {
        terminal::print_json(&json!({
            "repository": args.of.repository, "principal": args.principal, "changed": written,
            "policy": (!after.is_empty()).then(|| after.text()),
        }))?;
    } else if !written && !args.confirm.dry_run {
        terminal::note("nothing to change");
    }
    Ok(ExitCode::SUCCESS)
}

fn statement(principal: &str, push: bool) -> Result<Value, CliError> {
    let mut actions: Vec<&str> = PULL.to_vec();
    if push {
        actions.extend(PUSH);
        actions.sort_unstable();
    }
    Ok(json!({
        "Sid": sid(principal, push), "Effect": "Allow", "Principal": principal_block(principal)?, "Action": actions,
    }))
}

fn principal_block(principal: &str) -> Result<Value, CliError> {
    let principal = account_of(principal);
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    if is_account {
        return Ok(json!({"AWS": format!("arn:aws:iam::{principal}:root")}));
    }
    if principal.starts_with("arn:") {
        return Ok(json!({"AWS": principal}));
    }
    if principal.ends_with(".amazonaws.com") {
        return Ok(json!({"Service": principal}));
    }
    Err(CliError::new(format!("`{principal}` is no principal")).hint(
        "an account of 12 digits, the ARN of a user or role, or a service such as `lambda.amazonaws.com`",
    ))
}

/// The name of the statement that lets a principal in.
fn sid(principal: &str, push: bool) -> String {
    let principal = account_of(principal);
    let principal = principal.strip_prefix("arn:aws:iam::").unwrap_or(principal);
    let plain: String = principal.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("Allow{}-{plain}", if push { "PushPull" } else { "Pull" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_written_as_ecr_takes_them() {
        for (given, expected) in [
            ("111122223333", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
            ("arn:aws:iam::111122223333:role/ci", r#"{"AWS":"arn:aws:iam::111122223333:role/ci"}"#),
            ("arn:aws:iam::111122223333:root", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
            ("lambda.amazonaws.com", r#"{"Service":"lambda.amazonaws.com"}"#),
        ] {
            assert_eq!(principal_block(given).unwrap().to_string(), expected);
        }
        assert!(principal_block("ci").is_err());
    }

    #[test]
    fn a_grant_has_a_name_of_its_own() {
        assert_eq!(sid("arn:aws:iam::111122223333:role/a/ci", false), "AllowPull-111122223333-role-a-ci");
        assert_eq!(sid("111122223333", true), "AllowPushPull-111122223333");
        assert_eq!(sid("arn:aws:iam::111122223333:root", true), "AllowPushPull-111122223333");
    }

    #[test]
    fn pushing_takes_seven_actions() {
        let actions = statement("111122223333", true).unwrap()["Action"].as_array().unwrap().len();
        assert_eq!(actions, 7);
    }
}
