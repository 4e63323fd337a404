//! How long servers take from their start to their first answer, and what they hold in memory then.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Bench;
use super::api::target::{MINISTACK_HEALTH, MOTO_HEALTH, ministack_command, moto_command, programs};
use super::document::{Section, Table, cell, ratio};
use super::http::Client;
use super::landfall::{HEALTH, serve};
use super::machine::proc::{CpuTime, resident_mib};
use super::outcome::Series;
use super::process::{Server, free_address};

/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(1);

const TEXT: &str = "\
From starting the process to the first `200` of its health page, asked every millisecond; then resident memory (with child processes) after a \
second of rest. Landfall at its first start makes a data directory, keys and an administrator; *restart* opens what is there. The \
emulators have no state to open. Ratios above 1 mean that Landfall is faster, or smaller.";

/// A server and how it is started.
struct Row {
    name: &'static str,
    health: &'static str,
    start: fn(&Bench, SocketAddr, usize) -> Result<Command>,
    ready: Series,
    memory: Series,
    cpu: Series,
}

/// Starts everybody in turn, several times.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut rows = vec![
        row("Landfall, first start", HEALTH, |bench, address, at| {
            landfall(bench, address, &format!("ready-{at}"))
        }),
        row("Landfall, restart", HEALTH, |bench, address, _| landfall(bench, address, "ready-0")),
        row("ministack", MINISTACK_HEALTH, |bench, address, _| {
            ministack_command(bench, programs(bench)?, address)
        }),
        row("moto", MOTO_HEALTH, |bench, address, _| Ok(moto_command(programs(bench)?, address))),
    ];
    let repetitions = bench.repetitions(7, 2);
    for repetition in 0..repetitions {
        eprintln!("repetition {} of {repetitions}", repetition + 1);
        for row in rows.iter_mut().filter(|row| row.ready.goes_on()) {
            if let Err(error) = once(bench, row, repetition) {
                row.ready.fail(&error);
            }
        }
    }
    Ok(section(&rows))
}

fn row(
    name: &'static str,
    health: &'static str,
    start: fn(&Bench, SocketAddr, usize) -> Result<Command>,
) -> Row {
    Row { name, health, start, ready: Series::default(), memory: Series::default(), cpu: Series::default() }
}

fn landfall(bench: &Bench, address: SocketAddr, directory: &str) -> Result<Command> {
    Ok(serve(&bench.landfall, &bench.directory(directory)?.join("data"), address))
}

fn once(bench: &Bench, row: &mut Row, repetition: usize) -> Result<()> {
    let address = free_address()?;
    let command = (row.start)(bench, address, repetition)?;
    let log: PathBuf = bench.scratch.path().join("ready.log");
    let mut client = Client::new(address)?;
    let began = Instant::now();
    let mut server = Server::start(row.name, command, &log)?;
    server.wait(Duration::from_millis(1), || client.is_well(row.health))?;
    row.ready.samples.add(began.elapsed().as_secs_f64() * 1000.0);
    row.cpu.samples.add(CpuTime::of_tree(server.pid()).total() * 1000.0);
    std::thread::sleep(REST);
    row.memory.samples.add(resident_mib(server.pid()));
    Ok(())
}

fn section(rows: &[Row]) -> Section {
    let mut table = Table::new(&[
        "Server",
        "ready, ms",
        "Landfall is faster by",
        "resident, MiB",
        "Landfall is smaller by",
    ]);
    let first = rows.first();
    let own = (first.and_then(|row| row.ready.median()), first.and_then(|row| row.memory.median()));
    for row in rows {
        if let (None, Some(reason)) = (row.ready.median(), row.ready.failure()) {
            table.did_not_run(row.name, reason);
            continue;
        }
        let is_own = row.name.starts_with("Landfall");
        let compare = |value, own| if is_own { "–".to_owned() } else { ratio(value, own) };
        table.rows.push(vec![
            row.name.to_owned(),
            cell(&row.ready, 1),
            compare(row.ready.median(), own.0),
            cell(&row.memory, 1),
            compare(row.memory.median(), own.1),
        ]);
    }
    let bounds = rows.iter().filter_map(|row| Some((row.name.to_owned(), bound(row)?))).collect();
    Section { title: "Start to ready, and idle memory", text: TEXT.to_owned(), tables: vec![table], bounds }
}

fn bound(row: &Row) -> Option<String> {
    let (ready, cpu) = (row.ready.median()?, row.cpu.median()?);
    let kind = if row.name.starts_with("Landfall") {
        "opening the data directory, with what it waits for on the disk"
    } else {
        "waiting, mostly for its own threads"
    };
    let bound = if cpu > 0.7 * ready { "the processor" } else { kind };
    Some(format!("{bound}: {cpu:.0} ms of CPU time in {ready:.0} ms (the kernel counts in steps of 10 ms)."))
}
