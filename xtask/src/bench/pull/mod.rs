//! Pulling and unpacking a large image from a private registry on loopback.

mod contender;
mod reference;
mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::document::Section;
use super::registry::Registry;
use super::{Bench, engine, image};

/// Where the image is in the registry.
const REPOSITORY: &str = "team/large";

/// Measures everybody in turn; the image is removed before each repetition.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let layout = layout(bench)?;
    let directory = bench.directory("pull")?;
    let registry = Registry::start(&directory)?;
    registry.push(&layout, REPOSITORY)?;
    let (daemon, mut contenders) = contender::all(bench, &directory, &registry, &layout);
    let daemon_pid = daemon.as_ref().map(super::process::Server::pid);
    let repetitions = bench.repetitions(3, 1);
    for repetition in 0..repetitions {
        eprintln!("repetition {} of {repetitions}", repetition + 1);
        for contender in &mut contenders {
            contender.once(&registry, daemon_pid);
        }
    }
    drop(daemon);
    engine::remove_empty_cgroups();
    Ok(report::section(&contenders, &size_of(&layout)?))
}

/// The image, made once for all runs.
fn layout(bench: &Bench) -> Result<PathBuf> {
    let (layout, draft) = (bench.cache.join("large-image-1"), bench.scratch.path().join("large-image"));
    if !layout.is_dir() {
        eprintln!("making the image");
        image::write_layout(&draft, (0..image::LAYERS).map(image::large_layer))?;
        fs::rename(&draft, &layout).with_context(|| format!("cannot make `{}`", layout.display()))?;
    }
    Ok(layout)
}

/// Bytes as they travel, and as they are unpacked.
struct Size {
    compressed: u64,
    unpacked: u64,
}

fn size_of(layout: &std::path::Path) -> Result<Size> {
    let layers = reference::layers(layout)?;
    let compressed = layers
        .iter()
        .map(|layer| fs::metadata(layer).map(|file| file.len()))
        .sum::<std::io::Result<u64>>()?;
    let unpacked = layers.iter().map(|layer| reference::unpacked_size(layer)).sum::<Result<u64>>()?;
    Ok(Size { compressed, unpacked })
}
