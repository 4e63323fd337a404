//! `landfall explain --lightsail SERVICE`: what became of a deployment.

use std::fmt::Write as _;
use std::process::ExitCode;

use landfall_api::landfall::{
    DescribeDeploymentStart, DescribeDeploymentStartRequest, DescribeDeploymentStartResponse,
};
use serde_json::json;

use super::view;
use crate::client::Client;
use crate::error::CliError;
use crate::terminal::{self, Style, visible};

/// Shows the story of `NAME` or `NAME:VERSION`.
pub(super) async fn run(client: &Client, name: &str, as_json: bool) -> Result<ExitCode, CliError> {
    let (service, version) = match name.rsplit_once(':') {
        Some((service, version)) => {
            let number = version.parse().map_err(|_| {
                CliError::new(format!("`{version}` is not a version"))
                    .hint("the number of a deployment, as in `web:3`")
            })?;
            (service, Some(number))
        }
        None => (name, None),
    };
    let input = DescribeDeploymentStartRequest { service_name: service.to_owned(), version };
    let story = client.call::<DescribeDeploymentStart>(input).await?;
    if as_json {
        terminal::print_json(&json!({
            "service": story.service_name,
            "version": story.version,
            "state": story.state,
            "failure": story.failure,
            "advice": story.advice,
            "node": story.node.as_ref().map(view::task_json),
        }))?;
    } else {
        terminal::print(&text(&story, Style::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(story: &DescribeDeploymentStartResponse, style: Style) -> String {
    let mut text = format!(
        "deployment {} of the container service {}: {}\n",
        story.version,
        visible(&story.service_name),
        story.state
    );
    if let Some(failure) = &story.failure {
        let _ = writeln!(text, "{}", visible(failure));
    }
    if let Some(advice) = &story.advice {
        let _ = writeln!(text, "fix: {}", visible(advice));
    }
    if let Some(node) = &story.node {
        text.push('\n');
        text.push_str(&view::task_text(node, style));
    }
    text
}
