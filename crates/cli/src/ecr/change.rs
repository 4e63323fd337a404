//! Reading a repository's policy, showing what is to become of it, and writing it.

use std::io::{self, BufRead as _, IsTerminal as _};

use landfall_api::ecr;

use super::policy::{RepositoryPolicy, difference};
use crate::client::Client;
use crate::error::CliError;
use crate::terminal::{self, Style};

/// A repository in somebody's registry.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RepositoryArg {
    /// Name of the repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) repository: String,
    /// Account of the repository [default: the caller's]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) registry_id: Option<String>,
}

/// How a change is confirmed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ConfirmArgs {
    /// Do not ask before writing
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show the difference and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What to do where nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unattended {
    /// Write: the command says all that there is to say.
    Write,
    /// Write nothing.
    Refuse,
}

/// The repository's policy; `None` if it has none.
pub(crate) async fn read(client: &Client, of: &RepositoryArg) -> Result<Option<RepositoryPolicy>, CliError> {
    let input = ecr::GetRepositoryPolicyRequest {
        repository_name: of.repository.clone(),
        registry_id: of.registry_id.clone(),
    };
    match client.call::<ecr::GetRepositoryPolicy>(input).await {
        Ok(answer) => RepositoryPolicy::read(&answer.policy_text.unwrap_or_default()).map(Some),
        Err(error) if error.code() == Some("RepositoryPolicyNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is to be written of a policy that is to change: without those who are no more, as ECR takes no policy that names them.
pub(crate) fn acceptable(before: &RepositoryPolicy, after: RepositoryPolicy) -> RepositoryPolicy {
    if after == *before {
        return after;
    }
    let (after, gone) = after.without_the_gone();
    if !gone.is_empty() {
        let ids = gone.join(", ");
        terminal::note(&format!(
            "{ids}: of users or roles that were deleted; ECR takes no policy with such ids"
        ));
    }
    after
}

/// Shows the difference, asks, and writes; `false` if nothing was written.
///
/// # Errors
/// The user said no, or the service did.
pub(crate) async fn write(
    client: &Client,
    of: &RepositoryArg,
    before: Option<&RepositoryPolicy>,
    after: &RepositoryPolicy,
    confirm: ConfirmArgs,
    unattended: Unattended,
) -> Result<bool, CliError> {
    let kept = Some(after).filter(|policy| !policy.is_empty());
    let shown = difference(before, kept);
    if shown.is_empty() {
        return Ok(false);
    }
    terminal::note(&format!("policy of the repository {}:\n{}", of.repository, coloured(&shown).trim_end()));
    if confirm.dry_run {
        return Ok(false);
    }
    if !confirm.yes && unattended == Unattended::Refuse && !io::stdin().is_terminal() {
        let refused = CliError::new("nothing was written: there is no terminal to ask at");
        return Err(refused.hint("add `--yes` to write it, or `--dry-run` to see the difference alone"));
    }
    if !confirm.yes && !agreed()? {
        return Err(CliError::new("nothing was written"));
    }
    let (repository_name, registry_id) = (of.repository.clone(), of.registry_id.clone());
    match kept {
        Some(policy) => {
            let input = ecr::SetRepositoryPolicyRequest {
                repository_name,
                registry_id,
                policy_text: policy.text(),
                ..Default::default()
            };
            client.call::<ecr::SetRepositoryPolicy>(input).await?;
        }
        None => {
            let input = ecr::DeleteRepositoryPolicyRequest { repository_name, registry_id };
            client.call::<ecr::DeleteRepositoryPolicy>(input).await?;
        }
    }
    Ok(true)
}

/// Asks, where there is somebody to ask.
fn agreed() -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    terminal::note("write it? [y/N]");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn coloured(diff: &str) -> String {
    let style = Style::stderr();
    let paint = |line: &str| match line.bytes().next() {
        Some(b'+') => style.green(line),
        Some(b'-') => style.red(line),
        _ => line.to_owned(),
    };
    diff.lines().map(|line| paint(line) + "\n").collect()
}
