//! `landfall iam who-can`: which principals of the installation may do something.

use std::process::ExitCode;

use landfall_api::landfall::{
    AllowedPrincipal, ContextEntry, ListAllowedPrincipals, ListAllowedPrincipalsRequest,
};
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
    /// A condition key of the call, for example `aws:SourceVpce=vpce-1`; again for further keys and values. Those of the
    /// resource, such as its tags, are known
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    context: Vec<(String, String)>,
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
        context: Some(entries(args.context)),
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

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `KEY=VALUE`".to_owned()),
    }
}

/// One entry for each key, with all its values.
fn entries(given: Vec<(String, String)>) -> Vec<ContextEntry> {
    let mut entries: Vec<ContextEntry> = Vec::new();
    for (key, value) in given {
        match entries.iter_mut().find(|entry| entry.key.eq_ignore_ascii_case(&key)) {
            Some(entry) => entry.values.push(value),
            None => entries.push(ContextEntry { key, values: vec![value] }),
        }
    }
    entries
}

fn as_json(principal: &AllowedPrincipal) -> Value {
    let mut shown = json!({"arn": principal.arn, "layer": principal.layer, "deciding": principal.deciding});
    if let Some(provided) = &principal.provided {
        shown["provided"] = json!(provided);
    }
    shown
}

fn as_line(principal: &AllowedPrincipal) -> String {
    let deciding = principal.deciding.as_deref().unwrap_or("no statement is needed");
    let provided = principal.provided.as_ref().map(|text| format!(", {text}")).unwrap_or_default();
    format!("{}{provided}  ({}: {deciding})\n", name(principal), principal.layer)
}

/// An account that is not of the installation is more than its root user.
fn name(principal: &AllowedPrincipal) -> String {
    let account = principal.arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    match (&principal.provided, account, principal.arn.as_str()) {
        (_, _, "*") => "everybody".to_owned(),
        (Some(_), Some(account), _) => format!("account {account}"),
        (_, _, arn) => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_who_and_what_must_hold() {
        let line = |arn: &str, provided: Option<&str>| {
            let (arn, layer, deciding) =
                (arn.to_owned(), "resource".to_owned(), Some("policy p, statement 1".to_owned()));
            as_line(&AllowedPrincipal { arn, layer, deciding, provided: provided.map(str::to_owned) })
        };
        let own = Some("as far as its own policies allow");
        let cases = [
            ("arn:aws:iam::222222222222:root", own, "account 222222222222, as far as its own policies allow"),
            ("arn:aws:iam::111122223333:root", None, "arn:aws:iam::111122223333:root"),
            ("*", Some("also without credentials"), "everybody, also without credentials"),
            ("ecs-tasks.amazonaws.com", None, "ecs-tasks.amazonaws.com"),
        ];
        for (arn, provided, expected) in cases {
            assert_eq!(line(arn, provided), format!("{expected}  (resource: policy p, statement 1)\n"));
        }
    }
}
