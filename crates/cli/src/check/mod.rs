//! `landfall check`: would tasks of this definition start? Everything that is wrong, before anything runs.

mod asked;
mod cloudformation;
mod denial;
mod input;
mod planned;
mod pull;
mod reason;
mod role;
mod sarif;
mod shape;
mod terraform;
mod unknown;
mod yaml;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use landfall_api::landfall::{
    CheckDeploymentStart, CheckDeploymentStartRequest, CheckTaskStart, CheckTaskStartRequest, Finding,
    LaunchTypeName,
};
use landfall_base::random;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind};

use self::asked::Asked;
use self::input::{Found, Kind, Place};
use crate::client::ConnectArgs;
use crate::error::{CliError, INTERRUPTED};
use crate::finding;
use crate::run::file;
use crate::terminal::{self, Style, visible};

/// Something keeps the tasks from starting.
const FINDINGS: u8 = 1;
/// The file cannot be read, or the server not be asked.
const UNREADABLE: u8 = 2;

/// Says whether tasks of a definition would start: rules, roles, secrets and their content, parameters, logs, images.
/// Nothing is run and nothing is changed.
///
/// Exit codes: 0 they would, as far as can be known (what is not is listed), 1 something keeps them from it, 2 the file cannot be read or the server not be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Task definition as the AWS CLI takes or gives it, deployment as `aws lightsail create-container-service-deployment
    /// --cli-input-json` takes it, CloudFormation template (JSON or YAML), or output of `terraform show -json`; `-` for
    /// standard input
    #[arg(required_unless_present = "reason")]
    file: Option<PathBuf>,
    /// Cluster that the tasks would run in
    #[arg(long)]
    cluster: Option<String>,
    /// Account that must be the one asked; its number is what templates get for `AWS::AccountId`. Of a snapshot: the account
    /// that is asked [default: the installation's first]
    #[arg(long)]
    account: Option<String>,
    /// Ask a snapshot of `landfall snapshot` instead of a server. Registries are not asked then
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["data_dir", "reason"])]
    snapshot: Option<PathBuf>,
    /// Launch type [default: what the definition is for]
    #[arg(long, value_parser = ["FARGATE", "EC2", "EXTERNAL"], ignore_case = true)]
    launch_type: Option<String>,
    /// Subnet that the tasks would run in, whose VPC endpoints their calls come through; may be repeated [default: the
    /// default VPC]
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
    /// Value of a template's parameter; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Do not ask registries for the images
    #[arg(long)]
    skip_images: bool,
    /// Have the server fetch images that it does not have, as the tasks' start would, and look into them: for the program, the
    /// user, and what is mounted. Wants the permission to run such tasks
    #[arg(long, conflicts_with_all = ["skip_images", "snapshot", "reason"])]
    pull: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0, for code review tools
    #[arg(long)]
    sarif: bool,
    /// Explain a `stoppedReason`, of a real account too, instead of checking a file
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    reason: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// What came of one task definition.
struct Checked {
    kind: Kind,
    name: String,
    open: Vec<String>,
    /// The launch type; `LIGHTSAIL` for a deployment.
    launch: String,
    would_start: bool,
    findings: Vec<Finding>,
}

pub(crate) async fn run(args: CheckArgs) -> Result<ExitCode, CliError> {
    if let Some(text) = &args.reason {
        return explain_reason(text, &args);
    }
    let text = read(&args).map_err(|error| error.code(UNREADABLE))?;
    let checked = tokio::select! {
        // Whoever is to hear the signal listens before there is something to clean up.
        biased;
        () = interrupted() => return Err(CliError::silent(INTERRUPTED)),
        checked = check(&args, &text) => checked.map_err(|error| error.code(UNREADABLE))?,
    };
    let path = args.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    if args.json {
        terminal::print_json(&report_json(&path, &checked))?;
    } else if args.sarif {
        terminal::print_json(&sarif::report(&path, &checked))?;
    } else {
        terminal::print(&report_text(&checked, Style::stdout()))?;
    }
    let sound = checked.iter().all(|it| it.would_start);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// Somebody wants an end. What was made for a snapshot goes then, too.
async fn interrupted() {
    let signal = |kind| tokio::signal::unix::signal(kind).ok();
    let mut hung_up = signal(SignalKind::hangup());
    let mut ended = signal(SignalKind::terminate());
    let wait = async |signal: &mut Option<Signal>| match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    };
    tokio::select! {
        // Where it cannot be listened to, the default ends the process.
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = wait(&mut hung_up) => {}
        () = wait(&mut ended) => {}
    }
}

