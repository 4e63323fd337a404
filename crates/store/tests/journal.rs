//! Journals beside a plain list, and their files after accidents.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use landfall_base::Timestamp;
use landfall_store::journal::{
    Appended, Direction, Event, JournalError, Journals, MAX_PAYLOAD, Range, Stats,
};
use proptest::prelude::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn event(time: i64, payload: impl Into<Vec<u8>>) -> Event {
    Event { time: at(time), ingested: at(time + 5), payload: payload.into() }
}

fn times(range: std::ops::Range<i64>) -> Range {
    Range { times: at(range.start)..at(range.end), ..Range::default() }
}

fn sequences(journals: &Journals, id: &str, range: Range) -> Vec<u64> {
    journals.read(id, range).unwrap().records.iter().map(|record| record.sequence).collect()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(segments(&path));
        } else if path.extension().is_some_and(|extension| extension == "log") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn open(directory: &Path) -> Journals {
    Journals::open(directory).unwrap()
}

#[test]
fn a_journal_that_is_not_there_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    assert_eq!(journals.stats("x").unwrap(), Stats::default());
    let page = journals.read("x", Range::default()).unwrap();
    assert!(page.records.is_empty() && !page.more && page.resume == 0);
    assert_eq!(journals.append("x", &[]).unwrap(), Appended { first_sequence: 0, next_sequence: 0 });
    journals.delete("x").unwrap();
    journals.delete_before("x", at(1)).unwrap();
    assert!(segments(directory.path()).is_empty());
}

#[test]
fn ids_may_be_anything() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    let long = "x".repeat(2000);
    let ids = ["", "a/b", "../../etc/passwd", "a\0b", "ü", &long];
    for (at, id) in ids.iter().enumerate() {
        journals.append(id, &[event(at as i64, *id)]).unwrap();
    }
    for id in ids {
        let page = journals.read(id, Range::default()).unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0].payload, id.as_bytes());
    }
}

#[test]
fn pages_go_on_in_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    for number in 0..500i64 {
        journals.append("x", &[event(number, vec![7; 1000])]).unwrap();
    }
    let (mut forward, mut range) = (Vec::new(), Range { limit: 77, ..Range::default() });
    loop {
        let page = journals.read("x", range.clone()).unwrap();
        forward.extend(page.records.iter().map(|record| record.sequence));
        range.sequences.start = page.resume;
        if !page.more {
            break;
        }
    }
    assert_eq!(forward, (0..500).collect::<Vec<_>>());
    assert_eq!(range.sequences.start, 500);
    let (mut backward, mut range) =
        (Vec::new(), Range { max_bytes: 64_500, direction: Direction::Backward, ..Range::default() });
    loop {
        let page = journals.read("x", range.clone()).unwrap();
        assert!(page.records.len() <= 64);
        backward.extend(page.records.iter().map(|record| record.sequence));
        range.sequences.end = page.resume;
        if !page.more {
            break;
        }
    }
    assert_eq!(backward, (0..500).rev().collect::<Vec<_>>());
}

#[test]
fn too_large_an_event_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = open(directory.path()).append("x", &[event(1, vec![0; MAX_PAYLOAD + 1])]).unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { .. }));
}

#[test]
fn old_segments_go_and_numbers_stay() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    let day = |number: i64| vec![event(number * DAY, vec![1; 20_000]), event(number * DAY + 1, "late")];
    for number in 0..6 {
        journals.append("x", &day(number)).unwrap();
    }
    let before = segments(directory.path()).len();
    assert!(before > 1, "a segment holds more than a day or so");
    journals.delete_before("x", at(3 * DAY)).unwrap();
    let kept = sequences(&journals, "x", times(3 * DAY..i64::MAX));
    assert_eq!(kept, (6..12).collect::<Vec<_>>());
    assert!(segments(directory.path()).len() < before);
    journals.delete_before("x", at(100 * DAY)).unwrap();
    let stats = journals.stats("x").unwrap();
    assert_eq!((stats.events, stats.bytes, stats.next_sequence, stats.first_event_time), (0, 0, 12, None));
    drop(journals);
    let journals = open(directory.path());
    assert_eq!(journals.append("x", &[event(1, "new")]).unwrap().first_sequence, 12);
    assert_eq!(segments(directory.path()).len(), 1);
}

