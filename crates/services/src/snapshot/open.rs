//! Opening a snapshot: an installation in memory, with files in a directory of its own, in which launches can be taken dry.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use landfall_base::{AccountId, Clock, Region, SystemClock};
use landfall_iam::Principal;
use landfall_registry::{BlobStore, Digest};
use landfall_store::journal::Journals;
use landfall_store::{Store, Tx, WriteError};
use landfall_vault::Vault;

use super::format::{Content, SnapshotError};
use super::{Header, tables};
use crate::ecr::pull_through::Upstreams;
use crate::ecr::{LayerUploads, RegistryName};
use crate::pipe::{Call, Caller, Images, Installation};
use crate::s3::files::ObjectFiles;

/// A snapshot that can be asked.
#[derive(Debug)]
pub struct Opened {
    /// What it says of itself.
    pub header: Header,
    /// Calls into it.
    pub call: Call,
}

impl Opened {
    /// The root user of an account, who may look at everything in it as far as no service control policy forbids it.
    pub fn root(&self, account: &AccountId, region: &Region) -> Caller {
        Caller::internal(Principal::root(account), account.clone(), region.clone())
    }
}

/// What rows are put into.
pub(crate) struct Target<'a> {
    pub(crate) tx: &'a mut Tx,
    pub(crate) vault: &'a Vault,
    pub(crate) objects: &'a ObjectFiles,
    /// Bytes of manifests.
    pub(super) manifests: Vec<String>,
}

/// Why a row cannot be put: in words, without its content.
pub(super) type Unreadable = String;

/// Opens a snapshot. Files go below `directory`. It blocks.
///
/// # Errors
/// See [`SnapshotError`].
pub fn open(file: &[u8], directory: &Path) -> Result<Opened, SnapshotError> {
    let content = Content::read(file)?;
    let installation = empty(&content.header, directory)?;
    let manifests = fill(&installation, &content)?;
    keep_manifests(&installation, manifests)?;
    let call = Call::new(Arc::new(installation), crate::TABLES);
    Ok(Opened { header: content.header, call })
}

fn failed(error: impl std::fmt::Display) -> SnapshotError {
    SnapshotError::Failed(error.to_string())
}

fn empty(header: &Header, directory: &Path) -> Result<Installation, SnapshotError> {
    let registry = match header.aws_registry_names {
        true => RegistryName::aws(header.registry.as_str()),
        false => RegistryName::host(header.registry.as_str()),
    };
    Ok(Installation {
        store: Store::in_memory().map_err(failed)?,
        journals: Journals::open(&directory.join("journals")).map_err(failed)?,
        queries: crate::logs::Queries::default(),
        live_tails: crate::logs::LiveTails::default(),
        vault: Vault::in_memory().map_err(failed)?,
        objects: ObjectFiles::open(&directory.join("s3")).map_err(failed)?,
        blobs: BlobStore::open(&directory.join("registry")).map_err(failed)?,
        layer_uploads: LayerUploads::default(),
        registry,
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        auth: header.auth,
        default_account: header.default_account.clone(),
        default_region: header.default_region.clone(),
        images: Images::default(),
        upstreams: Upstreams::default(),
        origin: Some(header.origin.clone()),
    })
}

/// Puts every row into the store. Says the manifests.
fn fill(installation: &Installation, content: &Content) -> Result<Vec<String>, SnapshotError> {
    let filled = installation.store.write("open a snapshot", |tx| {
        let Installation { vault, objects, .. } = installation;
        let mut target = Target { tx, vault, objects, manifests: Vec::new() };
        content.rows(|table, key, row| {
            put(&mut target, table, key, row)
                .map_err(|reason| SnapshotError::Foreign { made_by: content.header.made_by.clone(), reason })
        })?;
        Ok::<_, SnapshotError>(target.manifests)
    });
    filled.map_err(|error| match error {
        WriteError::Rejected(error) => error,
        WriteError::Store(error) => failed(error),
    })
}

fn put(target: &mut Target<'_>, table: &str, key: &[u8], row: &str) -> Result<(), Unreadable> {
    let part = tables::KEPT.iter().find(|part| part.name == table);
    let part = part.ok_or_else(|| format!("rows of `{table}` are not known here"))?;
    (part.put)(target, key, row).map_err(|why| format!("a row of `{table}` cannot be read ({why})"))
}

fn keep_manifests(installation: &Installation, manifests: Vec<String>) -> Result<(), SnapshotError> {
    let keep = async {
        for manifest in manifests {
            installation.blobs.put(Bytes::from(manifest)).await.map_err(failed)?;
        }
        Ok(())
    };
    super::wait_for(keep).unwrap_or_else(|| Err(failed("a manifest was not kept")))
}

/// The digest that is the key of a manifest must be that of its bytes.
pub(super) fn put_manifest(target: &mut Target<'_>, key: &[u8], row: &str) -> Result<(), Unreadable> {
    let text: String = serde_json::from_str(row).map_err(|error| error.to_string())?;
    if Digest::of(text.as_bytes()).to_string().as_bytes() != key {
        return Err("a manifest has another digest".to_owned());
    }
    target.manifests.push(text);
    Ok(())
}
