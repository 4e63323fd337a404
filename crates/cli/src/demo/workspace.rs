//! The demo's temporary directory.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::CliError;

/// Unmounting ends a moment after the last process.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// A directory that is removed at the end.
#[derive(Debug)]
pub(super) struct Workspace(TempDir);

impl Workspace {
    pub(super) fn make() -> Result<Self, CliError> {
        let made = tempfile::Builder::new().prefix("landfall-demo-").tempdir();
        made.map(Self).map_err(|error| {
            CliError::new(format!("cannot make a directory in `{}`: {error}", std::env::temp_dir().display()))
                .hint("name another directory with `TMPDIR`")
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes the directory, and says so if that fails.
    pub(super) fn remove(mut self) -> Result<(), CliError> {
        // From here on the directory is removed once, and a failure is told.
        self.0.disable_cleanup(true);
        let path = self.0.path();
        let mut removed = std::fs::remove_dir_all(path);
        for _ in 0..TRIES {
            if removed.is_ok() {
                break;
            }
            std::thread::sleep(PAUSE);
            removed = std::fs::remove_dir_all(path);
        }
        removed.map_err(|error| CliError::new(format!("`{}` could not be removed: {error}", path.display())))
    }
}
