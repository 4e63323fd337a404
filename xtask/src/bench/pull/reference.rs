//! The least that any pull with unpacking has to do: digest and decompress every layer, on all cores, and write nothing.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use flate2::read::GzDecoder;

/// Files of the layers of an image layout: its large blobs.
pub(super) fn layers(layout: &Path) -> Result<Vec<PathBuf>> {
    let mut layers = Vec::new();
    for entry in fs::read_dir(layout.join("blobs/sha256"))? {
        let path = entry?.path();
        let mut magic = [0; 2];
        if File::open(&path)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b] {
            layers.push(path);
        }
    }
    layers.sort();
    Ok(layers)
}

/// RFC 1952, section 2.3.1: the last four bytes are the size of the input, for sizes below 4 GiB.
pub(super) fn unpacked_size(layer: &Path) -> Result<u64> {
    let mut file = File::open(layer)?;
    let mut size = [0; 4];
    file.seek(SeekFrom::End(-4)).with_context(|| format!("`{}` is too short", layer.display()))?;
    file.read_exact(&mut size)?;
    Ok(u64::from(u32::from_le_bytes(size)))
}

/// Does the work.
pub(super) fn run(layout: &Path) -> Result<()> {
    let waiting = Mutex::new(layers(layout)?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| work(&waiting))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })
}

fn work(waiting: &Mutex<Vec<PathBuf>>) -> Result<()> {
    while let Some(layer) = next(waiting) {
        let bytes = fs::read(&layer)?;
        std::hint::black_box(digest(&SHA256, &bytes));
        std::io::copy(&mut GzDecoder::new(bytes.as_slice()), &mut std::io::sink())?;
    }
    Ok(())
}

fn next(waiting: &Mutex<Vec<PathBuf>>) -> Option<PathBuf> {
    waiting.lock().ok()?.pop()
}
