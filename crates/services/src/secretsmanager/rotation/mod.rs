//! Rotation: a function makes a new value in four steps, at once or by a schedule.
//!
//! A secret keeps how it is rotated. A rotation that is under way is a row of its own: which version it makes, the step it
//! is at, what failed. Both are written before anything is invoked, so that a restart goes on at the same step.
//! [`start_due`] begins what the clock asks for, each once however many windows were missed; [`next_invocations`] says what
//! is to be invoked now, and [`conclude`] takes what came of it. None of them runs anything itself.

mod function;
mod image;
mod output;
mod run;
pub mod schedule;

pub use function::{FUNCTIONS, Function, Program, arn_of, default_policy};
pub(super) use function::{INVOKE, find, invocable};
pub use image::{ImageSource, image_source};
pub use output::Output;
pub use run::{Invocation, Ready, conclude, next_invocations, start_due};
pub(super) use run::{begin, cancel, forget, note_new_value, reschedule, settle};

use landfall_base::{AccountId, Region, Timestamp};
use landfall_store::Table;
use serde::{Deserialize, Serialize};

use self::schedule::{Rules, Window};

/// Rotations that are under way or were given up, by the secret's account, Region and name.
pub const ROTATIONS: Table<(AccountId, Region, String), Run> = Table::new("secretsmanager.rotation");

/// Index of secrets by the time of their next rotation.
pub const DUE: Table<(Timestamp, AccountId, Region, String), ()> = Table::new("secretsmanager.rotation_due");

/// How a secret is rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// It is turned on.
    pub enabled: bool,
    /// The rotation function.
    pub function_arn: String,
    /// When.
    pub rules: Rules,
    /// The next time that it is due; `None` while it is turned off or has no schedule.
    #[serde(default)]
    pub next: Option<Window>,
    /// When the last rotation succeeded.
    #[serde(default)]
    pub last_rotated_at: Option<Timestamp>,
}

/// A rotation that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The version that it makes.
    pub token: String,
    /// All steps, or a test of the function only.
    pub purpose: Purpose,
    /// The version was made for a test, and goes with it.
    #[serde(default)]
    pub copied: bool,
    /// The step that is to be taken.
    pub step: Step,
    /// How often it failed.
    pub failures: u32,
    /// Why it failed last.
    #[serde(default)]
    pub failure: Option<String>,
    /// Not before this time.
    pub not_before: Timestamp,
    /// It failed too often; the next one by the schedule, or by hand, goes on with the same version.
    #[serde(default)]
    pub given_up: bool,
    /// When it began.
    pub started_at: Timestamp,
}

/// What a rotation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A new value.
    Rotate,
    /// To see whether the function works: `RotateImmediately` is false.
    Test,
}

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `createSecret`
    #[serde(rename = "createSecret")]
    Create,
    /// `setSecret`
    #[serde(rename = "setSecret")]
    Set,
    /// `testSecret`
    #[serde(rename = "testSecret")]
    Test,
    /// `finishSecret`
    #[serde(rename = "finishSecret")]
    Finish,
}

impl Step {
    /// Its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Create => Some(Self::Set),
            Self::Set => Some(Self::Test),
            Self::Test => Some(Self::Finish),
            Self::Finish => None,
        }
    }
}
