//! `landfall env`: what the AWS CLI and SDKs need to reach the server.

pub(crate) mod ini;
pub(crate) mod profile;
pub(crate) mod shell;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::data_dir;
use crate::error::CliError;
use crate::serve::{ClientFile, ca_certificate};
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
    /// Speak TLS to the server, and trust its certificate authority (`AWS_CA_BUNDLE`)
    #[arg(long, conflicts_with = "profile")]
    tls: bool,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["profile", "shell"])]
    json: bool,
    /// The shell to print for [default: fish where `SHELL` says so, else sh]
    #[arg(long, value_enum)]
    shell: Option<Shell>,
}

pub(crate) fn run(args: &EnvArgs) -> Result<ExitCode, CliError> {
    let dir = data_dir::choose(args.data_dir.as_deref())?;
    let mut file = data_dir::read(&dir)?;
    let bundle = if args.tls { Some(secure(&mut file, &dir)?) } else { None };
    let variables = variables(&file, bundle.as_deref());
    if args.json {
        terminal::print_json(&as_json(&variables))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shell = args.shell.unwrap_or_else(Shell::of_environment);
    match &args.profile {
        Some(name) => {
            let places = profile::write(name, &file)?;
            terminal::print(&profile_lines(name, &file, &places, shell))?;
        }
        None => terminal::print(&lines(&variables, shell))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Turns the endpoint into that of TLS; the certificate to trust.
fn secure(file: &mut ClientFile, dir: &Path) -> Result<String, CliError> {
    let certificate = std::path::absolute(ca_certificate(dir))?;
    if !certificate.exists() {
        return Err(CliError::new(format!("there is no `{}`", certificate.display()))
            .hint("start the server once with this version: it makes its certificate authority then"));
    }
    file.endpoint = file.endpoint.replacen("http://", "https://", 1);
    Ok(certificate.display().to_string())
}

type Variable<'a> = (&'static str, &'a str);

fn variables<'a>(file: &'a ClientFile, bundle: Option<&'a str>) -> Vec<Variable<'a>> {
    let mut all: Vec<Variable<'a>> = vec![
        ("AWS_ENDPOINT_URL", &file.endpoint),
        ("AWS_ACCESS_KEY_ID", &file.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &file.secret_access_key),
        ("AWS_REGION", &file.region),
        ("AWS_DEFAULT_REGION", &file.region),
    ];
    all.extend(bundle.map(|path| ("AWS_CA_BUNDLE", path)));
    all
}

fn as_json(variables: &[Variable<'_>]) -> serde_json::Map<String, serde_json::Value> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

fn lines(variables: &[Variable<'_>], shell: Shell) -> String {
    let exports = variables.iter().map(|(name, value)| shell.export(name, value));
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
        insta::assert_snapshot!(lines(&variables(&file(), None), Shell::Sh), @r"
        export AWS_ENDPOINT_URL=http://127.0.0.1:4566
        export AWS_ACCESS_KEY_ID=AKIAEXAMPLE
        export AWS_SECRET_ACCESS_KEY='a/b+c'\''d'
        export AWS_REGION=us-east-1
        export AWS_DEFAULT_REGION=us-east-1
        unset AWS_SESSION_TOKEN
        unset AWS_PROFILE
        ");
        insta::assert_snapshot!(lines(&variables(&file(), None), Shell::Fish), @r"
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
        let json = as_json(&variables(&file(), None));
        assert_eq!(json["AWS_SECRET_ACCESS_KEY"], "a/b+c'd");
        assert_eq!(json.len(), 5);
        assert_eq!(as_json(&variables(&file(), Some("/ca.pem")))["AWS_CA_BUNDLE"], "/ca.pem");
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
