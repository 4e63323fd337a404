//! A process that writes is killed at a random moment, again and again, in the same directory: what it said was stored
//! is there, and nothing is there by half.
//!
//! The process is this test binary, started again with the directory in its environment.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be set up fails the test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use landfall_base::{Timestamp, random};
use landfall_store::journal::{Event, Journals, Range};
use landfall_store::{Store, StoreError, Table};

const DIRECTORY: &str = "LANDFALL_CRASH_TEST_DIRECTORY";
const ROUNDS: usize = 24;
const WRITERS: u32 = 4;
/// Rows of a write, events of an append.
const PARTS: u32 = 3;

const ROWS: Table<(u32, u32, u32), String> = Table::new("row");

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent reads");
}

fn write_rows(store: &Store, writer: u32) {
    let next = store.view().scan(&ROWS, (writer,)).next_back().map_or(0, |row| row.expect("sound").0.1 + 1);
    for number in next.. {
        let write = store.write("put", |tx| {
            (0..PARTS).for_each(|part| tx.put(&ROWS, &(writer, number, part), "v".repeat(200)));
            Ok::<_, StoreError>(())
        });
        write.expect("stored");
        say(&format!("stored row {writer} {number}"));
    }
}

fn append_events(journals: &Journals, writer: u32) {
    let id = format!("journal/{writer}");
    for _ in 0.. {
        let time = Timestamp::from_millis(0);
        let event = Event { time, ingested: time, payload: vec![b'e'; 300] };
        let place = journals.append(&id, &vec![event; PARTS as usize]).expect("appended");
        say(&format!("stored event {writer} {}", place.next_sequence));
    }
}

/// Does nothing unless it is the process that is to be killed.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let store = Store::open(&directory.join("tables")).expect("open");
    let journals = Journals::open(&directory.join("journals")).expect("open");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, journals) = (&store, &journals);
            scope.spawn(move || write_rows(store, writer));
            scope.spawn(move || append_events(journals, writer));
        }
    });
}

#[derive(Debug, Default)]
struct Told {
    rows: BTreeMap<u32, u32>,
    events: BTreeMap<u32, u64>,
    lines: usize,
}

impl Told {
    /// Numbers only grow, so the last line of a writer says it all.
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["stored", "row", writer, number] => {
                self.rows.insert(writer.parse().unwrap(), number.parse().unwrap());
            }
            ["stored", "event", writer, next] => {
                self.events.insert(writer.parse().unwrap(), next.parse().unwrap());
            }
            _ => return,
        }
        self.lines += 1;
    }
}

/// Runs the child until it has told as much as was asked for, kills it, and hears out what it still said.
fn run_and_kill(directory: &Path, told: &mut Told, lines: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let enough = told.lines + lines;
    let mut line = Vec::new();
    let mut killed = false;
    while output.read_until(b'\n', &mut line).unwrap() > 0 {
        if line.ends_with(b"\n") {
            told.hear(String::from_utf8_lossy(&line).trim_end());
        }
        line.clear();
        if told.lines >= enough && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(killed, "the child ended by itself");
}

fn check(directory: &Path, told: &Told) {
    let view = Store::open(&directory.join("tables")).unwrap().view();
    assert!(view.verify(&ROWS).is_empty());
    for (writer, last) in &told.rows {
        let numbers: Vec<(u32, u32)> =
            view.scan(&ROWS, (*writer,)).map(|row| row.unwrap().0).map(|k| (k.1, k.2)).collect();
        let stored = numbers.last().map(|(number, _)| number + 1).unwrap();
        assert!(stored > *last, "writer {writer} was told {last}, there is {stored}");
        let all = (0..stored).flat_map(|number| (0..PARTS).map(move |part| (number, part)));
        assert!(
            numbers.into_iter().eq(all),
            "writer {writer}: a write is there by half, or one before is missing"
        );
    }
    let journals = Journals::open(&directory.join("journals")).unwrap();
    for (writer, next) in &told.events {
        let records = journals.read(&format!("journal/{writer}"), Range::default()).unwrap().records;
        let stored = records.len() as u64;
        assert!(stored >= *next, "journal {writer} was told {next}, there is {stored}");
        assert_eq!(stored % u64::from(PARTS), 0, "an append is there by half");
        assert!(records.iter().map(|record| record.sequence).eq(0..stored));
    }
}

#[test]
fn what_was_answered_survives_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for _ in 0..ROUNDS {
        let lines = usize::from(u16::from_be_bytes(random::bytes()) % 200);
        run_and_kill(directory.path(), &mut told, lines + 1);
        check(directory.path(), &told);
    }
    assert_eq!((told.rows.len(), told.events.len()), (WRITERS as usize, WRITERS as usize));
}
