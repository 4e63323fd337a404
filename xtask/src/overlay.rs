//! Corrections to service models, kept as data with a reason each: `models/overlay/<service>.json`.
//!
//! The models sometimes disagree with what the services do, or use regular expressions that mean something else in
//! another dialect. A correction that no longer finds what it corrects is an error, so that none outlives its cause.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Number;

use crate::model::{Model, Shape};

/// One correction of a shape, or of a member where `member` names one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    shape: String,
    member: Option<String>,
    reason: String,
    change: Change,
}

/// What a correction does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Require(bool),
    RemoveMember(bool),
    Sensitive(bool),
    Pattern(Option<String>),
    Min(Option<Number>),
    Max(Option<Number>),
    AddValues(Vec<String>),
    /// The member has another of the model's shapes.
    Shape(String),
}

/// Applies corrections in their order.
pub(crate) fn apply(model: &mut Model, corrections: &[Correction]) -> Result<()> {
    for correction in corrections {
        let context = || format!("overlay for `{}` does not apply: correct or remove it", correction.shape);
        apply_one(model, correction).with_context(context)?;
    }
    model.prune()
}

fn apply_one(model: &mut Model, correction: &Correction) -> Result<()> {
    ensure!(!correction.reason.trim().is_empty(), "a correction needs a `reason`");
    if let Change::Shape(of) = &correction.change {
        ensure!(model.shapes.contains_key(of), "the model has no shape `{of}` for the member");
    }
    let shape = model.shapes.get_mut(&correction.shape).context("the model has no such shape")?;
    match &correction.member {
        Some(member) => change_member(shape, member, &correction.change),
        None => change_shape(shape, &correction.change),
    }
}

fn change_member(shape: &mut Shape, member: &str, change: &Change) -> Result<()> {
    ensure!(shape.members.contains_key(member), "it has no member `{member}`");
    match change {
        Change::Require(required) => {
            ensure!(shape.requires(member) != *required, "`{member}` is so already");
            shape.required.retain(|name| name != member);
            shape.required.extend(required.then(|| member.to_owned()));
        }
        Change::RemoveMember(true) => {
            shape.members.shift_remove(member);
            shape.required.retain(|name| name != member);
        }
        Change::Shape(of) => {
            let reference = shape.members.get_mut(member).context("it has no such member")?;
            replace(&mut reference.shape, of.clone())?;
        }
        _ => anyhow::bail!("only `require`, `shape` and `remove_member: true` change a member"),
    }
    Ok(())
}

fn change_shape(shape: &mut Shape, change: &Change) -> Result<()> {
    match change {
        Change::Sensitive(sensitive) => replace(&mut shape.sensitive, *sensitive),
        Change::Pattern(pattern) => replace(&mut shape.pattern, pattern.clone()),
        Change::Min(min) => replace(&mut shape.min, min.clone()),
        Change::Max(max) => replace(&mut shape.max, max.clone()),
        Change::AddValues(values) => {
            ensure!(!shape.values.iter().any(|value| values.contains(value)), "it has such a value already");
            shape.values.extend(values.iter().cloned());
            Ok(())
        }
        Change::Require(_) | Change::RemoveMember(_) | Change::Shape(_) => {
            anyhow::bail!("name the `member` to change")
        }
    }
}

fn replace<T: PartialEq>(fact: &mut T, value: T) -> Result<()> {
    ensure!(*fact != value, "it is so already");
    *fact = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model() -> Model {
        serde_json::from_value(json!({
            "metadata": {
                "apiVersion": "2020-01-01", "endpointPrefix": "x", "protocol": "json", "serviceFullName": "X",
                "serviceId": "X", "signatureVersion": "v4"
            },
            "operations": { "Do": { "input": { "shape": "DoRequest" } } },
            "shapes": {
                "DoRequest": {
                    "type": "structure",
                    "required": ["name"],
                    "members": { "name": { "shape": "Name" }, "mode": { "shape": "Mode" } }
                },
                "Name": { "type": "string", "pattern": "a(?!b)" },
                "Mode": { "type": "string", "enum": ["A"] }
            }
        }))
        .unwrap()
    }

    fn corrected(correction: serde_json::Value) -> Result<Model> {
        let mut model = model();
        apply(&mut model, &[serde_json::from_value(correction)?])?;
        Ok(model)
    }

    #[test]
    fn corrections_change_what_they_name() {
        let change =
            json!({ "shape": "DoRequest", "member": "mode", "change": { "require": true }, "reason": "r" });
        assert_eq!(corrected(change).unwrap().shapes["DoRequest"].required, ["name", "mode"]);
        let change =
            json!({ "shape": "DoRequest", "member": "name", "change": { "shape": "Mode" }, "reason": "r" });
        assert_eq!(corrected(change).unwrap().shapes["DoRequest"].members["name"].shape, "Mode");
        let change =
            json!({ "shape": "DoRequest", "member": "name", "change": { "require": false }, "reason": "r" });
        assert!(corrected(change).unwrap().shapes["DoRequest"].required.is_empty());
        let change = json!({ "shape": "Name", "change": { "pattern": null }, "reason": "r" });
        assert_eq!(corrected(change).unwrap().shapes["Name"].pattern, None);
        let change = json!({ "shape": "Name", "change": { "sensitive": true }, "reason": "r" });
        assert!(corrected(change).unwrap().shapes["Name"].sensitive);
        let change = json!({ "shape": "Mode", "change": { "add_values": ["B"] }, "reason": "r" });
        assert_eq!(corrected(change).unwrap().shapes["Mode"].values, ["A", "B"]);
    }

    #[test]
    fn a_removed_member_takes_its_shape_with_it() {
        let change = json!({ "shape": "DoRequest", "member": "name", "change": { "remove_member": true }, "reason": "r" });
        let model = corrected(change).unwrap();
        assert!(model.shapes["DoRequest"].required.is_empty());
        assert!(!model.shapes.contains_key("Name"));
    }

    #[test]
    fn corrections_that_correct_nothing_are_refused() {
        let refused = [
            json!({ "shape": "Gone", "change": { "sensitive": true }, "reason": "r" }),
            json!({ "shape": "Name", "change": { "sensitive": false }, "reason": "r" }),
            json!({ "shape": "Name", "change": { "sensitive": true }, "reason": " " }),
            json!({ "shape": "Name", "change": { "sensitive": true } }),
            json!({ "shape": "Name", "change": { "colour": true }, "reason": "r" }),
            json!({ "shape": "Name", "change": { "require": true }, "reason": "r" }),
            json!({ "shape": "Mode", "change": { "add_values": ["A"] }, "reason": "r" }),
            json!({ "shape": "DoRequest", "member": "gone", "change": { "require": true }, "reason": "r" }),
            json!({ "shape": "DoRequest", "member": "name", "change": { "require": true }, "reason": "r" }),
        ];
        for correction in refused {
            assert!(corrected(correction.clone()).is_err(), "{correction}");
        }
    }
}
