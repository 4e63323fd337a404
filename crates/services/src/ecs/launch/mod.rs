//! How a task starts: what has to be asked of other services before its containers run.
//!
//! [`plan`](plan::plan) works that out once, as data. [`execute`](execute::execute) carries the plan out as the task
//! execution role, through the same pipe as every other call, and keeps a record of each step; [`look`](execute::look)
//! takes the same steps dry, to say before what would fail. [`wording`] has AWS's texts for what goes wrong, [`advice`] what to do about it.

pub mod advice;
pub mod check;
mod circumstances;
pub mod credential;
pub mod env_file;
pub mod environment;
pub mod execute;
mod go;
mod in_image;
pub(crate) mod json;
mod log_destination;
mod mend;
pub mod plan;
pub mod problem;
mod quotas;
pub mod trace;
pub mod value_from;
pub mod wording;
mod work;

#[cfg(test)]
mod execute_tests;
#[cfg(test)]
mod fix_tests;
#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod rows_tests;
#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod way_tests;

pub use super::rules::trust::SERVICE_PRINCIPAL;
pub use circumstances::logins;
pub use execute::{Execution, SecretLogOptions, execute, look};
pub use log_destination::{LogDestination, LogSource, with_secret_options};
pub use mend::Mend;
pub use plan::{InstanceRole, LaunchPlan, Step, TaskFacts, When, Work, plan};
