//! The tables.

use anyhow::Result;

use super::Figures;
use crate::bench::document::{Section, Table, cell};
use crate::bench::outcome::one_line;

const TEXT: &str = "\
PutLogEvents with 8,000 lines of about ninety bytes each, one request after the other into four streams of one group; the rate is that of the newest \
fifty requests. Then reads: *newest* is GetLogEvents for the last hundred lines of a stream, *filter* FilterLogEvents for a word among the lines of \
the last two seconds, *absent* one page of FilterLogEvents for a word that is nowhere. Landfall answers a write when it is on the disk, verifies each \
signature and evaluates the policy of an IAM user; ministack and moto keep lines in memory, and may take three minutes for theirs.";

pub(super) fn section(rows: Vec<(&'static str, Result<Vec<Figures>>)>) -> Section {
    let mut table = Table::new(&[
        "Server",
        "lines",
        "PutLogEvents, lines/s",
        "newest, ms",
        "filter, ms",
        "absent, ms a page",
        "resident, MiB",
        "bytes a line on disk",
    ]);
    for (name, measured) in rows {
        match measured {
            Err(error) => table.did_not_run(name, &one_line(&error)),
            Ok(all) => table.rows.extend(all.iter().map(|figures| row(name, figures))),
        }
    }
    Section {
        title: "Log events by the million",
        text: TEXT.to_owned(),
        tables: vec![table],
        bounds: Vec::new(),
    }
}

fn row(name: &str, figures: &Figures) -> Vec<String> {
    vec![
        name.to_owned(),
        format!("{:.1} million", figures.lines as f64 / 1e6),
        cell(&figures.put, 0),
        cell(&figures.newest, 2),
        cell(&figures.filter, 2),
        cell(&figures.absent, 2),
        cell(&figures.resident, 0),
        cell(&figures.disk, 0),
    ]
}
