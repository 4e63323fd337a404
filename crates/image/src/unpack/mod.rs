//! Unpacking a layer: bytes of a tar archive, compressed or not, become a directory that overlayfs can use as a lower layer.
//!
//! Layers come from strangers. Nothing in an archive can leave the directory it is unpacked into: every path is opened by
//! `openat2` with `RESOLVE_IN_ROOT`, so that `..`, absolute names and symbolic links end inside, in the kernel's own
//! judgement and without races. What an archive may cost (bytes, entries, memory for its headers, disk) is bounded.
//!
//! Device nodes are left out: a container's `/dev` is made by the runtime, so no honest image needs them, and a hostile one could
//! hide an overlayfs whiteout or a door to the host's disk in one. FIFOs are made. Of the extended attributes those that mean
//! something inside a container are kept (`user.*`, `security.capability`, POSIX ACLs); `trusted.*` and `*.overlay.*` would speak
//! to overlayfs itself and are dropped.

mod archive;
mod bounds;
mod entry;
mod sparse;
mod tree;
mod writer;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::bufread::MultiGzDecoder;

use crate::Digest;

use bounds::{Bounded, LimitHit, SpaceLow};
pub(crate) use bounds::{disk_size, free_space};

/// What unpacking may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Unpacked bytes of one layer.
    pub layer_bytes: u64,
    /// How many times its compressed size a layer may come to, once it is larger than [`Limits::ratio_from`]. Layers of real
    /// images come to two to twenty times; gzip makes a thousand of nothing but zeros.
    pub ratio: u64,
    /// Unpacked bytes up to which the ratio does not matter.
    pub ratio_from: u64,
    /// Unpacked bytes of all layers of one image.
    pub image_bytes: u64,
    /// Entries of one layer.
    pub layer_entries: u64,
    /// Bytes that stay free on the disk.
    pub free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            layer_bytes: 64 << 30,
            ratio: 100,
            ratio_from: 1 << 30,
            image_bytes: 128 << 30,
            layer_entries: 2_000_000,
            free_bytes: 256 << 20,
        }
    }
}

impl Limits {
    /// The limits of a layer of this compressed size.
    #[must_use]
    pub fn of_layer(&self, compressed: u64) -> Self {
        let by_ratio = compressed.saturating_mul(self.ratio).max(self.ratio_from);
        Self { layer_bytes: self.layer_bytes.min(by_ratio), ..self.clone() }
    }
}

/// How to unpack.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// What it may cost.
    pub limits: Limits,
    /// Whether owners cannot be set, and overlayfs reads `user.overlay.*` (its `userxattr` option) instead of
    /// `trusted.overlay.*`.
    pub rootless: bool,
    /// What is left of the image's byte limit, shared by its layers.
    pub image_left: Arc<AtomicU64>,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        let limits = Limits::default();
        let image_left = Arc::new(AtomicU64::new(limits.image_bytes));
        Self { limits, rootless: !rustix::process::geteuid().is_root(), image_left }
    }
}

/// What a layer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Entries in the archive.
    pub entries: u64,
    /// Bytes of the archive before compression.
    pub bytes: u64,
    /// Digest of those bytes: what an image's config lists as `diff_ids`.
    pub diff_id: Digest,
}

/// Why a layer was not unpacked.
#[derive(Debug)]
pub enum UnpackError {
    /// It tries what no honest layer does.
    Unsafe(String),
    /// It is not a readable archive.
    Corrupt(String),
    /// A limit was reached; the text names it.
    Limit(String),
    /// The disk is full.
    NoSpace(String),
    /// The file system refused.
    Io(String),
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unsafe(text)
        | Self::Corrupt(text)
        | Self::Limit(text)
        | Self::NoSpace(text)
        | Self::Io(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for UnpackError {}

impl UnpackError {
    /// Reading the archive failed.
    fn reading(error: &io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(hit) = inner.and_then(|inner| inner.downcast_ref::<LimitHit>()) {
            return Self::Limit(hit.to_string());
        }
        if let Some(low) = inner.and_then(|inner| inner.downcast_ref::<SpaceLow>()) {
            return Self::NoSpace(low.to_string());
        }
        Self::Corrupt(error.to_string())
    }

    /// Writing `path` failed.
    fn writing(path: &[u8], error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let shown = shown(path);
        match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                Self::NoSpace(format!("write {shown}: no space left on device"))
            }
            Some(rustix::io::Errno::NAMETOOLONG) => Self::Unsafe(format!("the path `{shown}` is too long")),
            Some(rustix::io::Errno::LOOP) => {
                Self::Unsafe(format!("the path `{shown}` goes round in symbolic links"))
            }
            Some(rustix::io::Errno::XDEV) => Self::Unsafe(format!("the path `{shown}` leaves the layer")),
            _ => Self::Io(format!("`{shown}`: {error}")),
        }
    }
}

/// A path fit for a message: one line, bounded.
fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let clipped: String = text.chars().take(200).collect();
    clipped.escape_debug().to_string()
}

/// Unpacks one layer into the empty directory `root`. gzip, zstd and plain tar are told apart by their first bytes, because media
/// types are often wrong. Reads `source` to its end, so that a digest over it is complete.
///
/// # Errors
/// See [`UnpackError`]. What was unpacked until then stays: the caller throws the directory away.
pub fn unpack_layer(
    source: impl Read,
    root: &Path,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let source = decompressed(source).map_err(|error| UnpackError::reading(&error))?;
    let mut source = Bounded::new(source, root, options);
    let entries = writer::write_tree(&mut source, root, options)?;
    io::copy(&mut source, &mut io::sink()).map_err(|error| UnpackError::reading(&error))?;
    let (bytes, diff_id) = source.finish();
    Ok(Unpacked { entries, bytes, diff_id })
}

fn decompressed<'a>(source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    /// Largest zstd window accepted, as a power of two: 128 MiB, the format's recommended maximum.
    const ZSTD_WINDOW: u32 = 27;
    let mut source = BufReader::with_capacity(256 << 10, source);
    let start = source.fill_buf()?;
    let skippable = matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    if start.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(source)));
    }
    if start.starts_with(&ZSTD) || skippable {
        let mut decoder = zstd::Decoder::with_buffer(source)?;
        decoder.window_log_max(ZSTD_WINDOW)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(source))
}
