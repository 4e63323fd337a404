//! `landfall env`: what the AWS CLI and SDKs need to reach the server.

pub(crate) mod ini;
pub(crate) mod profile;
pub(crate) mod shell;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::data_dir;
use crate::error::CliError;
use crate::serve::ClientFile;
use crate::terminal;
use shell::Shell;

/// Prints what the AWS CLI and SDKs need to reach the server as its administrator: `eval "$(landfall env)"`
#[derive(Debug, clap::Args)]
pub(crate) struct EnvArgs {
    /// Data directory of the server [default: the one that `landfall serve` uses]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write a profile of this name into the AWS CLI's files, and print how to choose it
    #[arg(long, value_name = "NAME", value_parser = profile::parse_name)]
    profile: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["profile", "shell"])]
    json: bool,
    /// The shell to print for [default: fish where `SHELL` says so, else sh]
    #[arg(long, value_enum)]
    shell: Option<Shell>,
}

pub(crate) fn run(args: &EnvArgs) -> Result<ExitCode, CliError> {
    let file = data_dir::read(&data_dir::choose(args.data_dir.as_deref())?)?;
    if args.json {
        terminal::print_json(&as_json(&file))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shell = args.shell.unwrap_or_else(Shell::of_environment);
    match &args.profile {
        Some(name) => {
            let places = profile::write(name, &file)?;
            terminal::print(&profile_lines(name, &file, &places, shell))?;
        }
        None => terminal::print(&lines(&file, shell))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn variables(file: &ClientFile) -> [(&'static str, &str); 5] {
    [
        ("AWS_ENDPOINT_URL", &file.endpoint),
        ("AWS_ACCESS_KEY_ID", &file.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &file.secret_access_key),
        ("AWS_REGION", &file.region),
        ("AWS_DEFAULT_REGION", &file.region),
    ]
}

fn as_json(file: &ClientFile) -> serde_json::Map<String, serde_json::Value> {
    variables(file).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn lines(file: &ClientFile, shell: Shell) -> String {
    let exports = variables(file).into_iter().map(|(name, value)| shell.export(name, value));
    // A token of an earlier session does not belong to these keys, and a profile would be mixed with them.
    let stale = ["AWS_SESSION_TOKEN", "AWS_PROFILE"].into_iter().map(|name| shell.unset(name));
    exports.chain(stale).collect()
}

fn profile_lines(name: &str, file: &ClientFile, places: &profile::Places, shell: Shell) -> String {
    let comment = format!(
        "# profile {name}: {} in {} and {}\n",
        file.endpoint,
        places.config.display(),
        places.credentials.display(),
    );
    // Keys in the environment would win over the profile's.
    let hiding = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"];
    let unset: String = hiding.into_iter().map(|name| shell.unset(name)).collect();
    format!("{comment}{unset}{}", shell.export("AWS_PROFILE", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ClientFile {
        ClientFile {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "a/b+c'd".to_owned(),
        }
    }

    #[test]
    fn each_shell_gets_its_own_lines() {
        insta::assert_snapshot!(lines(&file(), Shell::Sh), @r"
        export AWS_ENDPOINT_URL=http://127.0.0.1:4566
        export AWS_ACCESS_KEY_ID=AKIAEXAMPLE
        export AWS_SECRET_ACCESS_KEY='a/b+c'\''d'
        export AWS_REGION=us-east-1
        export AWS_DEFAULT_REGION=us-east-1
        unset AWS_SESSION_TOKEN
        unset AWS_PROFILE
        ");
        insta::assert_snapshot!(lines(&file(), Shell::Fish), @r"
        set -gx AWS_ENDPOINT_URL 'http://127.0.0.1:4566';
        set -gx AWS_ACCESS_KEY_ID 'AKIAEXAMPLE';
        set -gx AWS_SECRET_ACCESS_KEY 'a/b+c\'d';
        set -gx AWS_REGION 'us-east-1';
        set -gx AWS_DEFAULT_REGION 'us-east-1';
        set -e AWS_SESSION_TOKEN;
        set -e AWS_PROFILE;
        ");
    }

    #[test]
    fn json_has_the_variables() {
        let json = as_json(&file());
        assert_eq!(json["AWS_SECRET_ACCESS_KEY"], "a/b+c'd");
        assert_eq!(json.len(), 5);
    }

    #[test]
    fn a_profile_is_chosen_and_nothing_hides_it() {
        let places =
            profile::Places { config: "/h/.aws/config".into(), credentials: "/h/.aws/credentials".into() };
        insta::assert_snapshot!(profile_lines("local", &file(), &places, Shell::Sh), @r"
        # profile local: http://127.0.0.1:4566 in /h/.aws/config and /h/.aws/credentials
        unset AWS_ACCESS_KEY_ID
        unset AWS_SECRET_ACCESS_KEY
        unset AWS_SESSION_TOKEN
        unset AWS_ENDPOINT_URL
        export AWS_PROFILE=local
        ");
    }
}
