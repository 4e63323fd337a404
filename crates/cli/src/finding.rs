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
    for line in fix.command.iter().flat_map(|it| it.lines()) {
        let _ = writeln!(text, "    {}", visible(line));
    }
}
