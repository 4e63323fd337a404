//! The steps themselves.

use std::num::NonZero;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::tools::{cargo, command, step, watched_step};

/// Style, lints, Rust tests.
pub(crate) fn unit() -> Result<()> {
    step(cargo(&["fmt", "--all", "--check"]))?;
    step(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut totals = Totals::default();
    let outcome = watched_step(cargo(&["test", "--workspace", "--no-fail-fast"]), |line| totals.add(line));
    eprintln!("\nrust tests: {} passed, {} failed, {} ignored", totals.passed, totals.failed, totals.ignored);
    outcome?;
    if totals.passed == 0 {
        bail!("`cargo test` ran no test at all: expected the workspace's unit tests");
    }
    Ok(())
}

/// Builds the binary under test. Returns its path.
pub(crate) fn build(target: &Path) -> Result<PathBuf> {
    step(cargo(&["build", "--package", "landfall"]))?;
    Ok(target.join("debug/landfall"))
}

/// The end-to-end tests, two files at a time for each core: they mostly wait. pytest takes this process's place: its exit code
/// and its closing line are the command's.
pub(crate) fn pytest(pytest: &Path, binary: &Path, arguments: &[String]) -> Result<()> {
    let workers = (2 * std::thread::available_parallelism().map_or(1, NonZero::get)).to_string();
    let mut run = command(pytest, &["tests", "--numprocesses", &workers, "--dist", "loadfile"]);
    run.args(arguments).env("LANDFALL_BIN", binary);
    let error = run.exec();
    Err(error).with_context(|| format!("cannot run `{}`", pytest.display()))
}

/// Sums of the lines with which each test binary ends.
#[derive(Default, Debug, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Totals {
    /// Takes in `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`; other lines are passed over.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(kind)) =
                (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match kind {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_summed_over_test_binaries() {
        let mut totals = Totals::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.12s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { passed: 13, failed: 2, ignored: 1 });
    }
}
