//! How a pull tells what it is doing.

use crate::Digest;

/// What happened to one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerEvent {
    /// Waits for its turn, or for another pull that is bringing the same layer.
    Waiting,
    /// Bytes have arrived. Sent for every piece: the receiver throttles.
    Downloading {
        /// Compressed bytes so far.
        done: u64,
        /// Compressed bytes in all.
        total: u64,
    },
    /// Every byte has arrived; the rest is being unpacked.
    Extracting,
    /// The layer is in the store.
    Done,
    /// The layer was in the store already.
    Exists,
    /// The transfer broke and is taken up again.
    Retrying {
        /// Which try comes now; the first was 1.
        attempt: u32,
        /// What broke, in one line.
        reason: String,
    },
}

/// Receives what happens to layers, from several threads, often: it must return fast.
pub trait Progress: Send + Sync {
    /// One layer (named by its compressed digest) has news.
    fn layer(&self, digest: &Digest, event: LayerEvent);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn layer(&self, _: &Digest, _: LayerEvent) {}
}
