//! Queries over a few events.

use std::sync::Arc;

use super::{Event, Execution, Query, Row};

const MESSAGES: &[&str] = &[
    r#"{"level":"info","ms":12,"user":{"name":"ana"},"path":"/a"}"#,
    r#"{"level":"error","ms":250,"user":{"name":"bo"},"path":"/b"}"#,
    "GET /index.html 200 17ms",
    r#"{"level":"error","ms":8,"user":{"name":"ana"},"path":"/a"}"#,
    "GET /missing.html 404 3ms",
];

fn event(at: usize, message: &str) -> Event {
    let time = 1_795_710_229_123 + 60_000 * at as i64;
    let place = (Arc::from("111122223333:/ecs/app"), Arc::from("s"));
    Event::new((time, time), message.to_owned(), place, format!("p{at}"))
}

fn run(query: &str) -> Vec<Row> {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let mut execution = Execution::new(&query, 10_000, 1_795_710_229_123);
    for (at, message) in MESSAGES.iter().enumerate() {
        execution.add(event(at, message)).unwrap();
    }
    execution.finish().unwrap()
}

/// Rows as `a=1 b=2`, without pointers.
fn text(query: &str) -> Vec<String> {
    let row = |row: Row| {
        let columns =
            row.iter().filter(|(name, _)| name != "@ptr").map(|(name, text)| format!("{name}={text}"));
        columns.collect::<Vec<_>>().join(" ")
    };
    run(query).into_iter().map(row).collect()
}

#[test]
fn queries_find_what_they_ask_for() {
    let table: &[(&str, &[&str])] = &[
        ("fields level | filter ms > 100", &["level=error"]),
        ("fields ms | filter level = 'error' | sort ms asc", &["ms=8", "ms=250"]),
        ("filter level = 'error' | fields user.name as who | sort who desc", &["who=bo", "who=ana"]),
        ("filter @message like /missing/ | fields strlen(@message) as n", &["n=25"]),
        (
            "filter @message like 'missing' | fields @logStream, @log",
            &["@logStream=s @log=111122223333:/ecs/app"],
        ),
        ("filter @message =~ /GET \\/i/ | fields @timestamp", &["@timestamp=2026-11-26 16:25:49.123"]),
        ("filter level in ['info', 'x'] | fields path", &["path=/a"]),
        ("filter level not in ['error'] and ispresent(level) | display path", &["path=/a"]),
        ("filter not ispresent(level) | stats count(*)", &["count(*)=2"]),
        ("stats count(*) as n by level | sort n desc, level", &["n=2", "level=error n=2", "level=info n=1"]),
        (
            "stats avg(ms), sum(ms), min(ms), max(ms), count(ms)",
            &["avg(ms)=90 sum(ms)=270 min(ms)=8 max(ms)=250 count(ms)=3"],
        ),
        ("stats pct(ms, 50) as p, stddev(ms) as d by 1 as one", &["one=1 p=12 d=113.14886948912334"]),
        (
            "stats count_distinct(user.name) as people, latest(ms) as last, earliest(ms) as first",
            &["people=2 last=8 first=12"],
        ),
        (
            "stats count(*) by bin(2m) as t | sort t",
            &[
                "t=2026-11-26 16:22:00.000 count(*)=1",
                "t=2026-11-26 16:24:00.000 count(*)=2",
                "t=2026-11-26 16:26:00.000 count(*)=2",
            ],
        ),
        ("stats count(*) by path | sort count(*) desc, path asc | limit 1", &["count(*)=2"]),
        ("stats max(ms) - min(ms) as spread", &["spread=242"]),
        (
            "parse 'GET * * *ms' as path, status, took | filter status = 404 | display path, took + 1 as t",
            &["path=/missing.html t=4"],
        ),
        (
            "parse @message /(?<verb>GET) (?<file>\\S+)/ | filter ispresent(verb) | fields file | sort file | limit 1",
            &["file=/index.html"],
        ),
        ("fields path | filter ispresent(path) | sort @timestamp | dedup path", &["path=/a", "path=/b"]),
        ("filter level = 'error' | limit 1 | fields ms", &["ms=8"]),
        ("fields toupper(level) as l, concat(level, '-', ms) as c | filter ms = 12", &["l=INFO c=info-12"]),
        (
            "filter isIpInSubnet('10.1.2.3', '10.0.0.0/8') and ms = 8 | fields coalesce(nothing, path) as p",
            &["p=/a"],
        ),
        ("filter (ms / 2 = 4 or ms % 100 == 50) # a comment\n | stats count(*) as n", &["n=2"]),
        (
            "filter ms = 8 | fields datefloor(@timestamp, 1h) as h, fromMillis(toMillis(@timestamp)) = @timestamp as same",
            &["h=2026-11-26 16:00:00.000 same=1"],
        ),
        ("filter ms != 8 | stats count(*) as n", &["n=4"]),
        ("filter level = 'none' | stats count(*)", &["count(*)=0"]),
        ("filter level = 'none' | stats count(*) by level", &[]),
    ];
    for (query, expected) in table {
        assert_eq!(text(query), *expected, "{query}");
    }
}

#[test]
fn without_an_order_the_newest_come_first() {
    let rows = run("limit 2");
    let names: Vec<_> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["@timestamp", "@message", "@ptr"]);
    assert_eq!(rows[0][1].1, MESSAGES[4]);
    assert_eq!(rows[1][1].1, MESSAGES[3]);
}

#[test]
fn errors_say_where() {
    let table = [
        ("fields @message | limitt 20", "unexpected symbol found limitt at line 1 and position 19", 18, 24),
        (
            "fields @message\n| filter (a = 1",
            "unexpected symbol found <EOF> at line 2 and position 16",
            31,
            31,
        ),
        ("", "unexpected symbol found <EOF> at line 1 and position 1", 0, 0),
        ("stats level", "unexpected symbol found level at line 1 and position 7", 6, 11),
        ("filter a like /(/", "unexpected symbol found /(/ at line 1 and position 15", 14, 17),
        ("fields nofunction(a)", "unexpected symbol found nofunction at line 1 and position 8", 7, 17),
        ("limit 10001", "unexpected symbol found 10001 at line 1 and position 7", 6, 11),
        ("fields a | ", "unexpected symbol found <EOF> at line 1 and position 12", 11, 11),
    ];
    for (query, message, start, end) in table {
        let error = Query::parse(query).unwrap_err();
        assert_eq!((error.message.as_str(), error.start, error.end), (message, start, end), "{query}");
    }
}

#[test]
fn enough_is_enough() {
    let query = Query::parse("fields @message").unwrap();
    let mut execution = Execution::new(&query, 10, 0);
    for at in 0..5000 {
        execution.add(event(5000 - at, "x")).unwrap();
    }
    assert!(matches!(execution.wants(), super::Wants::LaterThan(_)));
    let rows = execution.finish().unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[0][1].1, "p5000");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-z@|(),=<>~/'\"` 0-9*+^%\\-\\\\.\\[\\]]{0,60}", message: String) {
        for query in [text.clone(), format!("filter {text}"), format!("parse {text}"), format!("stats {text}")] {
            if let Ok(query) = Query::parse(&query) {
                let mut execution = Execution::new(&query, 10, 0);
                let _ = execution.add(event(0, &message));
                let _ = execution.finish();
            }
        }
    }
}

#[test]
fn no_number_is_too_far_away_to_be_a_time() {
    for number in ["0 - 99999999999999999999", "99999999999999999999"] {
        let rows = text(&format!("fields fromMillis({number}) as at | limit 1"));
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(rows[0].starts_with("at="), "{rows:?}");
    }
}
