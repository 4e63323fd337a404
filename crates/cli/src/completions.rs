//! `landfall completions`: a script that completes commands and options in a shell.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::error::CliError;
use crate::terminal;

/// Prints a completion script, for example into `~/.local/share/bash-completion/completions/landfall`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, CliError> {
    terminal::print(&script(args.shell))?;
    Ok(ExitCode::SUCCESS)
}

/// Written to memory first: the generator does not survive a reader that goes away.
fn script(shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut crate::Arguments::command(), "landfall", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = script(shell);
            for command in [
                "serve",
                "env",
                "account",
                "run",
                "check",
                "snapshot",
                "explain",
                "demo",
                "doctor",
                "completions",
            ] {
                assert!(script.contains(command), "{shell}: {command}");
            }
        }
    }
}
