//! The data directory.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// `$XDG_DATA_HOME/landfall` or `~/.local/share/landfall` (XDG Base Directory Specification).
///
/// # Errors
/// Neither `XDG_DATA_HOME` nor `HOME` is set.
pub fn default_data_dir() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    let base =
        base.context("neither `XDG_DATA_HOME` nor `HOME` is set: name a directory with `--data-dir`")?;
    Ok(base.join("landfall"))
}

/// Makes the directory for its owner alone.
///
/// # Errors
/// It cannot be made or changed.
pub(super) fn prepare(dir: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the data directory `{}`", dir.display()))?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep others out of the data directory `{}`", dir.display()))
}
