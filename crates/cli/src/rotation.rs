//! `landfall rotation`: functions that rotate secrets, and how rotations stand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use landfall_api::landfall::{
    DeleteRotationFunction, DeleteRotationFunctionRequest, ListRotations, ListRotationsRequest,
    PutRotationFunction, PutRotationFunctionRequest, RotationFunction, RotationVariable, SecretRotation,
};
use serde_json::{Value, json};

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal;

/// Registers functions that rotate secrets.
#[derive(Debug, clap::Args)]
pub(crate) struct RotationArgs {
    #[command(subcommand)]
    command: RotationCommand,
}

#[derive(Debug, Subcommand)]
enum RotationCommand {
    /// Register a function, or change the one of that name, and print its ARN
    Add(AddArgs),
    /// List functions, and the secrets that are rotated
    Ls(LsArgs),
    /// Remove a function
    Rm(RmArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Name of the function
    #[arg(value_name = "NAME")]
    name: String,
    /// Role whose credentials the function gets: its ARN or its name; it must trust lambda.amazonaws.com
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Variable of the function's environment
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    /// Most seconds that one step may take
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<i64>,
    /// File with the policy that says who may invoke it [default: Secrets Manager, for secrets of the account]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
    /// Container image: one made for Lambda, or one that reads the event from `ROTATION_EVENT`
    #[arg(long, value_name = "IMAGE", required_unless_present = "command", conflicts_with = "command")]
    image: Option<String>,
    /// Secret with the credential of the image's registry; images of ECR are pulled with the role
    #[arg(long, value_name = "SECRET")]
    credential: Option<String>,
    /// Program of the server's machine, with its arguments; takes everything that follows
    #[arg(long, value_name = "PATH", num_args = 1.., allow_hyphen_values = true)]
    command: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct LsArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct RmArgs {
    /// Name of the function
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| format!("`{text}` is no variable: expected `NAME=VALUE`"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) async fn run(args: RotationArgs) -> Result<ExitCode, CliError> {
    match args.command {
        RotationCommand::Add(args) => add(args).await,
        RotationCommand::Ls(args) => list(args).await,
        RotationCommand::Rm(args) => remove(args).await,
    }
}

async fn add(args: AddArgs) -> Result<ExitCode, CliError> {
    let variable = |(name, value)| RotationVariable { name, value };
    let input = PutRotationFunctionRequest {
        name: args.name,
        role_arn: args.role,
        command: (!args.command.is_empty()).then(|| absolute(args.command)),
        image: args.image,
        credential: args.credential,
        environment: Some(args.environment.into_iter().map(variable).collect()),
        timeout_seconds: args.timeout,
        policy: args.policy.as_deref().map(read).transpose()?,
    };
    let added = Client::connect(&args.connect)?.call::<PutRotationFunction>(input).await?.function;
    if args.json {
        terminal::print_json(&function_json(&added))?;
    } else {
        terminal::print(&format!("{}\n", added.arn))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program by its whole path: the server has another working directory.
fn absolute(mut command: Vec<String>) -> Vec<String> {
    if let Some(program) = command.first_mut()
        && program.contains('/')
        && let Ok(path) = std::path::absolute(&*program)
    {
        *program = path.display().to_string();
    }
    command
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path)
        .map_err(|error| CliError::new(format!("cannot read `{}`: {error}", path.display())))
}

async fn list(args: LsArgs) -> Result<ExitCode, CliError> {
    let found = Client::connect(&args.connect)?.call::<ListRotations>(ListRotationsRequest {}).await?;
    if args.json {
        terminal::print_json(&json!({
            "functions": found.functions.iter().map(function_json).collect::<Vec<_>>(),
            "rotations": found.rotations.iter().map(rotation_json).collect::<Vec<_>>(),
        }))?;
    } else {
        let functions = found.functions.iter().map(function_line);
        terminal::print(&functions.chain(found.rotations.iter().map(rotation_line)).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(args: RmArgs) -> Result<ExitCode, CliError> {
    let input = DeleteRotationFunctionRequest { name: args.name };
    Client::connect(&args.connect)?.call::<DeleteRotationFunction>(input).await?;
    Ok(ExitCode::SUCCESS)
}

fn function_json(function: &RotationFunction) -> Value {
    json!({
        "arn": function.arn,
        "name": function.name,
        "role": function.role_arn,
        "command": function.command,
        "image": function.image,
        "credential": function.credential,
        "timeout": function.timeout_seconds,
        "policy": serde_json::from_str::<Value>(&function.policy).unwrap_or(Value::Null),
    })
}

fn function_line(function: &RotationFunction) -> String {
    let command = function.command.as_ref().map(|command| command.join(" "));
    let program = command.or_else(|| function.image.clone()).unwrap_or_default();
    format!("function  {}  {program}\n", function.arn)
}

fn rotation_json(rotation: &SecretRotation) -> Value {
    let time = |time: Option<landfall_base::Timestamp>| time.map(landfall_base::Timestamp::iso8601);
    json!({
        "secret": rotation.secret_arn,
        "function": rotation.function_arn,
        "state": state(rotation),
        "lastRotated": time(rotation.last_rotated_at),
        "next": time(rotation.next_at),
        "version": rotation.version_id,
        "step": rotation.step,
        "failures": rotation.failures,
        "failure": rotation.failure,
        "retry": time(rotation.retry_at),
    })
}

fn rotation_line(rotation: &SecretRotation) -> String {
    let mut line = format!("secret  {}  {}", rotation.secret_arn, state(rotation));
    if let Some(next) = rotation.next_at.filter(|_| rotation.enabled) {
        line.push_str(&format!("  next {}", next.iso8601()));
    }
    if let Some(failure) = &rotation.failure {
        line.push_str(&format!("  {failure}"));
    }
    line.push('\n');
    line
}

/// One word for how a rotation stands.
fn state(rotation: &SecretRotation) -> &'static str {
    match (&rotation.step, rotation.failures.unwrap_or_default()) {
        (Some(_), 0) => "rotating",
        (Some(_), _) => "retrying",
        (None, failures) if failures > 0 => "failed",
        (None, _) if rotation.enabled => "on",
        (None, _) => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_rotation_stands() {
        let rotation = |step: Option<&str>, failures, enabled| SecretRotation {
            step: step.map(str::to_owned),
            failures,
            enabled,
            ..SecretRotation::default()
        };
        let cases = [
            (rotation(Some("setSecret"), Some(0), true), "rotating"),
            (rotation(Some("createSecret"), Some(2), true), "retrying"),
            (rotation(None, Some(5), true), "failed"),
            (rotation(None, None, true), "on"),
            (rotation(None, None, false), "off"),
        ];
        for (rotation, wanted) in cases {
            assert_eq!(state(&rotation), wanted, "{rotation:?}");
        }
    }

    #[test]
    fn variables() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }
}
