//! The Python environment of the end-to-end tests: pytest, boto3 and the unmodified AWS CLI, at pinned versions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::tools::{command, step};
use crate::files::root;

/// Makes the environment if it is missing or was made from other requirements. Returns the path of its pytest.
pub(crate) fn ensure(directory: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/requirements.txt");
    let text = fs::read_to_string(&wanted).with_context(|| format!("cannot read `{}`", wanted.display()))?;
    let pytest = directory.join("bin/pytest");
    if !is_current(directory, &text, &pytest) {
        make(directory, &wanted)?;
        fs::write(stamp(directory), text)?;
    }
    Ok(pytest)
}

/// The requirements that the environment was made from; written last, so that a half-made one is made again.
fn stamp(directory: &Path) -> PathBuf {
    directory.join("requirements.installed")
}

fn is_current(directory: &Path, text: &str, pytest: &Path) -> bool {
    pytest.is_file() && fs::read_to_string(stamp(directory)).is_ok_and(|installed| installed == text)
}

fn make(directory: &Path, requirements: &Path) -> Result<()> {
    let mut create = command("python3", &["-m", "venv", "--clear"]);
    create.arg(directory);
    step(create)?;
    let mut install = command(
        directory.join("bin/pip"),
        &["install", "--quiet", "--disable-pip-version-check", "--requirement"],
    );
    install.arg(requirements);
    step(install)
}
