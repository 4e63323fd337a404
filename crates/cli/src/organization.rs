//! `landfall organization`: service and resource control policies over accounts.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use landfall_api::landfall::{
    DeleteOrganizationPolicy, DeleteOrganizationPolicyRequest, ListOrganizationPolicies,
    ListOrganizationPoliciesRequest, OrganizationPolicy, OrganizationPolicyType, PutOrganizationPolicy,
    PutOrganizationPolicyRequest,
};
use serde_json::{Value, json};

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal;

/// Attaches policies to accounts, or to all accounts.
#[derive(Debug, clap::Args)]
pub(crate) struct OrganizationArgs {
    #[command(subcommand)]
    command: OrganizationCommand,
}

#[derive(Debug, Subcommand)]
enum OrganizationCommand {
    /// Attach a policy, or change the one of that name
    Attach(AttachArgs),
    /// Detach a policy
    Detach(DetachArgs),
    /// List policies and what they are attached to
    List(ListArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Service control policy: limits what principals of the accounts may do
    Scp,
    /// Resource control policy: limits what may be done to resources of the accounts
    Rcp,
}

#[derive(Debug, clap::Args)]
struct PolicyArgs {
    /// Kind of policy
    #[arg(value_name = "KIND")]
    kind: Kind,
    /// Name of the policy
    #[arg(value_name = "NAME")]
    name: String,
    /// Id of an account, or `root` for all of them
    #[arg(long, value_name = "ACCOUNT", default_value = "root")]
    target: String,
}

#[derive(Debug, clap::Args)]
struct AttachArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    /// File with the policy's document, `-` for standard input; `FullAWSAccess` needs none
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct DetachArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only of this account, or of `root`
    #[arg(long, value_name = "ACCOUNT")]
    target: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl From<Kind> for OrganizationPolicyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Scp => Self::ServiceControlPolicy,
            Kind::Rcp => Self::ResourceControlPolicy,
        }
    }
}

pub(crate) async fn run(args: OrganizationArgs) -> Result<ExitCode, CliError> {
    match args.command {
        OrganizationCommand::Attach(args) => attach(args).await,
        OrganizationCommand::Detach(args) => detach(args).await,
        OrganizationCommand::List(args) => list(args).await,
    }
}

async fn attach(args: AttachArgs) -> Result<ExitCode, CliError> {
    let input = PutOrganizationPolicyRequest {
        name: args.policy.name,
        r#type: args.policy.kind.into(),
        content: args.document.as_deref().map(read).transpose()?,
        target_id: Some(args.policy.target),
    };
    let attached = Client::connect(&args.connect)?.call::<PutOrganizationPolicy>(input).await?.policy;
    if args.json {
        terminal::print_json(&as_json(&attached))?;
    } else {
        terminal::print(&as_line(&attached))?;
    }
    if let Some(warning) = without_effect(&attached) {
        terminal::note(&warning);
    }
    Ok(ExitCode::SUCCESS)
}

/// The account that the installation began with manages the organization, and is not limited by its policies.
fn without_effect(attached: &OrganizationPolicy) -> Option<String> {
    let management = attached.arn.split(':').nth(4).filter(|account| *account == attached.target_id)?;
    Some(format!(
        "warning: the policy has no effect: account {management} manages the organization, and policies do not limit \
         the managing account; attach it to another account, or to `root` for all others"
    ))
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let done = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|found| text = found)
    };
    done.map_err(|error| CliError::new(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(text)
}

async fn detach(args: DetachArgs) -> Result<ExitCode, CliError> {
    let input = DeleteOrganizationPolicyRequest {
        name: args.policy.name,
        r#type: args.policy.kind.into(),
        target_id: Some(args.policy.target),
    };
    Client::connect(&args.connect)?.call::<DeleteOrganizationPolicy>(input).await?;
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> Result<ExitCode, CliError> {
    let input = ListOrganizationPoliciesRequest { r#type: None, target_id: args.target };
    let found = Client::connect(&args.connect)?.call::<ListOrganizationPolicies>(input).await?.policies;
    if args.json {
        terminal::print_json(&Value::Array(found.iter().map(as_json).collect()))?;
    } else {
        terminal::print(&found.iter().map(as_line).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(policy: &OrganizationPolicy) -> Value {
    json!({
        "arn": policy.arn,
        "name": policy.name,
        "kind": short(&policy.r#type),
        "target": policy.target_id,
        "document": serde_json::from_str::<Value>(&policy.content).unwrap_or(Value::Null),
    })
}

fn as_line(policy: &OrganizationPolicy) -> String {
    format!("{}  {}  {}  {}\n", policy.target_id, short(&policy.r#type), policy.name, policy.arn)
}

fn short(kind: &OrganizationPolicyType) -> &str {
    match kind {
        OrganizationPolicyType::ServiceControlPolicy => "scp",
        OrganizationPolicyType::ResourceControlPolicy => "rcp",
        _ => kind.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_line() {
        let policy = OrganizationPolicy {
            arn: "arn:aws:organizations::111122223333:policy/o-landfall/service_control_policy/p-1"
                .to_owned(),
            name: "no-iam".to_owned(),
            r#type: OrganizationPolicyType::ServiceControlPolicy,
            target_id: "root".to_owned(),
            content: "{}".to_owned(),
            updated_at: None,
        };
        insta::assert_snapshot!(as_line(&policy), @"root  scp  no-iam  arn:aws:organizations::111122223333:policy/o-landfall/service_control_policy/p-1");
    }

    #[test]
    fn a_policy_on_the_managing_account_has_no_effect() {
        let on = |target: &str, account: &str| {
            without_effect(&OrganizationPolicy {
                arn: format!("arn:aws:organizations::{account}:policy/o-landfall/service_control_policy/p-1"),
                target_id: target.to_owned(),
                ..OrganizationPolicy::default()
            })
        };
        assert!(
            on("111122223333", "111122223333").is_some_and(|it| it.contains("account 111122223333 manages"))
        );
        for (target, account) in
            [("444455556666", "111122223333"), ("root", "111122223333"), ("111122223333", "aws")]
        {
            assert_eq!(on(target, account), None, "{target}");
        }
    }
}
