//! Layers on disk, by the digest of their compressed form, and the pull that brings them there.
//!
//! ```text
//! <dir>/lock                        held while the store is open
//! <dir>/layers/sha256/<hex>/fs      an unpacked layer, ready for overlayfs
//! <dir>/layers/sha256/<hex>/layer.json
//! <dir>/configs/sha256/<hex>        image configs
//! <dir>/tmp                         work in progress; emptied when the store is opened
//! ```
//!
//! A layer is unpacked below `tmp`, synced, and then renamed: after a crash it is wholly there or not at all. Directories
//! that an archive does not list itself are made with mode 0755, owned by root, as Docker's overlay2 driver makes them.

mod feed;
mod files;
mod layer;
mod locks;
mod pull;

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use files::Entry;
pub use pull::Image;

use crate::unpack::{Limits, disk_size};
use crate::{Digest, Manifest, PullError, PullErrorKind};
use locks::{Flights, Pins};

/// How a store works.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// What layers may cost.
    pub limits: Limits,
    /// How often a layer's transfer is begun or taken up again before giving up.
    pub tries: u32,
    /// Wait before the second try; doubles each time.
    pub backoff: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), tries: 5, backoff: Duration::from_millis(250) }
    }
}

/// A directory of layers. One process at a time.
#[derive(Debug)]
pub struct LayerStore {
    dir: PathBuf,
    options: StoreOptions,
    flights: Flights,
    pins: Pins,
    _lock: File,
}

impl LayerStore {
    /// Opens or makes a store, and clears what a crash left behind.
    ///
    /// # Errors
    /// [`PullErrorKind::Io`] if the directory cannot be used or another process has it.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, PullError> {
        let dir = dir.into();
        make_private(&dir).map_err(|error| io_failure(&dir, &error))?;
        let mut options = StoreOptions::default();
        // What is kept free must leave something of a small disk.
        let size = disk_size(&dir).map_err(|error| io_failure(&dir, &error))?;
        options.limits.free_bytes = options.limits.free_bytes.min(size / 20);
        Self::with_options(dir, options)
    }

    /// [`LayerStore::open`], with options.
    ///
    /// # Errors
    /// As [`LayerStore::open`].
    pub fn with_options(dir: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, PullError> {
        let dir = dir.into();
        // What is inside belongs to containers' users and may be set-user-id: nobody on the host may come in.
        make_private(&dir).map_err(|error| io_failure(&dir, &error))?;
        let lock = take_lock(&dir)?;
        let tmp = dir.join("tmp");
        clear(&tmp).map_err(|error| io_failure(&tmp, &error))?;
        for part in ["tmp", "layers/sha256", "layers/sha512", "configs/sha256", "configs/sha512"] {
            let path = dir.join(part);
            make_private(&path).map_err(|error| io_failure(&path, &error))?;
        }
        Ok(Self { dir, options, flights: Flights::default(), pins: Pins::default(), _lock: lock })
    }

    /// Whether a layer is here.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.layer_dir(digest).join("fs").is_dir()
    }

    /// Whether all of an image is here: its config and its layers.
    pub fn holds(&self, manifest: &Manifest) -> bool {
        self.config_path(&manifest.config.digest).is_file()
            && manifest.layers.iter().all(|layer| self.contains(&layer.digest))
    }

    /// The digests of all layers here.
    ///
    /// # Errors
    /// [`PullErrorKind::Io`] if the directory cannot be read.
    pub fn layers(&self) -> Result<Vec<Digest>, PullError> {
        self.list("layers")
    }

    fn list(&self, part: &str) -> Result<Vec<Digest>, PullError> {
        let mut found = Vec::new();
        for algorithm in ["sha256", "sha512"] {
            let dir = self.dir.join(part).join(algorithm);
            let entries = fs::read_dir(&dir).map_err(|error| io_failure(&dir, &error))?;
            for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
                found.extend(format!("{algorithm}:{name}").parse::<Digest>().ok());
            }
        }
        Ok(found)
    }

    /// Removes every layer that is neither in `keep` nor part of an [`Image`] that is still held or being pulled, and every
    /// image config that is not in `keep` (it is fetched again when needed). Says which layers went. Blocks on the disk.
    ///
    /// # Errors
    /// [`PullErrorKind::Io`]; what was removed until then stays removed.
    pub fn remove_unused(&self, keep: &[Digest]) -> Result<Vec<Digest>, PullError> {
        let mut removed = Vec::new();
        for digest in self.layers()?.into_iter().filter(|digest| !keep.contains(digest)) {
            let from = self.layer_dir(&digest);
            let trash = self.scratch()?;
            let moved = self.pins.unless_pinned(&digest, || fs::rename(&from, trash.path().join("layer")));
            match moved {
                None => continue,
                Some(outcome) => outcome.map_err(|error| io_failure(&from, &error))?,
            }
            trash.close().map_err(|error| io_failure(&from, &error))?;
            removed.push(digest);
        }
        self.remove_configs(keep)?;
        Ok(removed)
    }

    fn remove_configs(&self, keep: &[Digest]) -> Result<(), PullError> {
        for digest in self.list("configs")?.into_iter().filter(|digest| !keep.contains(digest)) {
            let path = self.config_path(&digest);
            fs::remove_file(&path).map_err(|error| io_failure(&path, &error))?;
        }
        Ok(())
    }

    fn layer_dir(&self, digest: &Digest) -> PathBuf {
        self.dir.join("layers").join(digest.algorithm()).join(digest.hex())
    }

    fn config_path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("configs").join(digest.algorithm()).join(digest.hex())
    }

    /// A directory below `tmp` that goes away with its handle.
    fn scratch(&self) -> Result<tempfile::TempDir, PullError> {
        let tmp = self.dir.join("tmp");
        tempfile::TempDir::new_in(&tmp).map_err(|error| io_failure(&tmp, &error))
    }
}

/// The local file system refused.
fn io_failure(path: &Path, error: &io::Error) -> PullError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PullErrorKind::NoSpace,
        _ => PullErrorKind::Io,
    };
    PullError::local(kind, format!("`{}`: {error}", path.display()))
}

fn make_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn take_lock(dir: &Path) -> Result<File, PullError> {
    let path = dir.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|error| io_failure(&path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let why = format!("`{}` is in use by another process: stop it first", dir.display());
            Err(PullError::local(PullErrorKind::Io, why))
        }
        Err(TryLockError::Error(error)) => Err(io_failure(&path, &error)),
    }
}

fn clear(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