#[test]
fn a_deleted_journal_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    journals.append("x", &[event(1, "old"), event(2, "old")]).unwrap();
    assert_eq!(sequences(&journals, "x", Range::default()), [0, 1]);
    journals.delete("x").unwrap();
    assert_eq!(journals.stats("x").unwrap(), Stats::default());
    journals.append("x", &[event(3, "new")]).unwrap();
    assert_eq!(journals.read("x", Range::default()).unwrap().records[0].payload, b"new");
    drop(journals);
    assert_eq!(open(directory.path()).stats("x").unwrap().events, 1);
}

#[test]
fn a_torn_append_is_dropped_whole() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    journals.append("x", &[event(1, "a"), event(2, "b")]).unwrap();
    let path = segments(directory.path()).remove(0);
    let sound = std::fs::metadata(&path).unwrap().len();
    journals.append("x", &[event(3, "c"), event(4, "d")]).unwrap();
    drop(journals);
    let whole = std::fs::read(&path).unwrap();
    for length in sound..whole.len() as u64 {
        std::fs::write(&path, &whole[..length as usize]).unwrap();
        let journals = open(directory.path());
        assert_eq!(journals.stats("x").unwrap().next_sequence, 2, "cut at {length}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), sound);
        assert_eq!(journals.append("x", &[event(5, "e")]).unwrap().first_sequence, 2);
        assert_eq!(sequences(&journals, "x", Range::default()), [0, 1, 2]);
    }
}

#[test]
fn damage_under_the_reader_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    journals.append("x", &[event(1, "some payload")]).unwrap();
    let path = segments(directory.path()).remove(0);
    let length = std::fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    assert!(journals.read("x", Range::default()).is_err());
}

#[test]
fn a_file_that_is_no_segment_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    journals.append("x", &[event(1, "a")]).unwrap();
    drop(journals);
    std::fs::write(segments(directory.path()).remove(0), b"nonsense, and long enough for a header").unwrap();
    assert!(matches!(open(directory.path()).stats("x"), Err(JournalError::Damaged { .. })));
}

#[test]
fn many_writers_many_journals_and_readers() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    std::thread::scope(|scope| {
        for writer in 0..8i64 {
            let journals = &journals;
            scope.spawn(move || {
                for number in 0..40 {
                    let id = format!("stream-{}", (writer + number) % 4);
                    let place = journals
                        .append(&id, &[event(number, format!("{writer}-{number}")), event(number, "")]);
                    let first = place.unwrap().first_sequence;
                    let range = Range { sequences: first..first + 1, ..Range::default() };
                    let records = journals.read(&id, range).unwrap().records;
                    assert_eq!(records[0].payload, format!("{writer}-{number}").as_bytes());
                }
            });
        }
    });
    drop(journals);
    let journals = open(directory.path());
    for stream in 0..4 {
        let found = sequences(&journals, &format!("stream-{stream}"), Range::default());
        assert_eq!(found, (0..160).collect::<Vec<_>>());
    }
}

#[test]
fn reading_while_deleting_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let journals = open(directory.path());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..30 {
                journals.append("x", &[event(1, vec![3; 100_000]), event(2, vec![3; 100_000])]).unwrap();
                journals.delete("x").unwrap();
            }
        });
        while !writer.is_finished() {
            journals.read("x", Range::default()).unwrap();
            journals.stats("x").unwrap();
        }
        writer.join().unwrap();
    });
}

