//! The table of API calls, and what bounds each of its rows.

use super::Row;
use super::call::Call;
use super::load::CONNECTIONS;
use crate::bench::document::{Section, Table, cell, number, ratio};

/// Everything that was measured, as a section of the document.
pub(super) fn section(rows: &[Row]) -> Section {
    Section {
        title: "API calls",
        text: text(),
        tables: vec![table(rows)],
        bounds: rows.iter().filter_map(|row| Some((name(row), bound(row)?))).collect(),
    }
}

fn text() -> String {
    format!(
        "Requests in a second over {CONNECTIONS} kept-alive connections, each sending its next request when the last one is answered. \
         The load generator runs on the same cores and sends everybody the same bytes, signed with SigV4 before the clock starts.\n\n\
         - **Landfall** verifies each signature, evaluates the inline policy of an IAM user (not the administrator), decrypts the secret, \
         and answers a write only when it is on the disk; every call is written to the audit log.\n\
         - **ministack** and **moto** run with their defaults: neither verifies signatures nor evaluates policies, and both keep secrets in \
         memory only.\n\
         - **bare hyper** is the HTTP library that Landfall uses, with the same settings, reading the same requests and answering each with a \
         fixed document of 300 bytes: the ceiling for any server built on it. All calls are the same to it."
    )
}

fn name(row: &Row) -> String {
    format!("{}, {}", row.call.name(), row.server)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        "Call, server",
        "requests/s",
        "of bare hyper",
        "Landfall is faster by",
        "p50 ms",
        "p99 ms",
        "server CPU s / 1,000 (user + system)",
    ]);
    let bare = rows.iter().find(|row| row.server == "bare hyper").and_then(|row| row.rate.median());
    for row in rows {
        match row.rate.failure() {
            Some(reason) if row.rate.median().is_none() => table.did_not_run(&name(row), reason),
            _ => table.rows.push(cells(row, bare, landfall(rows, row.call))),
        }
    }
    table
}

fn landfall(rows: &[Row], call: Call) -> Option<f64> {
    rows.iter().find(|row| row.call == call && row.server == "Landfall")?.rate.median()
}

fn cells(row: &Row, bare: Option<f64>, landfall: Option<f64>) -> Vec<String> {
    let rate = row.rate.median();
    let share =
        rate.zip(bare).map_or_else(|| "–".to_owned(), |(rate, bare)| format!("{:.0} %", 100.0 * rate / bare));
    let is_rival = !matches!(row.server, "Landfall" | "bare hyper");
    let cpu = |median: Option<f64>| number(median.unwrap_or_default(), 3);
    vec![
        name(row),
        cell(&row.rate, 0),
        share,
        if is_rival { ratio(landfall, rate) } else { "–".to_owned() },
        cell(&row.p50, 2),
        cell(&row.p99, 2),
        format!("{} + {}", cpu(row.user.median()), cpu(row.system.median())),
    ]
}

/// From the counters: who used the processor, and was it full?
fn bound(row: &Row) -> Option<String> {
    let (rate, busy) = (row.rate.median()?, row.busy.median()?);
    let (user, system, generator) = (row.user.median()?, row.system.median()?, row.generator.median()?);
    let of_cores = |per_thousand: f64| per_thousand * rate / 1000.0;
    let (server, generator) = (of_cores(user + system), of_cores(generator));
    let all =
        std::thread::available_parallelism().map_or(1.0, |cores| usize::from(cores) as f64) * busy / 100.0;
    let others = (all - server - generator).max(0.0);
    Some(format!(
        "{}: the server used {server:.2} cores ({:.0} µs user and {:.0} µs system for each request), the load generator {generator:.2}, other \
         programs of the machine {others:.2}; all cores were {busy:.0} % busy{}.",
        verdict(row, server, generator, busy),
        user * 1000.0,
        system * 1000.0,
        waits(row, row.flushes.median().unwrap_or_default())
    ))
}

fn verdict(row: &Row, server: f64, generator: f64, busy: f64) -> &'static str {
    if is_durable(row) && server < 0.5 {
        "the disk, which a write must reach before it is answered"
    } else if generator > server {
        "the processor, and the load generator more than the server"
    } else if (0.8..1.2).contains(&server) && busy < 90.0 {
        "one core: the server does not use a second one"
    } else {
        "the processor"
    }
}

fn is_durable(row: &Row) -> bool {
    !row.call.is_read() && row.server == "Landfall"
}

fn waits(row: &Row, flushes: f64) -> String {
    if !is_durable(row) {
        return String::new();
    }
    format!(
        "; {flushes:.0} flushes of the disk for 1,000 requests, because writes that wait together share one"
    )
}
