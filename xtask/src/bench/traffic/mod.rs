//! Pushing to registries and pulling from them: a large image, and many small ones, by a client that does nothing but send and
//! read.

mod client;
mod images;
mod party;
mod report;

use std::fmt;
use std::sync::Arc;

use anyhow::Result;

use super::Bench;
use super::document::Section;
use super::machine::proc::{Counters, CpuTime};
use super::outcome::Series;
use client::{Direction, Job};
use images::Image;
use party::Party;

/// Connections that are kept open and busy. Docker pushes five layers at a time and pulls three.
const CONNECTIONS: usize = 4;

/// What is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cargo {
    Large,
    Small,
}

impl fmt::Display for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large => write!(f, "{} MB in {} layers", images::LARGE_BYTES / 1_000_000, images::LAYERS),
            Self::Small => write!(f, "{} small images", super::document::number(images::SMALL as f64, 0)),
        }
    }
}

/// One line of the table.
struct Row {
    cargo: Cargo,
    direction: Direction,
    party: &'static str,
    /// In milliseconds.
    wall: Series,
    /// Of the server, in seconds.
    user: Series,
    system: Series,
    /// Of the client, likewise.
    client: Series,
    /// Share of all cores that was busy, in percent.
    busy: Series,
    /// Of the machine's disks.
    flushes: Series,
}

type Start = fn(&Bench) -> Result<Party>;

/// Starts everybody, measures everybody in turn, several times. Every repetition moves bytes that nobody has seen before.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let starts: [(&'static str, Start); 3] =
        [("Landfall", party::landfall), ("docker-registry", party::docker_registry), ("zot", party::zot)];
    let (mut parties, mut rows) = (Vec::new(), Vec::new());
    for (name, start) in starts {
        let started = start(bench);
        rows.extend(rows_of(name, started.as_ref().err()));
        parties.push((name, started.ok()));
    }
    for (cargo, full) in [(Cargo::Large, 5), (Cargo::Small, 1)] {
        let repetitions = bench.repetitions(full, 1);
        for repetition in 0..repetitions {
            eprintln!("{cargo}: repetition {} of {repetitions}", repetition + 1);
            let moved = Arc::new(images::make(cargo, repetition));
            for (name, party) in parties.iter_mut().filter_map(|(name, party)| Some((name, party.as_mut()?)))
            {
                for row in rows.iter_mut().filter(|row| row.party == *name && row.cargo == cargo) {
                    once(row, party, &moved, repetition);
                }
            }
        }
    }
    Ok(report::section(&rows))
}

/// Pushes come before the pulls of what was pushed.
fn rows_of(party: &'static str, failure: Option<&anyhow::Error>) -> Vec<Row> {
    let kinds =
        [Cargo::Large, Cargo::Small].into_iter().flat_map(|cargo| Direction::BOTH.map(|way| (cargo, way)));
    kinds
        .map(|(cargo, direction)| {
            let new = Series::default;
            let mut wall = new();
            if let Some(error) = failure {
                wall.fail(error);
            }
            Row {
                cargo,
                direction,
                party,
                wall,
                user: new(),
                system: new(),
                client: new(),
                busy: new(),
                flushes: new(),
            }
        })
        .collect()
}

/// One repetition of one row.
fn once(row: &mut Row, party: &mut Party, moved: &Arc<Vec<Image>>, repetition: usize) {
    if !row.wall.goes_on() {
        return;
    }
    if let Err(error) = measure_once(row, party, moved, repetition) {
        row.wall.fail(&error);
    }
}

fn measure_once(row: &mut Row, party: &mut Party, moved: &Arc<Vec<Image>>, repetition: usize) -> Result<()> {
    let repository = party.repository(row.cargo, repetition)?;
    let job = Job {
        address: party.address,
        authorization: party.authorization.clone(),
        repository,
        direction: row.direction,
        images: Arc::clone(moved),
    };
    // What the last one left to be written must not be this one's burden.
    rustix::fs::sync();
    let before = (CpuTime::of_tree(party.pid()), CpuTime::own(), Counters::now());
    let milliseconds = client::run(job)?;
    let machine = Counters::now().since(before.2);
    let server = CpuTime::of_tree(party.pid()).since(before.0);
    row.wall.take(Ok(milliseconds));
    row.user.samples.add(server.user);
    row.system.samples.add(server.system);
    row.client.samples.add(CpuTime::own().since(before.1).total());
    row.busy.samples.add(machine.busy_percent());
    row.flushes.samples.add(machine.flushes);
    Ok(())
}