#[derive(Debug, Clone)]
enum Op {
    Append(Vec<(i64, usize)>),
    Read { sequences: (u64, u64), times: (i64, i64), limit: usize, backward: bool },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let events =
        prop::collection::vec((0..100i64, prop_oneof![9 => 0..50usize, 1 => 30_000..70_000usize]), 0..6);
    let read = ((0..40u64, 0..60u64), (0..100i64, 0..120i64), 0..20usize, any::<bool>());
    prop_oneof![
        5 => events.prop_map(Op::Append),
        4 => read.prop_map(|(sequences, times, limit, backward)| Op::Read { sequences, times, limit, backward }),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_is_a_list(ops in prop::collection::vec(op(), 1..20)) {
        let directory = tempfile::tempdir().unwrap();
        let mut journals = open(directory.path());
        let mut model: Vec<Event> = Vec::new();
        for op in ops {
            match op {
                Op::Append(events) => {
                    let events: Vec<Event> = events.into_iter().map(|(time, size)| event(time, vec![9; size])).collect();
                    let first = model.len() as u64;
                    model.extend(events.iter().cloned());
                    let expected = Appended { first_sequence: first, next_sequence: model.len() as u64 };
                    prop_assert_eq!(journals.append("x", &events).unwrap(), expected);
                }
                Op::Read { sequences: (from, to), times: (start, end), limit, backward } => {
                    let direction = if backward { Direction::Backward } else { Direction::Forward };
                    let range = Range { sequences: from..to, limit, direction, ..times(start..end) };
                    let page = journals.read("x", range).unwrap();
                    let fits = |(at, event): &(usize, &Event)| {
                        (from..to).contains(&(*at as u64)) && (start..end).contains(&event.time.millis())
                    };
                    let mut expected: Vec<u64> = model.iter().enumerate().filter(fits).map(|(at, _)| at as u64).collect();
                    if backward {
                        expected.reverse();
                    }
                    prop_assert_eq!(page.more, expected.len() > limit);
                    expected.truncate(limit);
                    prop_assert_eq!(page.records.iter().map(|record| record.sequence).collect::<Vec<_>>(), expected);
                }
                Op::Reopen => {
                    drop(journals);
                    journals = open(directory.path());
                }
            }
            let stats = journals.stats("x").unwrap();
            prop_assert_eq!(stats.events, model.len() as u64);
            prop_assert_eq!(stats.bytes, model.iter().map(|event| event.payload.len() as u64).sum::<u64>());
            prop_assert_eq!(stats.first_event_time, model.iter().map(|event| event.time).min());
            prop_assert_eq!(stats.last_event_time, model.iter().map(|event| event.time).max());
            prop_assert_eq!(stats.last_ingestion_time, model.iter().map(|event| event.ingested).max());
        }
    }
}

fn indexes(directory: &Path) -> Vec<PathBuf> {
    segments(directory).iter().map(|path| path.with_extension("idx")).filter(|path| path.exists()).collect()
}

/// Three segments of some events each, two of them finished.
fn three_segments(directory: &Path) -> (Stats, Vec<u64>) {
    let journals = open(directory);
    for day in 0..3 {
        let events: Vec<Event> = (0..40).map(|at| event(day * DAY + at * 1000, vec![b'x'; 1000])).collect();
        journals.append("x", &events).unwrap();
        journals.append("x", &[event(day * DAY + DAY - 1, "end"), event((day + 1) * DAY, "next")]).unwrap();
    }
    (journals.stats("x").unwrap(), sequences(&journals, "x", times(DAY..2 * DAY)))
}

#[test]
fn finished_segments_are_opened_by_their_indexes() {
    let directory = tempfile::tempdir().unwrap();
    let before = three_segments(directory.path());
    let finished = segments(directory.path()).len() - 1;
    assert!(finished >= 1);
    assert_eq!(indexes(directory.path()).len(), finished);
    let journals = open(directory.path());
    assert_eq!((journals.stats("x").unwrap(), sequences(&journals, "x", times(DAY..2 * DAY))), before);
    journals.delete_before("x", at(100 * DAY)).unwrap();
    assert_eq!(indexes(directory.path()).len(), 0);
}

#[test]
fn an_index_that_is_damaged_or_gone_is_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let before = three_segments(directory.path());
    for damage in [b"".as_slice(), b"LFI\x01 rubbish", &[0; 4096]] {
        for path in indexes(directory.path()) {
            std::fs::write(path, damage).unwrap();
        }
        let journals = open(directory.path());
        assert_eq!((journals.stats("x").unwrap(), sequences(&journals, "x", times(DAY..2 * DAY))), before);
        drop(journals);
        assert!(indexes(directory.path()).iter().all(|path| std::fs::read(path).unwrap().len() > 64));
    }
    indexes(directory.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let journals = open(directory.path());
    assert_eq!((journals.stats("x").unwrap(), sequences(&journals, "x", times(DAY..2 * DAY))), before);
}
