//! The start trace, for people and for programs.

use std::fmt::Write;

use landfall_api::landfall::{DescribeTaskStartResponse, Step, StepResult};
use serde_json::{Map, Value, json};

use super::decision;
use crate::finding;
use crate::terminal::{Style, visible};

/// The trace as programs read it.
pub(super) fn task_json(start: &DescribeTaskStartResponse) -> Value {
    json!({
        "task": start.task_arn,
        "task_definition": start.task_definition_arn,
        "last_status": start.last_status,
        "stop_code": start.stop_code,
        "stopped_reason": start.stopped_reason,
        "finding": start.finding.as_ref().map(finding::json),
        "steps": start.steps.iter().map(step_json).collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step) -> Value {
    json!({
        "name": step.name,
        "container": step.container,
        "principal": step.principal,
        "action": step.action,
        "resource": step.resource,
        "started_at": step.started_at.to_string(),
        "duration_ms": step.duration_ms,
        "outcome": {"result": step.result.as_str(), "detail": step.detail},
        "notes": step.notes.as_deref().unwrap_or_default(),
        "hint": step.hint,
        "finding": step.finding.as_ref().map(finding::json),
        "context": context_json(step),
        "decision": step.decision.as_deref().map(decision::as_json),
    })
}

fn context_json(step: &Step) -> Value {
    let entries = step.context.iter().flatten();
    entries
        .map(|entry| (entry.key.clone(), Value::from(entry.values.join(", "))))
        .collect::<Map<_, _>>()
        .into()
}

/// The trace as a checklist under a headline.
pub(crate) fn task_text(start: &DescribeTaskStartResponse, style: Style) -> String {
    let mut text = headline(start, style);
    if let Some(found) = &start.finding {
        let shown = landfall_api::landfall::Finding { message: String::new(), ..found.clone() };
        text.push('\n');
        text.push_str(&finding::text(&shown, style));
    }
    for step in &start.steps {
        text.push('\n');
        push_step(&mut text, step, style);
    }
    if start.steps.is_empty() {
        text.push_str("\nno step has been taken yet\n");
    }
    text
}

/// Why a task could not be started: the steps that failed, without those that went well.
pub(crate) fn failure_text(start: &DescribeTaskStartResponse, style: Style) -> String {
    let mut text = String::new();
    if let Some(found) = &start.finding {
        text.push_str(&finding::text(found, style));
    }
    for step in start.steps.iter().filter(|step| step.result == StepResult::Failed) {
        push_step(&mut text, step, style);
    }
    text
}

fn headline(start: &DescribeTaskStartResponse, style: Style) -> String {
    let mut text = format!("{}  {}", style.bold(&start.task_arn), start.last_status);
    if let Some(definition) = &start.task_definition_arn {
        let _ = write!(text, "  {}", definition.rsplit('/').next().unwrap_or_default());
    }
    text.push('\n');
    if let Some(reason) = &start.stopped_reason {
        let code = start.stop_code.as_deref().unwrap_or("Stopped");
        let failed = start.stop_code.as_deref() == Some("TaskFailedToStart");
        let code = if failed { style.red(code) } else { style.bold(code) };
        let _ = writeln!(text, "{code}: {}", visible(reason));
    }
    text
}

fn push_step(text: &mut String, step: &Step, style: Style) {
    let container = step.container.as_ref().map(|name| format!(" of container `{name}`")).unwrap_or_default();
    let time = style.dim(&format!("{} ms", step.duration_ms));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} {}{container}  {time}", sign(&step.result, style), style.bold(&step.name));
    push_part(text, "as", &step.principal, style);
    push_part(text, "action", &step.action, style);
    push_part(text, "on", &step.resource, style);
    for entry in step.context.iter().flatten() {
        push_part(text, "with", &format!("{} = {}", entry.key, entry.values.join(", ")), style);
    }
    push_part(text, "decided", &decided(step), style);
    push_part(text, outcome(&step.result), step.detail.as_deref().unwrap_or_default(), style);
    for note in step.notes.as_deref().unwrap_or_default() {
        push_part(text, "note", note, style);
    }
    push_part(text, "hint", step.hint.as_deref().unwrap_or_default(), style);
}

/// The notes say it too, and with what nearly matched.
fn decided(step: &Step) -> String {
    let noted = step.notes.as_ref().is_some_and(|notes| !notes.is_empty());
    step.decision.as_deref().filter(|_| !noted).map(decision::as_text).unwrap_or_default()
}

fn sign(result: &StepResult, style: Style) -> String {
    match result {
        StepResult::Done => style.green("✓"),
        StepResult::Failed => style.red("✗"),
        StepResult::Skipped | StepResult::Unknown(_) => style.dim("–"),
    }
}

fn outcome(result: &StepResult) -> &str {
    match result {
        StepResult::Done => "result",
        StepResult::Failed => "failed",
        StepResult::Skipped => "skipped",
        StepResult::Unknown(other) => other,
    }
}

/// A labelled part; further lines of it stand below its first.
fn push_part(text: &mut String, label: &str, part: &str, style: Style) {
    let mut lines = part.lines();
    let Some(first) = lines.next() else { return };
    let shown =
        if label == "hint" { style.cyan(&format!("{label:<8}")) } else { style.dim(&format!("{label:<8}")) };
    let _ = writeln!(text, "    {shown} {}", visible(first));
    for line in lines {
        let _ = writeln!(text, "    {:<8} {}", "", visible(line));
    }
}

#[cfg(test)]
mod tests {
    use landfall_api::landfall::{Cause, ContextEntry, Finding, Fix};
    use landfall_base::Timestamp;

    use super::*;

    fn found() -> Finding {
        Finding {
            headline: "the role `exec` may not `secretsmanager:GetSecretValue` on `registry-AbCdEf`"
                .to_owned(),
            cause: Cause::Permission,
            message: "ResourceInitializationError: unable to pull secrets".to_owned(),
            fix: Some(Fix {
                text: String::new(),
                command: Some("aws iam put-role-policy --role-name exec".to_owned()),
                document: Some("{}".to_owned()),
                verified: true,
            }),
            ..Finding::default()
        }
    }

    fn start() -> DescribeTaskStartResponse {
        let role = Step {
            name: "execution-role".to_owned(),
            principal: "ecs-tasks.amazonaws.com".to_owned(),
            action: "sts:AssumeRole".to_owned(),
            resource: "arn:aws:iam::000000000000:role/exec".to_owned(),
            started_at: Timestamp::from_millis(1_795_401_041_123),
            duration_ms: 1,
            result: StepResult::Done,
            decision: Some(
                r#"{"allowed":true,"layer":"role-trust","deciding":"trust policy, statement 1"}"#.to_owned(),
            ),
            ..Step::default()
        };
        let credential = Step {
            name: "registry-credential".to_owned(),
            container: Some("app".to_owned()),
            principal: "arn:aws:sts::000000000000:assumed-role/exec/0123".to_owned(),
            action: "secretsmanager:GetSecretValue".to_owned(),
            resource: "arn:aws:secretsmanager:us-east-1:000000000000:secret:registry-AbCdEf".to_owned(),
            started_at: Timestamp::from_millis(1_795_401_041_125),
            duration_ms: 2,
            result: StepResult::Failed,
            detail: Some("AccessDeniedException: not authorized\nsecond line".to_owned()),
            notes: Some(vec!["the role has 2 policies".to_owned()]),
            hint: Some("allow secretsmanager:GetSecretValue on this secret".to_owned()),
            finding: Some(found()),
            context: Some(vec![ContextEntry {
                key: "secretsmanager:SecretId".to_owned(),
                values: vec![
                    "arn:aws:secretsmanager:us-east-1:000000000000:secret:registry-AbCdEf".to_owned(),
                ],
            }]),
            decision: Some(r#"{"allowed":false,"layer":"identity","deciding":null}"#.to_owned()),
        };
        let pull = Step { name: "image".to_owned(), result: StepResult::Skipped, ..role.clone() };
        DescribeTaskStartResponse {
            task_arn: "arn:aws:ecs:us-east-1:000000000000:task/default/0123".to_owned(),
            task_definition_arn: Some("arn:aws:ecs:us-east-1:000000000000:task-definition/web:3".to_owned()),
            last_status: "STOPPED".to_owned(),
            stop_code: Some("TaskFailedToStart".to_owned()),
            stopped_reason: Some("ResourceInitializationError: unable to pull secrets".to_owned()),
            finding: Some(found()),
            steps: vec![role, credential, pull],
            pull: None,
        }
    }

    #[test]
    fn the_checklist() {
        insta::assert_snapshot!(task_text(&start(), Style::plain()));
    }

    #[test]
    fn the_failure_alone() {
        insta::assert_snapshot!(failure_text(&start(), Style::plain()));
    }

    #[test]
    fn the_json() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&task_json(&start())).unwrap());
    }

    #[test]
    fn nothing_yet() {
        let start = DescribeTaskStartResponse {
            task_arn: "arn".to_owned(),
            last_status: "PROVISIONING".to_owned(),
            ..DescribeTaskStartResponse::default()
        };
        assert_eq!(task_text(&start, Style::plain()), "arn  PROVISIONING\n\nno step has been taken yet\n");
    }
}
