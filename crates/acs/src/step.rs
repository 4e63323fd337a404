//! The start trace: what was done to start a task, step by step.

use landfall_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// What notes begin with about questions that were not asked, or not answered.
pub const NOT_ASKED: &str = "not asked: ";

/// One step of a task's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// What was done, in a few words: `fetch registry credential`.
    pub name: String,
    /// The container it was done for, if it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Who did it: an ARN, or `agent`.
    pub principal: String,
    /// The IAM action, or the registry's verb: `secretsmanager:GetSecretValue`, `GET manifest`.
    pub action: String,
    /// What it was done to: an ARN, an image, a digest.
    pub resource: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What decided: the policy statement, the registry's answer, what the content check found. Never a secret's value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to change, where the step failed and the cause is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why it failed, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Condition keys that the call had beside the global ones, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<(String, String)>,
    /// The authorizer's decision for the step, as JSON, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result", content = "detail")]
pub enum StepOutcome {
    /// As it should.
    Done,
    /// With an error; the text is what the service or the registry said.
    Failed(String),
    /// Not attempted, because an earlier step failed.
    Skipped,
}
