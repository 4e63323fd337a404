//! The table of pushes and pulls.

use super::client::Direction;
use super::{CONNECTIONS, Cargo, Row, images};
use crate::bench::document::{Section, Table, cell, number, ratio};
use crate::bench::outcome::Series;

/// Everything that was measured, as a section of the document.
pub(super) fn section(rows: &[Row]) -> Section {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| (row.cargo as u8, row.direction as u8));
    Section {
        title: "Registry: push and pull",
        text: text(),
        tables: vec![table(&sorted)],
        bounds: sorted.iter().filter_map(|row| Some((name(row), bound(row)?))).collect(),
    }
}

fn text() -> String {
    format!(
        "A client of our own moves images over {CONNECTIONS} kept-alive connections, with the requests that docker makes (`HEAD` of a blob, `POST`, `PATCH` with all of \
         it, `PUT`; then the manifest); it compresses nothing and checks nothing, so that the server's work is what is measured. It shares the cores. Every repetition \
         moves bytes that no registry has seen, and the disk is in sync before it. A small image is a layer of {} bytes, a configuration and a manifest.\n\n\
         - **Landfall** asks IAM about every request (an inline policy of a user, the repository's own policy) and writes it to the audit log; a blob is on the disk, with \
         its name, before it is acknowledged, and so is a manifest's row.\n\
         - **docker-registry** is Debian's, with a password file at bcrypt's lowest cost and logs off.\n\
         - **zot** is version 1.4.3 of November 2022, the last one that the Go module proxy has under GitHub's name (this machine may not fetch from the host of newer \
         ones), built without extensions, with the same password file and its defaults.\n\n\
         Ratios above 1 mean that Landfall is faster.",
        number(images::SMALL_BYTES as f64, 0)
    )
}

fn table(rows: &[&Row]) -> Table {
    let mut table = Table::new(&[
        "What, by whom",
        "s",
        "Landfall is faster by",
        "server CPU s (user + system)",
        "MB/s, or images/s",
    ]);
    for row in rows {
        if let (None, Some(reason)) = (row.wall.median(), row.wall.failure()) {
            table.did_not_run(&name(row), reason);
            continue;
        }
        let same = |other: &&&Row| other.cargo == row.cargo && other.direction == row.direction;
        let own = rows.iter().find(same).filter(|other| other.party != row.party);
        let second = |series: &Series| number(series.median().unwrap_or_default(), 2);
        table.rows.push(vec![
            name(row),
            cell(&row.wall.scaled(0.001), 2),
            own.map_or_else(|| "–".to_owned(), |own| ratio(row.wall.median(), own.wall.median())),
            format!("{} + {}", second(&row.user), second(&row.system)),
            row.wall.median().map_or_else(String::new, |wall| number(amount(row.cargo) / wall * 1000.0, 0)),
        ]);
    }
    table
}

fn amount(cargo: Cargo) -> f64 {
    match cargo {
        Cargo::Large => images::LARGE_BYTES as f64 / 1e6,
        Cargo::Small => images::SMALL as f64,
    }
}

fn name(row: &Row) -> String {
    let verb = match row.direction {
        Direction::Push => "push",
        Direction::Pull => "pull",
    };
    format!("{verb} {}, {}", row.cargo, row.party)
}

fn bound(row: &Row) -> Option<String> {
    let seconds = row.wall.median()? / 1000.0;
    let server = row.user.median()? + row.system.median()?;
    let (client, busy) = (row.client.median()?, row.busy.median()?);
    let bound = if busy > 85.0 { "the processor" } else { "waiting for the disk" };
    Some(format!(
        "{bound}: the server used {:.2} cores, the client {:.2}, and all cores were {busy:.0} % busy; {} flushes of the disk.",
        server / seconds,
        client / seconds,
        number(row.flushes.median()?, 0)
    ))
}
