//! Who is asked: a server, or a snapshot of one, which this process opens in memory and evaluates with the server's code.

use std::path::Path;
use std::sync::Arc;

use landfall_api::sts::{GetCallerIdentity, GetCallerIdentityRequest};
use landfall_base::{AccountId, Region};
use landfall_services::pipe::Caller;
use landfall_services::snapshot::{self, Opened, SnapshotError};
use landfall_shape::Operation;
use tempfile::TempDir;

use super::input::Place;
use crate::client::{Client, ConnectArgs};
use crate::error::CliError;

/// Who is asked.
pub(super) enum Asked {
    Server(Box<Client>),
    Snapshot(Offline),
}

/// An open snapshot.
#[derive(Clone)]
pub(super) struct Offline {
    opened: Arc<Opened>,
    caller: Arc<Caller>,
    /// Goes when nobody uses it any more: a thread that still works in it keeps it.
    directory: Arc<TempDir>,
}

impl Asked {
    /// A server, as somebody of `account` if that is given.
    pub(super) async fn server(
        connect: &ConnectArgs,
        account: Option<&str>,
    ) -> Result<(Self, Place), CliError> {
        let client = Client::connect(connect)?;
        let identity = client.call::<GetCallerIdentity>(GetCallerIdentityRequest {}).await?;
        let own = identity.account.unwrap_or_default();
        if let Some(wanted) = account.filter(|wanted| *wanted != own) {
            return Err(CliError::new(format!("the credentials are of account `{own}`, not of `{wanted}`"))
                .hint("set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` to credentials of that account"));
        }
        let place = Place { account: own, region: client.region().to_owned() };
        Ok((Self::Server(Box::new(client)), place))
    }

    /// A snapshot, as the root user of an account in it.
    pub(super) async fn snapshot(path: &Path, account: Option<&str>) -> Result<(Self, Place), CliError> {
        let file = std::fs::read(path)
            .map_err(|error| CliError::new(format!("cannot read `{}`: {error}", path.display())))?;
        let directory = tempfile::Builder::new().prefix("landfall-snapshot-").tempdir();
        let directory = directory.map(Arc::new).map_err(|error| {
            CliError::new(format!("cannot make a temporary directory: {error}")).hint("`TMPDIR` says where")
        })?;
        let inside = Arc::clone(&directory);
        let opened = in_background(move || snapshot::open(&file, inside.path())).await?;
        let opened = opened.map_err(|error| unopened(path, &error))?;
        let (account, region) = (account_in(&opened, account)?, region_for(&opened)?);
        let place = Place { account: account.to_string(), region: region.to_string() };
        let caller = Arc::new(opened.root(&account, &region));
        let opened = Arc::new(opened);
        Ok((Self::Snapshot(Offline { opened, caller, directory }), place))
    }

    /// Calls an operation.
    pub(super) async fn call<O>(&self, input: O::Input) -> Result<O::Output, CliError>
    where
        O: Operation,
        O::Input: Send + 'static,
        O::Output: Send + 'static,
    {
        match self {
            Self::Server(client) => Ok(client.call::<O>(input).await?),
            Self::Snapshot(offline) => offline.clone().call::<O>(input).await,
        }
    }
}

impl Offline {
    async fn call<O>(self, input: O::Input) -> Result<O::Output, CliError>
    where
        O: Operation,
        O::Input: Send + 'static,
        O::Output: Send + 'static,
    {
        let Self { opened, caller, directory } = self;
        let answer = in_background(move || {
            let answer = opened.call.call::<O>(&caller, input).result;
            drop((opened, directory));
            answer
        });
        answer.await?.map_err(|error| {
            let (code, operation) = (error.code, O::SCHEMA.name);
            CliError::new(format!(
                "An error occurred ({code}) when calling the {operation} operation: {}",
                error.message
            ))
        })
    }
}

async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CliError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CliError::new("the snapshot could not be asked"))
}

fn unopened(path: &Path, error: &SnapshotError) -> CliError {
    let failure = CliError::new(format!("`{}`: {error}", path.display()));
    match error {
        SnapshotError::Alien => failure.hint("`landfall snapshot FILE` writes one"),
        SnapshotError::Newer { .. } | SnapshotError::Foreign { .. } => {
            failure.hint("check with the version of Landfall that made it, or take it again with this one")
        }
        SnapshotError::Damaged(_) => {
            failure.hint("take it again with `landfall snapshot`; a repository must keep it as a binary file")
        }
        SnapshotError::Failed(_) => failure,
    }
}

/// The account that is meant: the one that is named, the installation's first, or the only one.
fn account_in(opened: &Opened, named: Option<&str>) -> Result<AccountId, CliError> {
    let header = &opened.header;
    let listed = || header.accounts.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    let found = match (named, header.accounts.as_slice()) {
        (Some(named), accounts) => accounts.iter().find(|it| it.as_str() == named),
        (None, [only]) => Some(only),
        (None, accounts) => accounts.iter().find(|it| **it == header.default_account),
    };
    found.cloned().ok_or_else(|| match named {
        Some(named) => CliError::new(format!("account `{named}` is not in the snapshot"))
            .hint(format!("it has {}; `landfall snapshot --account` says which go into one", listed())),
        None => CliError::new("which account is meant?")
            .hint(format!("name one of the snapshot's with `--account`: {}", listed())),
    })
}

/// The Region that is meant: as for a server, the environment's, or the one of clients that name none.
fn region_for(opened: &Opened) -> Result<Region, CliError> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    match variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        None => Ok(opened.header.default_region.clone()),
        Some(text) => text.parse().map_err(|_| CliError::new(format!("`{text}` is not a Region"))),
    }
}

/// What a server would have asked: registries. Said in notes of steps.
pub(super) fn not_asked(steps: &[landfall_api::landfall::Step]) -> Vec<String> {
    let notes = steps.iter().flat_map(|step| step.notes.iter().flatten());
    let mut found = Vec::new();
    for note in notes.filter_map(|note| note.strip_prefix(snapshot::NOT_ASKED)) {
        if !found.iter().any(|known| known == note) {
            found.push(note.to_owned());
        }
    }
    found
}
