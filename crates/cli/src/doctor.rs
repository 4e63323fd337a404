//! `landfall doctor`: what this host lacks for running tasks.

use std::process::ExitCode;

use landfall_runtime::Finding;
use serde_json::json;

use crate::error::{CliError, FAILURE};
use crate::terminal::{self, Style};

/// Says what this host lacks for running tasks; ends with 1 if tasks cannot run here at all.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let findings = landfall_runtime::doctor();
    if args.json {
        terminal::print_json(&as_json(&findings))?;
    } else {
        terminal::print(&as_text(&findings, Style::stdout()))?;
    }
    Ok(if can_run(&findings) { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Whether tasks can run here, if not as well as they could.
pub(crate) fn can_run(findings: &[Finding]) -> bool {
    !findings.iter().any(|finding| finding.fatal)
}

/// One line for each finding and a last one that sums up.
pub(crate) fn as_text(findings: &[Finding], style: Style) -> String {
    let mut text = String::new();
    for Finding { fatal, text: sentence } in findings {
        let sign = if *fatal { style.red("✗") } else { style.cyan("!") };
        text.push_str(&format!("{sign} {sentence}\n"));
    }
    text.push_str(match (can_run(findings), findings.is_empty()) {
        (false, _) => "tasks cannot run on this host until what is marked ✗ is there\n",
        (true, true) => "tasks can run on this host; nothing is missing\n",
        (true, false) => "tasks can run on this host, within the limits above\n",
    });
    text
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    let list: Vec<_> =
        findings.iter().map(|finding| json!({"fatal": finding.fatal, "text": finding.text})).collect();
    json!({"can_run": can_run(findings), "findings": list})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(fatal: bool, text: &str) -> Finding {
        Finding { fatal, text: text.to_owned() }
    }

    #[test]
    fn findings_are_sentences() {
        let all =
            [finding(true, "containers need root: start the server as root"), finding(false, "no nf_tables")];
        insta::assert_snapshot!(as_text(&all, Style::plain()), @r"
        ✗ containers need root: start the server as root
        ! no nf_tables
        tasks cannot run on this host until what is marked ✗ is there
        ");
        let last =
            |findings: &[Finding]| as_text(findings, Style::plain()).lines().last().unwrap().to_owned();
        assert_eq!(last(&[]), "tasks can run on this host; nothing is missing");
        assert_eq!(last(&all[1..]), "tasks can run on this host, within the limits above");
    }

    #[test]
    fn json_says_whether_tasks_can_run() {
        let report = as_json(&[finding(false, "a")]);
        assert_eq!(report, json!({"can_run": true, "findings": [{"fatal": false, "text": "a"}]}));
    }
}
