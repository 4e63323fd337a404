//! `landfall ecr login`: logs docker, podman and skopeo in to the caller's registry.

use std::process::{ExitCode, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use landfall_api::ecr;
use landfall_base::Sensitive;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal::{self, Style};

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// Tool to log in; may be repeated [default: those that are installed]
    #[arg(long, value_enum)]
    tool: Vec<Tool>,
    /// Account of the registry [default: the caller's]
    #[arg(long, value_name = "ACCOUNT")]
    registry_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    Docker,
    Podman,
    Skopeo,
}

/// Where to log in, and with what.
pub(crate) struct Login {
    /// `host:port`, or a host name of AWS.
    pub(crate) host: String,
    /// The registry speaks plain HTTP.
    pub(crate) plain: bool,
    /// `AWS`
    pub(crate) username: String,
    pub(crate) password: Sensitive<String>,
}

/// Asks for a token of the caller.
pub(crate) async fn token(client: &Client, registry_id: Option<&str>) -> Result<Login, CliError> {
    let input = ecr::GetAuthorizationTokenRequest { registry_ids: registry_id.map(|id| vec![id.to_owned()]) };
    let answer = client.call::<ecr::GetAuthorizationToken>(input).await?;
    let unusable = || CliError::new("the answer to GetAuthorizationToken holds no token");
    let data = answer.authorization_data.and_then(|all| all.into_iter().next()).ok_or_else(unusable)?;
    let token = STANDARD.decode(data.authorization_token.unwrap_or_default()).map_err(|_| unusable())?;
    let token = String::from_utf8(token).map_err(|_| unusable())?;
    let (username, password) = token.split_once(':').ok_or_else(unusable)?;
    let endpoint = data.proxy_endpoint.unwrap_or_default();
    Ok(Login {
        host: endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host).to_owned(),
        plain: endpoint.starts_with("http://"),
        username: username.to_owned(),
        password: password.to_owned().into(),
    })
}

pub(super) async fn run(args: LoginArgs) -> Result<ExitCode, CliError> {
    let tools = if args.tool.is_empty() { Tool::installed() } else { args.tool.clone() };
    if tools.is_empty() {
        return Err(CliError::new("none of docker, podman and skopeo is installed")
            .hint("`landfall image push` and `landfall image pull` need none of them"));
    }
    let login = token(&Client::connect(&args.connect)?, args.registry_id.as_deref()).await?;
    let (mut told, mut failed) = (Vec::new(), false);
    for tool in tools {
        let outcome = tool.log_in(&login).await;
        failed |= outcome.is_err();
        if !args.json {
            terminal::note(&line(tool, &login, &outcome));
        }
        told.push(json!({"tool": tool.name(), "logged_in": outcome.is_ok(), "error": outcome.err()}));
    }
    if args.json {
        terminal::print_json(&json!({"registry": login.host, "tools": told}))?;
    } else {
        terminal::print(&format!("{}\n", login.host))?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(tool: Tool, login: &Login, outcome: &Result<(), String>) -> String {
    let style = Style::stderr();
    match outcome {
        Ok(()) => format!("{} {} is logged in to {}", style.green("ok"), tool.name(), login.host),
        Err(error) => format!("{} {}: {error}", style.red("failed"), tool.name()),
    }
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Skopeo => "skopeo",
        }
    }

    fn installed() -> Vec<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |tool: &Self| std::env::split_paths(&path).any(|dir| dir.join(tool.name()).is_file());
        [Self::Docker, Self::Podman, Self::Skopeo].into_iter().filter(there).collect()
    }

    /// The tool's own `login`, so that the credential lands where the tool keeps such things.
    async fn log_in(self, login: &Login) -> Result<(), String> {
        let mut command = Command::new(self.name());
        command.args(["login", "--username", &login.username, "--password-stdin"]);
        if login.plain && self != Self::Docker {
            command.arg("--tls-verify=false");
        }
        command.arg(&login.host).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            // A tool that does not read says why itself.
            let _ = input.write_all(login.password.expose().as_bytes()).await;
        }
        let done = child.wait_with_output().await.map_err(|error| error.to_string())?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(terminal::visible(said.trim().lines().last().unwrap_or("it failed without a word")))
    }
}