fn explain_reason(text: &str, args: &CheckArgs) -> Result<ExitCode, CliError> {
    let Some(found) = reason::explain(text) else {
        return Err(CliError::new("this text is not known")
            .hint("expected a `stoppedReason` of a task or the `reason` of a container, as DescribeTasks shows it")
            .code(UNREADABLE));
    };
    if args.json {
        terminal::print_json(&finding::json(&found))?;
    } else if args.sarif {
        terminal::print_json(&sarif::of_reason(&found))?;
    } else {
        terminal::print(&finding::text(&found, Style::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(args: &CheckArgs) -> Result<String, CliError> {
    match args.file.as_deref() {
        Some(path) if path.as_os_str() != "-" => file::read(path),
        _ => file::read_standard_input(),
    }
}

async fn check(args: &CheckArgs, text: &str) -> Result<Vec<Checked>, CliError> {
    let account = args.account.as_deref();
    let (asked, place) = match &args.snapshot {
        Some(path) => Asked::snapshot(path, account).await?,
        None => Asked::server(&args.connect, account).await?,
    };
    let found = input::read(text, &parameters(&args.parameters)?, &place)
        .map_err(|reason| CliError::new(format!("the file is no task definition: {reason}")).hint(
            "expected a task definition of the AWS CLI, a CloudFormation template, or the output of `terraform show -json`",
        ))?;
    let mut checked = Vec::new();
    for found in found {
        checked.push(ask(&asked, args, &place, found).await?);
    }
    Ok(checked)
}

fn parameters(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let pair = |text: &String| {
        let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| CliError::new(format!("`{text}` is not `NAME=VALUE`")).code(UNREADABLE))
    };
    given.iter().map(pair).collect()
}

async fn ask(asked: &Asked, args: &CheckArgs, place: &Place, found: Found) -> Result<Checked, CliError> {
    match found.kind.clone() {
        Kind::TaskDefinition => ask_of_task(asked, args, place, found).await,
        Kind::Deployment(service) => ask_of_deployment(asked, args, found, service).await,
    }
}

async fn ask_of_deployment(
    asked: &Asked,
    args: &CheckArgs,
    found: Found,
    service_name: String,
) -> Result<Checked, CliError> {
    let pull = args.pull.then(random::uuid);
    let input = CheckDeploymentStartRequest {
        service_name,
        deployment: found.definition.to_string().into(),
        skip_images: args.skip_images.then_some(true),
        pull_images: args.pull.then_some(true),
        pull_token: pull.clone(),
    };
    let answer = pull::call::<CheckDeploymentStart>(asked, input, pull).await?;
    Ok(Checked {
        kind: found.kind,
        name: found.name,
        open: [found.open, asked::not_asked(&answer.steps)].concat(),
        launch: "LIGHTSAIL".to_owned(),
        would_start: answer.would_start,
        findings: answer.findings,
    })
}

async fn ask_of_task(
    asked: &Asked,
    args: &CheckArgs,
    place: &Place,
    found: Found,
) -> Result<Checked, CliError> {
    let pull = args.pull.then(random::uuid);
    let planned = match &found.role {
        Some(role) => role.planned(),
        None => Some(found.planned.policies.clone()).filter(|it| !it.is_empty()),
    };
    let input = CheckTaskStartRequest {
        task_definition: found.definition.to_string().into(),
        cluster: args.cluster.clone(),
        launch_type: args.launch_type.as_deref().map(|it| LaunchTypeName::from(it.to_uppercase().as_str())),
        subnets: (!args.subnets.is_empty()).then(|| args.subnets.clone()),
        skip_images: args.skip_images.then_some(true),
        pull_images: args.pull.then_some(true),
        pull_token: pull.clone(),
        execution_role_is_new: unknown::is_new_role(&found.unknown).then_some(true),
        execution_role_name: found.role.as_ref().map(|role| role.name.clone()),
        execution_role_policies: planned,
    };
    let answer = pull::call::<CheckTaskStart>(asked, input, pull).await?;
    let unknown = &found.unknown;
    let not_asked: Vec<_> =
        asked::not_asked(&answer.steps).into_iter().filter(|it| !unknown::is_named_in(it)).collect();
    let mut findings: Vec<_> =
        answer.findings.into_iter().filter(|it| unknown::is_known(unknown, it)).collect();
    let mut open = found.open;
    let counted = answer.execution_role_policies_count == Some(true);
    found.planned.settle(counted, &mut findings, &mut open);
    if let Some(role) = &found.role {
        let denials = match counted {
            true => Some(role.in_own_words(std::mem::take(&mut findings), &answer.steps)),
            false => role.denials(&answer.steps, &place.account),
        };
        findings.extend(role.trust_finding(place));
        if let Some(denials) = denials {
            findings.extend(denials);
            open.retain(|it| !it.starts_with(unknown::WHAT_IT_MAY));
        }
    }
    Ok(Checked {
        kind: found.kind,
        name: found.name,
        open: [open, not_asked].concat(),
        launch: answer.launch_type.as_str().to_owned(),
        would_start: findings.is_empty(),
        findings,
    })
}

fn report_json(path: &str, checked: &[Checked]) -> Value {
    let one = |it: &Checked| {
        json!({
            "name": it.name,
            "launch_type": it.launch,
            "would_start": it.would_start,
            "findings": it.findings.iter().map(finding::json).collect::<Vec<_>>(),
            "unknown": it.open,
        })
    };
    let (tasks, deployments): (Vec<&Checked>, Vec<&Checked>) =
        checked.iter().partition(|it| it.kind == Kind::TaskDefinition);
    let all = |these: Vec<&Checked>| these.into_iter().map(one).collect::<Vec<_>>();
    json!({"file": path, "task_definitions": all(tasks), "deployments": all(deployments)})
}

fn report_text(checked: &[Checked], style: Style) -> String {
    if checked.is_empty() {
        return "no task definition would be deployed: their conditions do not hold\n".to_owned();
    }
    let mut text = String::new();
    for it in checked {
        let launch = &it.launch;
        let verdict = match (it.findings.len(), it.open.len()) {
            (0, 0) => style.green("would start"),
            (0, 1) => style.green("would start, as far as can be known: 1 thing is not known"),
            (0, open) => {
                style.green(&format!("would start, as far as can be known: {open} things are not known"))
            }
            (1, _) => style.red("would not start: 1 finding"),
            (count, _) => style.red(&format!("would not start: {count} findings")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} ({launch}): {verdict}", style.bold(&visible(&it.name)));
        for found in &it.findings {
            text.push_str(&finding::text(found, style));
        }
        for open in &it.open {
            let _ = writeln!(text, "  {} {}", style.dim("not known"), visible(open));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_how_much_is_not_known() {
        let checked = |open: usize, findings: usize| Checked {
            kind: Kind::TaskDefinition,
            name: "app".to_owned(),
            open: vec!["whether it rains".to_owned(); open],
            launch: "FARGATE".to_owned(),
            would_start: findings == 0,
            findings: vec![Finding::default(); findings],
        };
        for (open, findings, verdict) in [
            (0, 0, "would start"),
            (1, 0, "would start, as far as can be known: 1 thing is not known"),
            (2, 0, "would start, as far as can be known: 2 things are not known"),
            (2, 1, "would not start: 1 finding"),
            (0, 2, "would not start: 2 findings"),
        ] {
            let text = report_text(&[checked(open, findings)], Style::plain());
            assert_eq!(text.lines().next(), Some(format!("app (FARGATE): {verdict}").as_str()));
            assert_eq!(text.matches("  not known whether it rains\n").count(), open);
        }
    }
}
