//! Steps of a start and what went wrong in them, as the API shows them.

use landfall_acs::{StepOutcome, StepRecord};
use landfall_api::landfall as api;

/// A step.
pub(super) fn step(step: &StepRecord) -> api::Step {
    let (result, detail) = match &step.outcome {
        StepOutcome::Done => (api::StepResult::Done, None),
        StepOutcome::Failed(detail) => (api::StepResult::Failed, Some(detail.clone())),
        StepOutcome::Skipped => (api::StepResult::Skipped, None),
    };
    let entry =
        |(key, value): &(String, String)| api::ContextEntry { key: key.clone(), values: vec![value.clone()] };
    api::Step {
        name: step.name.clone(),
        container: step.container.clone(),
        principal: step.principal.clone(),
        action: step.action.clone(),
        resource: step.resource.clone(),
        started_at: step.started_at,
        duration_ms: i64::try_from(step.duration_ms).unwrap_or(i64::MAX),
        result,
        detail,
        notes: (!step.notes.is_empty()).then(|| step.notes.clone()),
        hint: step.hint.clone(),
        finding: finding(step),
        context: (!step.context.is_empty()).then(|| step.context.iter().map(entry).collect()),
        decision: step.decision.clone(),
    }
}

/// What went wrong in a step.
pub(super) fn finding(step: &StepRecord) -> Option<api::Finding> {
    let finding = step.finding.as_ref()?;
    Some(api::Finding {
        headline: finding.headline.clone(),
        cause: api::Cause::from(finding.cause.as_str()),
        message: finding.message.clone(),
        fix: finding.fix.as_ref().map(|fix| api::Fix {
            text: fix.text.clone(),
            command: fix.command.clone(),
            document: fix.document.clone(),
            verified: fix.verified,
        }),
        step: Some(step.name.clone()),
        container: step.container.clone(),
        action: Some(step.action.clone()),
        resource: Some(step.resource.clone()),
    })
}

/// How far pulls are.
pub(super) fn pull(progress: landfall_acs::PullProgress) -> api::PullProgress {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    api::PullProgress {
        layers_done: number(progress.layers_done),
        layers_total: number(progress.layers_total),
        bytes_done: number(progress.bytes_done),
        bytes_total: number(progress.bytes_total),
    }
}
