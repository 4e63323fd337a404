//! What keeps a task from starting, for people and for programs.

use std::fmt::Write;

use landfall_api::landfall::{Cause, Finding, Fix};
use serde_json::{Value, json};

use crate::terminal::{Style, visible};

/// A finding as programs read it.
pub(crate) fn json(finding: &Finding) -> Value {
    json!({
        "headline": finding.headline,
        "cause": finding.cause.as_str(),
        "message": finding.message,
        "step": finding.step,
        "container": finding.container,
        "action": finding.action,
        "resource": finding.resource,
        "fix": finding.fix.as_ref().map(fix_json),
    })
}

fn fix_json(fix: &Fix) -> Value {
    json!({"text": fix.text, "command": fix.command, "document": fix.document, "verified": fix.verified})
}

/// The kind of cause in a word.
pub(crate) fn cause(cause: &Cause) -> String {
    cause.as_str().to_lowercase()
}

/// Headline, AWS's message and what to paste. An empty message is left out.
pub(crate) fn text(finding: &Finding, style: Style) -> String {
    let mut text = String::new();
    let container =
        finding.container.as_ref().map(|name| format!(" (container `{name}`)")).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} {}: {}{container}",
        style.red("✗"),
        style.bold(&cause(&finding.cause)),
        visible(&finding.headline)
    );
    if !finding.message.is_empty() && finding.message != finding.headline {
        let _ = writeln!(text, "  {} {}", style.dim("AWS says"), visible(&finding.message));
    }
    if let Some(fix) = &finding.fix {
        push_fix(&mut text, fix, style);
    }
    text
}

fn push_fix(text: &mut String, fix: &Fix, style: Style) {
    let proven = if fix.verified { " (evaluated again with it: allowed)" } else { "" };
    let words = if fix.text.is_empty() { String::new() } else { format!(" {}", visible(&fix.text)) };
    let _ = writeln!(text, "  {}{words}{proven}", style.cyan("fix"));
    for line in to_paste(fix).iter().flat_map(|it| it.lines()) {
        let _ = writeln!(text, "    {}", visible(line));
    }
}

/// The commands, and what they do not write themselves: members of the task definition, statements of a policy.
pub(crate) fn to_paste(fix: &Fix) -> Vec<&str> {
    let written = fix.command.as_ref().map(|it| it.replace(r"'\''", "'")).unwrap_or_default();
    let documents = fix.document.iter().flat_map(|it| it.lines());
    let not_written = documents.filter(|line| !written.contains(line));
    fix.command.as_deref().into_iter().chain(not_written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: Option<&str>, document: Option<&str>) -> String {
        let fix = Fix {
            text: "do this".to_owned(),
            command: command.map(str::to_owned),
            document: document.map(str::to_owned),
            ..Fix::default()
        };
        let found = Finding { headline: "it fails".to_owned(), fix: Some(fix), ..Finding::default() };
        text(&found, Style::plain()).split_once("fix do this\n").unwrap().1.to_owned()
    }

    #[test]
    fn what_no_command_writes_is_shown_too() {
        let member = r#""valueFrom": "/p""#;
        assert_eq!(shown(None, Some(member)), format!("    {member}\n"));
        assert_eq!(shown(Some("make it"), Some(member)), format!("    make it\n    {member}\n"));
        let policy = r#"{"Sid":"it's"}"#;
        let command = r#"put '{"Sid":"it'\''s"}'"#;
        assert_eq!(shown(Some(command), Some(policy)), format!("    {command}\n"));
        let both = format!("{member}\n{policy}");
        assert_eq!(shown(Some(command), Some(&both)), format!("    {command}\n    {member}\n"));
    }
}
