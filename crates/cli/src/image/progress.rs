//! How far a transfer is: a bar on a terminal, a line a blob elsewhere.

use indicatif::{BinaryBytes, ProgressBar, ProgressStyle};
use landfall_image::Digest;

use crate::terminal;

/// Counts bytes of blobs.
#[derive(Debug, Clone)]
pub(super) struct Transfer(ProgressBar);

impl Transfer {
    pub(super) fn begin(what: &str) -> Self {
        let bar = ProgressBar::new(0).with_message(what.to_owned());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// There is more to do.
    pub(super) fn expect(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    /// So much is done.
    pub(super) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// A blob is where it should be.
    pub(super) fn blob(&self, digest: &Digest, size: u64, was_there: bool) {
        if self.0.is_hidden() {
            let how = if was_there { "is there already" } else { "done" };
            let short = digest.hex().get(..12).unwrap_or_default();
            terminal::note(&format!("{short}: {how}, {}", BinaryBytes(size)));
        }
        if was_there {
            self.0.inc(size);
        }
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
