//! What a manifest names: other manifests, or the blobs of one image.

use landfall_image::Descriptor;
use serde::Deserialize;

use crate::error::CliError;

/// A manifest's references.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    /// Of an index: its manifests.
    #[serde(default)]
    pub(super) manifests: Vec<Descriptor>,
    /// Of an image: its config.
    #[serde(default)]
    pub(super) config: Option<Descriptor>,
    /// Of an image: its layers.
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    /// As the document itself says.
    #[serde(default)]
    pub(super) media_type: Option<String>,
}

impl Named {
    /// Reads a manifest or an index.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CliError> {
        serde_json::from_slice(bytes)
            .map_err(|error| CliError::new(format!("the manifest is not one: {error}")))
    }

    /// Config and layers that lie in the registry.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        // Layers that nobody may hand on are named with an address of their own.
        let own = |layer: &&Descriptor| {
            !layer.media_type.contains(".foreign.") && !layer.media_type.contains("nondistributable")
        };
        self.layers.iter().filter(own).chain(&self.config)
    }
}
