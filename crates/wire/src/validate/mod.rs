//! Constraints of the models, checked on decoded values, in the sentences that AWS answers.

mod check;
mod pattern;
mod print;

use landfall_shape::{Schema, Value};

pub use pattern::unsupported_patterns;

/// How the constraint of a pattern begins.
pub const PATTERN: &str = "Member must satisfy regular expression pattern: ";

/// A constraint that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `secretId`, `tags.1.member.key`.
    pub path: String,
    /// The value as AWS prints it, cut short if it is long; `None` if it is sensitive.
    pub value: Option<String>,
    /// What does not hold: `Member must not be null`.
    pub constraint: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value ")?;
        if let Some(value) = &self.value {
            write!(f, "{value} ")?;
        }
        write!(f, "at '{}' failed to satisfy constraint: {}", self.path, self.constraint)
    }
}

/// Checks a value against its schema's constraints. At most 100 violations are reported.
///
/// # Errors
/// The violations, in the model's order.
pub fn validate(schema: &'static Schema, value: &Value) -> Result<(), Vec<Violation>> {
    let mut found = check::Found::default();
    check::check(schema, value, "", &mut found);
    let violations = found.into_violations();
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// The sentence for one or more violations: `2 validation errors detected: Value …; Value …`.
pub fn message(violations: &[Violation]) -> String {
    let sentences: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let errors = if violations.len() == 1 { "error" } else { "errors" };
    format!("{} validation {errors} detected: {}", violations.len(), sentences.join("; "))
}
