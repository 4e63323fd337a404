//! `cargo xtask test`: everything that must hold before a change is taken. Prepares the machine, checks style and lints,
//! runs the Rust tests, then the end-to-end tests against the binary that was just built.

mod packages;
mod suite;
mod tools;
mod venv;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

/// What `cargo xtask test` may be told.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Run only this half.
    #[arg(long, value_enum)]
    only: Option<Half>,
    /// Handed to pytest as they are, for example `-- -k hostile -x`.
    #[arg(last = true)]
    pytest: Vec<String>,
}

/// The two halves of the tests.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    /// Style, lints and the Rust tests.
    Unit,
    /// The tests in `tests/`, which use the built binary as a user would.
    E2e,
}

/// Runs the tests; fails with the first step that fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let target = tools::target_directory()?;
    packages::ensure()?;
    if arguments.only != Some(Half::E2e) {
        suite::unit()?;
    }
    if arguments.only != Some(Half::Unit) {
        end_to_end(&target, &arguments.pytest)?;
    }
    Ok(())
}

/// Builds the binary. Returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    suite::build(&tools::target_directory()?)
}

/// Everything is ready before pytest starts, so that its closing line is the last one.
fn end_to_end(target: &std::path::Path, arguments: &[String]) -> Result<()> {
    let pytest = venv::ensure(&target.join("venv"))?;
    let binary: PathBuf = suite::build(target)?;
    suite::pytest(&pytest, &binary, arguments)
}
