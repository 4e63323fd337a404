//! `landfall snapshot`: what `landfall check` needs of the server, and no secret, in one file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{BinaryBytes, ProgressBar};
use landfall_api::landfall::{CreateSnapshot, CreateSnapshotRequest, CreateSnapshotResponse};
use landfall_base::AccountId;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal::{self, Style};

/// Writes a snapshot for `landfall check --snapshot`: policies, roles, names and shapes, and no secret.
///
/// Values of secrets, parameters and environment files, key material, access keys, layers and log events are not in it: it
/// can be committed to a repository or given to CI. Only administrators of the first account may take one.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotArgs {
    /// File to write; one that is there is replaced
    file: PathBuf,
    /// Account to have in it; may be repeated [default: all]
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) async fn run(args: SnapshotArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    let wanted = args.accounts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let input = CreateSnapshotRequest { account_ids: (!wanted.is_empty()).then_some(wanted) };
    let bar = ProgressBar::new_spinner().with_message("taking a snapshot");
    bar.enable_steady_tick(Duration::from_millis(120));
    let taken = client.call::<CreateSnapshot>(input).await;
    bar.finish_and_clear();
    let taken = taken?;
    write(&args.file, &taken.snapshot.0)?;
    if args.json {
        terminal::print_json(&summary_json(&args.file, &taken))?;
    } else {
        terminal::print(&summary_text(&args.file, &taken, Style::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The file appears whole or not at all, and only its owner may read it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed =
        |error: &dyn std::fmt::Display| CliError::new(format!("cannot write `{}`: {error}", path.display()));
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file =
        NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(|error| failed(&error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

fn summary_json(path: &Path, taken: &CreateSnapshotResponse) -> Value {
    let contents = taken.contents.iter().map(|it| json!({"kind": it.kind, "count": it.count}));
    json!({
        "file": path.display().to_string(),
        "bytes": taken.snapshot.0.len(),
        "accounts": taken.account_ids,
        "contents": contents.collect::<Vec<_>>(),
    })
}

fn summary_text(path: &Path, taken: &CreateSnapshotResponse, style: Style) -> String {
    let size = BinaryBytes(taken.snapshot.0.len() as u64);
    let mut text = format!("{} ({size})\n", style.bold(&path.display().to_string()));
    for it in &taken.contents {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>8}  {}", it.count, it.kind);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use landfall_api::landfall::SnapshotContent;
    use landfall_shape::Blob;

    use super::*;

    #[test]
    fn what_is_in_it_is_told() {
        let content = |kind: &str, count| SnapshotContent { kind: kind.to_owned(), count };
        let taken = CreateSnapshotResponse {
            snapshot: Blob(vec![0; 2048]),
            account_ids: vec!["000000000000".to_owned()],
            contents: vec![content("roles", 12), content("secrets, without their values", 3)],
        };
        insta::assert_snapshot!(summary_text(Path::new("a.snapshot"), &taken, Style::plain()), @r"
        a.snapshot (2.00 KiB)
              12  roles
               3  secrets, without their values
        ");
        assert_eq!(summary_json(Path::new("a"), &taken)["contents"][1]["count"], 3);
    }

    #[test]
    fn only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.snapshot");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        let error = write(&directory.path().join("no/where"), b"").unwrap_err().to_string();
        assert!(error.starts_with("cannot write `"), "{error}");
    }
}
