//! The server's data directory, from a client's side: where it is, and how the server is reached.

use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::serve::{self, ClientFile};

/// The directory that was named, or the one that `landfall serve` uses by default.
pub(crate) fn choose(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(dir) = named {
        return Ok(dir.to_owned());
    }
    let set = std::env::var_os("LANDFALL_DATA_DIR").filter(|dir| !dir.is_empty());
    set.map_or_else(|| serve::default_data_dir().map_err(CliError::from), |dir| Ok(dir.into()))
}

/// How the server of a data directory is reached, and the keys of its administrator.
pub(crate) fn read(dir: &Path) -> Result<ClientFile, CliError> {
    let file = dir.join("client.json");
    match file.try_exists() {
        Ok(true) => serve::read_client_file(dir).map_err(|error| unreadable(&error)),
        Ok(false) => Err(unused(dir)),
        Err(error) => {
            Err(CliError::new(format!("cannot look into the data directory `{}`: {error}", dir.display()))
                .hint("the server's user owns it: run this command as that user"))
        }
    }
}

fn unreadable(error: &anyhow::Error) -> CliError {
    CliError::new(format!("{error:#}")).hint("the server's user owns the file: run this command as that user")
}

fn unused(dir: &Path) -> CliError {
    CliError::new(format!("no server has used the data directory `{}`", dir.display()))
        .hint(format!("start one: `landfall serve --data-dir {}`", dir.display()))
        .hint("or name the directory of a running one with `--data-dir`")
}
