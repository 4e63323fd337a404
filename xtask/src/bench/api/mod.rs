//! API calls over HTTP: Landfall, two emulators, and a server that does nothing.

pub(super) mod bare;
mod call;
mod load;
mod report;
pub(super) mod target;

use std::time::Duration;

use anyhow::{Result, bail};

use super::Bench;
use super::document::Section;
use super::machine::proc::{Counters, CpuTime};
use super::outcome::Series;
use super::stats::percentile;
use call::Call;
use load::{Load, Plan};
use target::Target;

/// Different requests that are signed for one repetition of a write; no server here answers more in the time.
const WRITES: usize = 12_000;

/// One line of the table: a call to a server, measured several times.
struct Row {
    server: &'static str,
    call: Call,
    target: Option<usize>,
    rate: Series,
    p50: Series,
    p99: Series,
    /// Of the server, in seconds for 1,000 requests.
    user: Series,
    system: Series,
    /// Of the load generator, likewise.
    generator: Series,
    /// Share of all cores that was busy, in percent.
    busy: Series,
    /// Of the machine's disks, for 1,000 requests.
    flushes: Series,
}

type Start = fn(&Bench) -> Result<Target>;

/// Starts everybody, measures everybody in turn, several times.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let servers: [(&'static str, Start); 4] = [
        ("bare hyper", target::bare),
        ("Landfall", target::landfall),
        ("ministack", target::ministack),
        ("moto", target::moto),
    ];
    let (mut targets, mut rows) = (Vec::new(), Vec::new());
    for (name, start) in servers {
        let started = start(bench);
        rows.extend(rows_of(name, &started, targets.len()));
        targets.extend(started);
    }
    rows.sort_by_key(|row| Call::ALL.iter().position(|call| *call == row.call));
    let repetitions = bench.repetitions(5, 2);
    for repetition in 0..repetitions {
        eprintln!("repetition {} of {repetitions}", repetition + 1);
        for row in rows.iter_mut().filter(|row| row.rate.goes_on()) {
            once(bench, row, &targets, repetition);
        }
    }
    Ok(report::section(&rows))
}

/// The bare server has one row: to it all calls are the same.
fn rows_of(name: &'static str, started: &Result<Target>, at: usize) -> Vec<Row> {
    let calls = if name == "bare hyper" { &Call::ALL[..1] } else { &Call::ALL[..] };
    calls.iter().map(|&call| new_row(name, call, started, at)).collect()
}

fn new_row(server: &'static str, call: Call, started: &Result<Target>, at: usize) -> Row {
    let mut rate = Series::default();
    if let Err(error) = started {
        rate.fail(error);
    }
    let new = Series::default;
    Row {
        server,
        call,
        target: started.is_ok().then_some(at),
        rate,
        p50: new(),
        p99: new(),
        user: new(),
        system: new(),
        generator: new(),
        busy: new(),
        flushes: new(),
    }
}

/// One repetition of one row.
fn once(bench: &Bench, row: &mut Row, targets: &[Target], repetition: usize) {
    let Some(target) = row.target.and_then(|at| targets.get(at)) else { return };
    if let Err(error) = measure_once(bench, row, target, repetition) {
        row.rate.fail(&error);
    }
}

fn measure_once(bench: &Bench, row: &mut Row, target: &Target, repetition: usize) -> Result<()> {
    let time = Duration::from_millis(if bench.quick { 600 } else { 1500 });
    let mut warm = row.call.requests(target, repetition * WRITES * 2, WRITES)?;
    let requests = if row.call.is_read() { warm.clone() } else { warm.split_off(WRITES / 10) };
    let plan = |requests, time| Plan { address: target.address, requests, repeat: row.call.is_read(), time };
    load::run(plan(warm, time / 5))?;
    let before = (CpuTime::of_tree(target.pid), CpuTime::own(), Counters::now());
    let load = load::run(plan(requests, time))?;
    let server = CpuTime::of_tree(target.pid).since(before.0);
    let generator = CpuTime::own().since(before.1);
    take(row, load, server, generator, Counters::now().since(before.2))
}

fn take(row: &mut Row, mut load: Load, server: CpuTime, generator: CpuTime, machine: Counters) -> Result<()> {
    let answered = load.latencies.len();
    if load.failures > 0 || answered == 0 {
        let reason = load.first_failure.unwrap_or_default();
        bail!("{} of {} requests failed, the first with: {reason}", load.failures, load.failures + answered);
    }
    let thousands = answered as f64 / 1000.0;
    row.rate.take(Ok(answered as f64 / load.wall.as_secs_f64()));
    row.p50.samples.add(percentile(&mut load.latencies, 50.0).unwrap_or_default());
    row.p99.samples.add(percentile(&mut load.latencies, 99.0).unwrap_or_default());
    row.user.samples.add(server.user / thousands);
    row.system.samples.add(server.system / thousands);
    row.generator.samples.add(generator.total() / thousands);
    row.busy.samples.add(machine.busy_percent());
    row.flushes.samples.add(machine.flushes / thousands);
    Ok(())
}
