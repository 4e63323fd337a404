//! From the request to a running process, and to nothing left: Landfall, other engines, bare runtimes.

mod bundle;
mod contender;
mod landfall;
mod report;
mod stamp;

use anyhow::{Context as _, Result};

use super::document::Section;
use super::sandbox::Sandbox;
use super::{Bench, engine, image};
use contender::Contender;
use landfall::Tasks;

/// Measures everybody in turn.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let section = in_turn(bench);
    engine::remove_empty_cgroups();
    section
}

fn in_turn(bench: &Bench) -> Result<Section> {
    let directory = bench.directory("start")?;
    let stamp = stamp::compile(&directory).context("cannot compile the program that tells when it runs")?;
    let root = image::root_file_system(&[("bin/stamp", &stamp)])?;
    let sandbox = Sandbox::new()?;
    let (_daemon, mut contenders) = contender::all(&directory, &root, &sandbox);
    let mut tasks = Tasks::prepare(bench, &root);
    let repetitions = bench.repetitions(15, 3);
    for repetition in 0..repetitions {
        eprintln!("repetition {} of {repetitions}", repetition + 1);
        tasks.once();
        contenders.iter_mut().for_each(Contender::once);
    }
    Ok(report::section(&tasks, &contenders))
}
