//! One layer: from the registry into the store.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::feed::{DEPTH, Feed, Piece};
use super::{LayerStore, io_failure};
use crate::client::Session;
use crate::unpack::{UnpackError, UnpackOptions, free_space, unpack_layer};
use crate::{Descriptor, Digest, LayerEvent, Progress, PullError, PullErrorKind};

/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// What is written beside a layer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LayerRecord {
    /// Bytes of the compressed layer.
    pub(super) compressed: u64,
    /// Bytes of the archive in it.
    pub(super) unpacked: u64,
    /// Entries of the archive.
    pub(super) entries: u64,
    /// Digest of the archive.
    pub(super) diff_id: Digest,
}

/// Why a download stopped.
enum Stopped {
    /// The unpacking wants no more: it has an error to tell.
    ByReceiver,
    /// In the middle of the body; trying again may help.
    Broken(PullError),
    /// For good. Opening the blob was tried several times before.
    Failed(PullError),
}

impl LayerStore {
    /// Downloads, verifies and unpacks a layer. It is in the store when this returns.
    pub(super) async fn fetch_layer(
        &self,
        session: &Session<'_>,
        layer: &Descriptor,
        options: UnpackOptions,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        self.check_space(session, layer)?;
        let scratch = self.scratch()?;
        let (sender, receiver) = mpsc::channel(DEPTH);
        let job = Job {
            scratch,
            target: self.layer_dir(&layer.digest),
            feed: Feed::new(receiver, &layer.digest),
            layer: layer.clone(),
            options,
        };
        let worker = tokio::task::spawn_blocking(move || job.run());
        let sent = self.download(session, layer, sender, progress).await;
        let unpacked = worker.await.map_err(|error| {
            session.blob_error(layer, PullErrorKind::Io, format!("the unpacking stopped: {error}"))
        })?;
        match sent {
            Err(Stopped::Failed(error) | Stopped::Broken(error)) => Err(error),
            Ok(()) | Err(Stopped::ByReceiver) => unpacked.map_err(|error| error.on(session, layer)),
        }
    }

    fn check_space(&self, session: &Session<'_>, layer: &Descriptor) -> Result<(), PullError> {
        let free = free_space(&self.dir).map_err(|error| io_failure(&self.dir, &error))?;
        let reserve = self.options.limits.free_bytes;
        let needed = layer.size.saturating_add(reserve);
        if free >= needed {
            return Ok(());
        }
        let why = format!(
            "write {}: no space left on device ({free} bytes free; the layer takes {} and {} are kept free)",
            self.dir.display(),
            layer.size,
            reserve
        );
        Err(session.blob_error(layer, PullErrorKind::NoSpace, why))
    }

