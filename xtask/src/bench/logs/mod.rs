//! Log events by the million: how fast they are taken, and what reading the newest costs when there are many.

mod lines;
mod party;
mod report;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::Bench;
use super::aws::LOGS;
use super::document::Section;
use super::outcome::Series;
use lines::Lines;
use party::Party;

/// Reads of each kind at each size.
const READS: usize = 40;

/// How many of the newest requests a rate of writing is taken from.
const TIMED: usize = 50;

/// How long an emulator may take to fill up.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was measured at one number of lines.
#[derive(Debug, Default)]
struct Figures {
    lines: u64,
    /// Lines in a second of the newest requests.
    put: Series,
    /// Milliseconds of GetLogEvents for the 100 newest.
    newest: Series,
    /// Milliseconds of FilterLogEvents for a word in the newest lines.
    filter: Series,
    /// Milliseconds of FilterLogEvents for a word that is nowhere: one page.
    absent: Series,
    /// MiB.
    resident: Series,
    /// Bytes on the disk for each line.
    disk: Series,
}

/// Fills everybody and asks everybody.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let (own, others): (&[u64], &[u64]) = match bench.quick {
        true => (&[20_000, 100_000], &[20_000]),
        false => (&[1_000_000, 10_000_000, 100_000_000], &[1_000_000]),
    };
    let mut rows = Vec::new();
    for (name, start, sizes) in [
        ("Landfall", Party::landfall as fn(&Bench) -> Result<Party>, own),
        ("ministack", Party::ministack, others),
        ("moto", Party::moto, others),
    ] {
        eprintln!("{name}");
        rows.push((name, start(bench).and_then(|mut party| fill(&mut party, sizes))));
    }
    Ok(report::section(rows))
}

/// Writes until each size is reached, and measures there.
fn fill(party: &mut Party, sizes: &[u64]) -> Result<Vec<Figures>> {
    party.create()?;
    let mut lines = Lines::default();
    let mut found = Vec::new();
    let began = Instant::now();
    for size in sizes {
        let mut newest = Vec::new();
        while lines.written < *size {
            let stream = lines.requests % party::STREAMS;
            let (body, count) = lines.batch(stream);
            let sent = Instant::now();
            party.account.json(LOGS, "PutLogEvents", &body)?;
            newest.push(count as f64 / sent.elapsed().as_secs_f64());
            lines.sent(count);
            anyhow::ensure!(
                party.is_own || began.elapsed() < PATIENCE,
                "{} of {size} lines after {} s",
                lines.written,
                PATIENCE.as_secs()
            );
        }
        eprintln!("  {} lines after {:.0} s", lines.written, began.elapsed().as_secs_f64());
        let mut figures = Figures { lines: lines.written, ..Figures::default() };
        newest.iter().rev().take(TIMED).for_each(|rate| figures.put.samples.add(*rate));
        read(party, &lines, &mut figures);
        figures.resident.samples.add(party.resident());
        if let Some(bytes) = party.disk()? {
            figures.disk.samples.add(bytes as f64 / lines.written as f64);
        }
        found.push(figures);
    }
    Ok(found)
}

fn read(party: &mut Party, lines: &Lines, figures: &mut Figures) {
    let newest = json!({ "logGroupName": party::GROUP, "logStreamName": party::stream(0), "limit": 100 });
    let from = lines.time_of_newest() - 2_000;
    let filter =
        json!({ "logGroupName": party::GROUP, "startTime": from, "filterPattern": "ERROR", "limit": 100 });
    let absent = json!({ "logGroupName": party::GROUP, "filterPattern": "nowhere", "limit": 100 });
    let kinds = [
        ("GetLogEvents", newest, READS, &mut figures.newest),
        ("FilterLogEvents", filter, READS, &mut figures.filter),
        ("FilterLogEvents", absent, READS / 8, &mut figures.absent),
    ];
    for (operation, body, times, series) in kinds {
        for _ in 0..times {
            if series.goes_on() {
                let sent = Instant::now();
                let answer = party.account.json(LOGS, operation, &body);
                series.take(answer.map(|_| sent.elapsed().as_secs_f64() * 1000.0));
            }
        }
    }
}
