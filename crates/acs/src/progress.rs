//! How far pulls are.

/// All pulls of one task, or of one check, together. Totals grow as manifests become known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// Layers in the store.
    pub layers_done: u64,
    /// Layers known so far.
    pub layers_total: u64,
    /// Compressed bytes that have arrived; those of layers that were there already count.
    pub bytes_done: u64,
    /// Compressed bytes known so far.
    pub bytes_total: u64,
}
