//! Staging labels: which version is current, which was before, which is pending. A label is on one version at a time;
//! a version without labels is *deprecated*.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The version that is answered when none is asked for.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The version that was current before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// The version that a rotation makes.
pub(super) const PENDING: &str = "AWSPENDING";

/// The most labels that one version can have.
const MOST_LABELS: usize = 20;

/// Version ids by label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stages(BTreeMap<String, String>);

/// Why a label was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The label is on a version that the caller did not name.
    #[error(
        "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version \
         {holder}, so you must explicitly reference that version in RemoveFromVersionId."
    )]
    HolderNotNamed {
        /// The label.
        label: String,
        /// The version that has it.
        holder: String,
    },
    /// The version that the caller named does not have the label.
    #[error(
        "When you move staging label {label}, if you specify RemoveFromVersionId, it must be set to the version that \
         currently has the staging label {label}."
    )]
    NotTheHolder {
        /// The label.
        label: String,
    },
    /// `AWSCURRENT` would be on no version.
    #[error(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."
    )]
    CurrentRemoved,
    /// Neither end of the move was named.
    #[error("You must provide MoveToVersionId or RemoveFromVersionId.")]
    NothingToDo,
    /// The version would have too many labels.
    #[error("The version {version} can't have more than 20 staging labels.")]
    TooManyLabels {
        /// The version.
        version: String,
    },
}

impl Stages {
    /// The version that has a label.
    pub fn version(&self, label: &str) -> Option<&str> {
        self.0.get(label).map(String::as_str)
    }

    /// The labels of a version.
    pub fn labels(&self, version: &str) -> Vec<String> {
        let on_it = self.0.iter().filter(|(_, holder)| *holder == version);
        on_it.map(|(label, _)| label.clone()).collect()
    }

    /// The versions that have labels, sorted.
    pub fn versions(&self) -> BTreeSet<&str> {
        self.0.values().map(String::as_str).collect()
    }

    /// Puts the labels of a new version on it, away from the versions that had them. The first version of a secret is
    /// current whatever was asked for.
    ///
    /// # Errors
    /// [`MoveError::TooManyLabels`]
    pub fn attach(&mut self, version: &str, labels: &[String]) -> Result<(), MoveError> {
        if self.version(CURRENT).is_none() || labels.iter().any(|label| label == CURRENT) {
            self.make_current(version);
        }
        for label in labels.iter().filter(|label| *label != CURRENT) {
            self.0.insert(label.clone(), version.to_owned());
        }
        self.check_count(version)
    }

    /// Marks the version that a rotation is going to make; it need not exist yet.
    pub fn pend(&mut self, version: &str) {
        self.0.insert(PENDING.to_owned(), version.to_owned());
    }

    /// Takes that mark off a version.
    pub fn unpend(&mut self, version: &str) {
        if self.version(PENDING) == Some(version) {
            self.0.remove(PENDING);
        }
    }

    /// Moves a label as `UpdateSecretVersionStage` does: off `from`, onto `to`.
    ///
    /// # Errors
    /// The move does not say where the label is, or would leave no current version. Nothing was changed then, except
    /// with [`MoveError::TooManyLabels`].
    pub fn relocate(&mut self, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), MoveError> {
        self.check_move(label, from, to)?;
        match to {
            None => drop(self.0.remove(label)),
            Some(to) if label == CURRENT => self.make_current(to),
            Some(to) => drop(self.0.insert(label.to_owned(), to.to_owned())),
        }
        to.map_or(Ok(()), |to| self.check_count(to))
    }

    fn check_move(&self, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), MoveError> {
        let holder = self.version(label);
        match (holder, from) {
            (_, None) if to.is_none() => Err(MoveError::NothingToDo),
            (Some(holder), None) if Some(holder) != to => {
                Err(MoveError::HolderNotNamed { label: label.to_owned(), holder: holder.to_owned() })
            }
            (_, Some(from)) if holder != Some(from) => {
                Err(MoveError::NotTheHolder { label: label.to_owned() })
            }
            _ if to.is_none() && label == CURRENT => Err(MoveError::CurrentRemoved),
            _ => Ok(()),
        }
    }

    /// Moves `AWSCURRENT`, and `AWSPREVIOUS` to the version that loses it.
    fn make_current(&mut self, version: &str) {
        match self.0.insert(CURRENT.to_owned(), version.to_owned()) {
            Some(before) if before != version => drop(self.0.insert(PREVIOUS.to_owned(), before)),
            _ => {}
        }
    }

    fn check_count(&self, version: &str) -> Result<(), MoveError> {
        let count = self.0.values().filter(|holder| *holder == version).count();
        if count <= MOST_LABELS {
            Ok(())
        } else {
            Err(MoveError::TooManyLabels { version: version.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Attach(u8, Vec<&'static str>),
        Relocate(&'static str, Option<u8>, Option<u8>),
    }

    fn label() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![CURRENT, PREVIOUS, "AWSPENDING", "MINE"])
    }

    fn step() -> impl Strategy<Value = Step> {
        let attach = (0..6u8, prop::collection::vec(label(), 0..4));
        let relocate = (label(), prop::option::of(0..6u8), prop::option::of(0..6u8));
        prop_oneof![
            attach.prop_map(|(version, labels)| Step::Attach(version, labels)),
            relocate.prop_map(|(label, from, to)| Step::Relocate(label, from, to)),
        ]
    }

    /// Does a step as the operations do: versions exist before labels move to them, and a version is made once.
    fn take(stages: &mut Stages, made: &mut BTreeSet<u8>, step: &Step) {
        let name = |version: &u8| format!("v{version}");
        match step {
            Step::Attach(version, labels) => {
                if made.insert(*version) {
                    let labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
                    stages.attach(&name(version), &labels).unwrap();
                }
            }
            Step::Relocate(label, from, to) => {
                if [from, to].into_iter().flatten().all(|version| made.contains(version)) {
                    let (from, to) = (from.as_ref().map(name), to.as_ref().map(name));
                    let before = stages.clone();
                    if stages.relocate(label, from.as_deref(), to.as_deref()).is_err() {
                        assert_eq!(*stages, before);
                    } else {
                        assert_eq!(stages.version(label), to.as_deref());
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn one_version_is_current_and_labels_are_on_one_version(steps in prop::collection::vec(step(), 0..40)) {
            let (mut stages, mut made) = (Stages::default(), BTreeSet::new());
            for step in &steps {
                let current = stages.version(CURRENT).map(str::to_owned);
                take(&mut stages, &mut made, step);
                prop_assert_eq!(stages.version(CURRENT).is_some(), !made.is_empty());
                let labels: Vec<_> = made.iter().flat_map(|it| stages.labels(&format!("v{it}"))).collect();
                let unique: BTreeSet<_> = labels.iter().collect();
                prop_assert_eq!(unique.len(), labels.len());
                // Who was current before is previous, unless the step put that label elsewhere itself.
                let explicit = matches!(step, Step::Attach(_, labels) if labels.contains(&PREVIOUS));
                if current.is_some() && current.as_deref() != stages.version(CURRENT) && !explicit {
                    prop_assert_eq!(stages.version(PREVIOUS), current.as_deref());
                }
            }
        }
    }
}
