//! `landfall account`: create and list accounts.

use std::process::ExitCode;

use clap::Subcommand;
use landfall_api::landfall::{
    Account, CreateAccount, CreateAccountRequest, CreateAccountResponse, ListAccounts, ListAccountsRequest,
};
use landfall_base::AccountId;
use serde_json::{Value, json};

use crate::client::{Client, ConnectArgs};
use crate::env::shell::quote;
use crate::error::CliError;
use crate::terminal;

/// Creates and lists accounts.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Create an account and print the keys of its administrator, once
    Create(CreateArgs),
    /// List accounts
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Id of the account: 12 digits
    #[arg(value_name = "ID")]
    id: AccountId,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) async fn run(args: AccountArgs) -> Result<ExitCode, CliError> {
    match args.command {
        AccountCommand::Create(args) => create(args).await,
        AccountCommand::List(args) => list(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    let input = CreateAccountRequest { account_id: args.id.to_string() };
    let made = client.call::<CreateAccount>(input).await.map_err(|error| {
        CliError::from(error)
            .hint(format!("`{}` was not created; `landfall account list` shows what there is", args.id))
    })?;
    if args.json {
        terminal::print_json(&created_json(&made))?;
    } else {
        terminal::note(&format!("created account {}; its keys are not shown again", made.account_id));
        terminal::print(&created_text(&made))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> Result<ExitCode, CliError> {
    let accounts =
        Client::connect(&args.connect)?.call::<ListAccounts>(ListAccountsRequest {}).await?.accounts;
    if args.json {
        let list: Vec<Value> = accounts.iter().map(listed_json).collect();
        terminal::print_json(&json!({ "accounts": list }))?;
    } else {
        terminal::print(&accounts.iter().map(listed_text).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn created_json(made: &CreateAccountResponse) -> Value {
    json!({
        "account": made.account_id,
        "user_arn": made.user_arn,
        "access_key_id": made.access_key_id,
        "secret_access_key": made.secret_access_key.expose(),
    })
}

/// Fit for `eval`, like the output of `landfall env`.
fn created_text(made: &CreateAccountResponse) -> String {
    format!(
        "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\n",
        quote(&made.access_key_id),
        quote(made.secret_access_key.expose()),
    )
}

fn listed_json(account: &Account) -> Value {
    json!({"account": account.account_id, "created_at": account.created_at.iso8601()})
}

fn listed_text(account: &Account) -> String {
    format!("{}  created {}\n", account.account_id, account.created_at.iso8601())
}

#[cfg(test)]
mod tests {
    use landfall_base::Timestamp;

    use super::*;

    fn made() -> CreateAccountResponse {
        CreateAccountResponse {
            account_id: "111122223333".to_owned(),
            user_arn: "arn:aws:iam::111122223333:user/admin".to_owned(),
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "se/cret".into(),
        }
    }

    #[test]
    fn a_created_account_is_shown_with_its_keys() {
        insta::assert_snapshot!(created_text(&made()), @r"
        export AWS_ACCESS_KEY_ID=AKIAEXAMPLE
        export AWS_SECRET_ACCESS_KEY=se/cret
        ");
        insta::assert_snapshot!(serde_json::to_string_pretty(&created_json(&made())).unwrap(), @r#"
        {
          "account": "111122223333",
          "user_arn": "arn:aws:iam::111122223333:user/admin",
          "access_key_id": "AKIAEXAMPLE",
          "secret_access_key": "se/cret"
        }
        "#);
    }

    #[test]
    fn an_account_is_a_line() {
        let account = Account {
            account_id: "000000000000".to_owned(),
            created_at: Timestamp::from_millis(1_795_401_041_000),
        };
        assert_eq!(listed_text(&account), "000000000000  created 2026-11-23T02:30:41Z\n");
    }
}