    /// Sends the layer's bytes into the pipe, taking up a broken transfer where it broke.
    async fn download(
        &self,
        session: &Session<'_>,
        layer: &Descriptor,
        sender: mpsc::Sender<Piece>,
        progress: &dyn Progress,
    ) -> Result<(), Stopped> {
        let mut done = 0;
        let mut backoff = self.options.backoff;
        let mut attempt = 1;
        loop {
            let error = match transfer(session, layer, &mut done, &sender, progress).await {
                Ok(()) => break,
                Err(Stopped::Broken(error)) => error.with_attempts(attempt),
                Err(stopped) => return Err(stopped),
            };
            if attempt >= self.options.tries {
                return Err(Stopped::Failed(error));
            }
            attempt += 1;
            let reason = error.message().to_owned();
            progress.layer(&layer.digest, LayerEvent::Retrying { attempt, reason });
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        progress.layer(&layer.digest, LayerEvent::Extracting);
        sender.send(Piece::End).await.map_err(|_| Stopped::ByReceiver)
    }
}

/// One transfer from `done` to the end.
async fn transfer(
    session: &Session<'_>,
    layer: &Descriptor,
    done: &mut u64,
    sender: &mpsc::Sender<Piece>,
    progress: &dyn Progress,
) -> Result<(), Stopped> {
    let mut stream = session.open_blob(layer, *done).await.map_err(Stopped::Failed)?;
    while *done < layer.size {
        let Some(chunk) = stream.next().await.map_err(Stopped::Broken)? else {
            let why = format!("unexpected EOF: {done} of {} bytes arrived", layer.size);
            return Err(Stopped::Broken(session.blob_error(layer, PullErrorKind::Truncated, why)));
        };
        *done += chunk.len() as u64;
        if *done > layer.size {
            let why =
                format!("unexpected commit size: more than the {} bytes that the manifest says", layer.size);
            return Err(Stopped::Failed(session.blob_error(layer, PullErrorKind::DigestMismatch, why)));
        }
        progress.layer(&layer.digest, LayerEvent::Downloading { done: *done, total: layer.size });
        sender.send(Piece::Data(chunk)).await.map_err(|_| Stopped::ByReceiver)?;
    }
    Ok(())
}

/// The blocking half.
struct Job {
    scratch: TempDir,
    target: PathBuf,
    feed: Feed,
    layer: Descriptor,
    options: UnpackOptions,
}

/// Why the blocking half failed.
enum JobError {
    Unpack(UnpackError),
    Digest(Digest),
    Io(PathBuf, io::Error),
}

impl JobError {
    fn on(self, session: &Session<'_>, layer: &Descriptor) -> PullError {
        let (kind, why) = match self {
            Self::Unpack(error) => return unpack_failure(session, layer, &error),
            Self::Digest(actual) => {
                let why = format!("unexpected commit digest {actual}, expected {}", layer.digest);
                return session.blob_error(layer, PullErrorKind::DigestMismatch, why);
            }
            Self::Io(path, error) => {
                let failure = io_failure(&path, &error);
                (failure.kind(), failure.message().to_owned())
            }
        };
        session.unpack_error(layer, kind, why)
    }
}

fn unpack_failure(session: &Session<'_>, layer: &Descriptor, error: &UnpackError) -> PullError {
    let kind = match error {
        UnpackError::Unsafe(_) => PullErrorKind::UnsafeArchive,
        UnpackError::Corrupt(_) => PullErrorKind::CorruptLayer,
        UnpackError::Limit(_) => PullErrorKind::LimitExceeded,
        UnpackError::NoSpace(_) => PullErrorKind::NoSpace,
        UnpackError::Io(_) => PullErrorKind::Io,
    };
    session.unpack_error(layer, kind, error.to_string())
}

impl Job {
    fn run(mut self) -> Result<(), JobError> {
        let root = self.scratch.path().join("fs");
        make_root(&root).map_err(|error| JobError::Io(root.clone(), error))?;
        let outcome = unpack_layer(&mut self.feed, &root, &self.options);
        let unpacked = match outcome {
            Ok(unpacked) => unpacked,
            // Bytes that are not what was promised explain an unreadable archive better than the archive does.
            Err(error @ UnpackError::Corrupt(_)) => {
                return Err(explain(self.feed, &self.layer.digest, error));
            }
            Err(error) => return Err(JobError::Unpack(error)),
        };
        let actual = self.feed.finish().map_err(|error| JobError::Io(root, error))?;
        if actual != self.layer.digest {
            return Err(JobError::Digest(actual));
        }
        let record = LayerRecord {
            compressed: self.layer.size,
            unpacked: unpacked.bytes,
            entries: unpacked.entries,
            diff_id: unpacked.diff_id,
        };
        publish(self.scratch, &self.target, &record).map_err(|error| JobError::Io(self.target.clone(), error))
    }
}

fn explain(feed: Feed, expected: &Digest, error: UnpackError) -> JobError {
    match feed.finish() {
        Ok(actual) if actual != *expected => JobError::Digest(actual),
        _ => JobError::Unpack(error),
    }
}

/// The layer's root. An archive that does not list `./` leaves it like this.
fn make_root(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir(root)?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))
}

/// Makes the layer visible, once everything in it is on the disk.
fn publish(scratch: TempDir, target: &Path, record: &LayerRecord) -> io::Result<()> {
    fs::write(scratch.path().join("layer.json"), serde_json::to_vec(record)?)?;
    rustix::fs::syncfs(File::open(scratch.path())?)?;
    // What a removal that was cut short left under this name.
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::rename(scratch.path(), target)?;
    // The name is gone: nothing is left to clean up.
    let _ = scratch.keep();
    target.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
