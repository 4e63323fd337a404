//! Lifecycle rules of a bucket: what becomes of objects, versions and uploads as time goes by (User Guide, "Managing the lifecycle
//! of objects"). [`rules`] decides, [`work`] does it once a day, and as soon as rules are put.

mod check;
mod rules;
mod work;

use landfall_base::Timestamp;
use serde::{Deserialize, Serialize};

pub use check::check;
pub use rules::{expiry, midnight_after};
pub use work::apply;

/// The smallest object that moves to another class, where nothing else is said (User Guide, "Transitioning objects").
const SMALLEST: u64 = 128 * 1024;

/// A bucket's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// In the client's order.
    pub rules: Vec<Rule>,
    /// Small objects move to archives, too.
    #[serde(default)]
    pub archives_small: bool,
    /// When they were last applied; `None` since they were put.
    #[serde(default)]
    pub applied_at: Option<Timestamp>,
}

impl Lifecycle {
    /// Whether they have not been applied today.
    fn is_due(&self, now: Timestamp) -> bool {
        self.applied_at.is_none_or(|at| at.day() < now.day())
    }
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Whether it counts.
    pub enabled: bool,
    /// The prefix of a rule in the older form, which has no filter.
    #[serde(default)]
    pub prefix: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// When objects end.
    #[serde(default)]
    pub expiration: Option<Expiration>,
    /// When objects move to other classes.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// When versions end that are not the newest.
    #[serde(default)]
    pub noncurrent_expiration: Option<Noncurrent>,
    /// When those move to other classes.
    #[serde(default)]
    pub noncurrent_transitions: Vec<(Noncurrent, String)>,
    /// After how many days uploads end that nobody completed.
    #[serde(default)]
    pub abort_after: Option<i32>,
}

/// Objects that a rule is about: all of this must be so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// How keys begin.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// A size that is smaller.
    #[serde(default)]
    pub above: Option<u64>,
    /// A size that is larger.
    #[serde(default)]
    pub below: Option<u64>,
    /// Whether the client wrote it as `And`.
    #[serde(default)]
    pub and: bool,
}

/// When something happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// So many days after it was made.
    Days(i32),
    /// From a day on.
    Date(Timestamp),
}

/// When objects end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expiration {
    /// Then.
    At(When),
    /// Delete markers that are the last of their key do, or do not.
    Markers(bool),
}

/// When objects move to another class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Then.
    pub when: When,
    /// The class.
    pub class: String,
}

/// When something happens to versions that are not the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noncurrent {
    /// So many days after another version took their place.
    pub days: i32,
    /// But not to so many of the newest of them.
    #[serde(default)]
    pub keep: Option<i32>,
}
