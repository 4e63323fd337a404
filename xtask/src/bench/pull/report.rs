//! The table of pulls.

use super::Size;
use super::contender::Contender;
use crate::bench::document::{Section, Table, cell, number, ratio};
use crate::bench::image::LAYERS;
use crate::bench::outcome::Series;

/// Everything that was measured, as a section of the document.
pub(super) fn section(contenders: &[Contender], size: &Size) -> Section {
    Section {
        title: "Pull and unpack",
        text: text(size),
        tables: vec![table(contenders)],
        bounds: contenders
            .iter()
            .filter_map(|one| Some((one.name.to_owned(), bound(one, contenders)?)))
            .collect(),
    }
}

fn text(size: &Size) -> String {
    let megabytes = |bytes: u64| number(bytes as f64 / 1e6, 0);
    format!(
        "An image of {LAYERS} gzip layers, {} MB as it travels and {} MB unpacked, half of it incompressible, with 2,000 small files in each layer, from Debian's \
         `docker-registry` with a password on loopback, which shares the cores. Before each repetition the image is removed and the disk is in sync.\n\n\
         Landfall's figure is from `pullStartedAt` to `pullStoppedAt` of a task on a server with an empty data directory; the whole task, from RunTask to `STOPPED` of \
         `/bin/true`, stands beside it. `skopeo` only stores the compressed layers. Ratios above 1 mean that Landfall is faster.",
        megabytes(size.compressed),
        megabytes(size.unpacked)
    )
}

fn table(contenders: &[Contender]) -> Table {
    let mut table =
        Table::new(&["Pulled by", "s", "Landfall is faster by", "CPU s (user + system)", "whole task, s"]);
    let own = contenders.first().and_then(|landfall| landfall.wall.median());
    for (at, contender) in contenders.iter().enumerate() {
        if let (None, Some(reason)) = (contender.wall.median(), contender.wall.failure()) {
            table.did_not_run(contender.name, reason);
            continue;
        }
        let second = |series: &Series| number(series.median().unwrap_or_default() / 1000.0, 1);
        table.rows.push(vec![
            contender.name.to_owned(),
            seconds(&contender.wall),
            if at == 0 { "–".to_owned() } else { ratio(contender.wall.median(), own) },
            format!("{} + {}", second(&contender.user), second(&contender.system)),
            seconds(&contender.task),
        ]);
    }
    table
}

fn seconds(series: &Series) -> String {
    cell(&series.scaled(0.001), 2)
}

fn bound(contender: &Contender, all: &[Contender]) -> Option<String> {
    let (wall, busy) = (contender.wall.median()?, contender.busy.median()?);
    let cpu = contender.user.median()? + contender.system.median()?;
    let floor = all.last().and_then(|floor| floor.wall.median());
    let cores = cpu / wall;
    let bound = if busy > 85.0 {
        "the processor"
    } else if (0.75..1.25).contains(&cores) {
        "one core at a time"
    } else {
        "waiting for the disk, or for the registry"
    };
    let floor =
        floor.map_or_else(String::new, |floor| format!("; {} the floor", ratio(Some(wall), Some(floor))));
    Some(format!(
        "{bound}: it used {cores:.2} cores, and all cores were {busy:.0} % busy, registry included{floor}."
    ))
}
