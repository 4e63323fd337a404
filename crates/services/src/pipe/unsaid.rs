//! What nobody may read of a call: values of secrets that name what it is about.

use std::borrow::Cow;
use std::sync::Arc;

use landfall_base::Sensitive;
use serde_json::Value;

use super::CheckRecord;

/// Values that stay out of what is told of a call: answers that refuse, checks, the audit log.
#[derive(Debug, Clone, Default)]
pub struct Unsaid(Arc<[Sensitive<String>]>);

impl Unsaid {
    /// What is written in place of a value.
    pub const MASK: &str = "***";

    /// These values. The longest is hidden first: one may be part of another.
    pub fn new(values: impl IntoIterator<Item = Sensitive<String>>) -> Self {
        let mut values: Vec<_> = values.into_iter().filter(|value| !value.expose().is_empty()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.expose().len()));
        Self(values.into())
    }

    /// A text without the values.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for value in self.0.iter().map(|value| value.expose().as_str()) {
            if text.contains(value) {
                text = Cow::Owned(text.replace(value, Self::MASK));
            }
        }
        text
    }

    /// Checks without the values. One that cannot be told without them is told without its details.
    pub fn hide_in(&self, checks: Vec<CheckRecord>) -> Vec<CheckRecord> {
        if self.0.is_empty() {
            return checks;
        }
        checks.into_iter().map(|check| self.hidden(&check).unwrap_or_else(|| bare(check))).collect()
    }

    fn hidden(&self, check: &CheckRecord) -> Option<CheckRecord> {
        let mut value = serde_json::to_value(check).ok()?;
        for (name, member) in value.as_object_mut()? {
            // These are names of ours: a value may be a part of them, and never is one.
            if !matches!(name.as_str(), "action" | "layer") {
                self.hide_strings(member);
            }
        }
        serde_json::from_value(value).ok()
    }

    fn hide_strings(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text).into_owned(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_strings(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.hide_strings(member)),
            _ => {}
        }
    }
}

fn bare(check: CheckRecord) -> CheckRecord {
    CheckRecord {
        resource: Unsaid::MASK.to_owned(),
        message: check.message.map(|_| Unsaid::MASK.to_owned()),
        trace: None,
        hints: Vec::new(),
        fix: None,
        context: Vec::new(),
        ..check
    }
}

#[cfg(test)]
mod tests {
    use landfall_iam::Layer;

    use super::*;

    fn check(resource: &str) -> CheckRecord {
        CheckRecord {
            principal: "arn:aws:sts::111122223333:assumed-role/exec/7f3a".to_owned(),
            action: "logs:CreateLogStream".to_owned(),
            resource: resource.to_owned(),
            allowed: false,
            layer: Layer::Identity,
            deciding: None,
            message: Some(format!("may not on {resource}")),
            trace: None,
            hints: vec![format!("`{resource}` is not `x`")],
            fix: None,
            context: vec![("aws:RequestedRegion".to_owned(), vec!["hunter2".to_owned()])],
        }
    }

    #[test]
    fn values_are_nowhere_in_a_check() {
        let unsaid = Unsaid::new(["hunter".into(), "hunter2".into(), "".into()]);
        let hidden = unsaid.hide_in(vec![check("log-group:hunter2:log-stream:hunter/main")]).remove(0);
        assert_eq!(hidden.resource, "log-group:***:log-stream:***/main");
        assert_eq!(hidden.message.as_deref(), Some("may not on log-group:***:log-stream:***/main"));
        assert!(!serde_json::to_string(&hidden).unwrap().contains("hunter"));
    }

    #[test]
    fn a_value_that_is_part_of_names_of_ours() {
        for value in ["logs", "identity", "a", "true", "\""] {
            let hidden = Unsaid::new([value.into()]).hide_in(vec![check("log-group:x")]).remove(0);
            assert_eq!((hidden.action.as_str(), hidden.allowed), ("logs:CreateLogStream", false), "{value}");
            assert_eq!(hidden.layer, Layer::Identity, "{value}");
        }
    }

    #[test]
    fn nothing_is_changed_where_nothing_is_hidden() {
        assert_eq!(Unsaid::default().hide("text"), "text");
        assert_eq!(Unsaid::default().hide_in(vec![check("x")]).remove(0).resource, "x");
    }
}
