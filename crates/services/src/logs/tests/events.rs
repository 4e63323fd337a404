//! Appending to a stream and paging through it.

use landfall_api::logs as api;

use super::{DAY, GROUP, Logs, NOW, batch, get, texts};
use crate::logs::stream_event_count;
use crate::testing::{account, region};

/// A stream `s` with events `0`, `1`, … a millisecond apart.
fn numbered(count: i64) -> Logs {
    let logs = Logs::new();
    logs.create_stream("s");
    let texts: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    for (at, chunk) in texts.chunks(7).enumerate() {
        let start = NOW - 1000 + 7 * at as i64;
        let events: Vec<_> = (start..).zip(chunk.iter().map(String::as_str)).collect();
        logs.put("s", &events);
    }
    logs
}

fn expected(range: std::ops::Range<i64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn page(logs: &Logs, input: api::GetLogEventsRequest) -> (Vec<String>, String, String) {
    let page = logs.call::<api::GetLogEvents>(input);
    (texts(&page), page.next_forward_token.unwrap(), page.next_backward_token.unwrap())
}

fn next(token: &str) -> api::GetLogEventsRequest {
    api::GetLogEventsRequest { next_token: Some(token.to_owned()), limit: Some(10), ..get("s") }
}

#[test]
fn a_walk_forward_ends_when_the_token_comes_back() {
    let logs = numbered(45);
    let start = api::GetLogEventsRequest { start_from_head: Some(true), limit: Some(10), ..get("s") };
    let (mut all, mut token, _) = page(&logs, start);
    let mut pages = 1;
    loop {
        let (texts, forward, _) = page(&logs, next(&token));
        all.extend(texts);
        if forward == token {
            break;
        }
        token = forward;
        pages += 1;
    }
    assert_eq!(all, expected(0..45));
    assert_eq!(pages, 5);
    logs.put("s", &[(NOW, "new")]);
    assert_eq!(page(&logs, next(&token)).0, ["new"]);
}

#[test]
fn a_walk_backward_ends_when_the_token_comes_back() {
    let logs = numbered(45);
    let (last, _, mut token) = page(&logs, api::GetLogEventsRequest { limit: Some(10), ..get("s") });
    assert_eq!(last, expected(35..45));
    let mut all = last;
    loop {
        let (texts, _, backward) = page(&logs, next(&token));
        all = texts.into_iter().chain(all).collect();
        if backward == token {
            break;
        }
        token = backward;
    }
    assert_eq!(all, expected(0..45));
}

#[test]
fn a_walk_can_turn() {
    let logs = numbered(45);
    let start = api::GetLogEventsRequest { start_from_head: Some(true), limit: Some(10), ..get("s") };
    let (_, forward, _) = page(&logs, start);
    let (second, _, backward) = page(&logs, next(&forward));
    assert_eq!(second, expected(10..20));
    let (first, forward, _) = page(&logs, next(&backward));
    assert_eq!(first, expected(0..10));
    assert_eq!(page(&logs, next(&forward)).0, expected(10..20));
}

#[test]
fn an_empty_stream_has_tokens_too() {
    let logs = Logs::new();
    logs.create_stream("s");
    let (texts, forward, backward) = page(&logs, get("s"));
    assert!(texts.is_empty() && forward.starts_with("f/") && backward.starts_with("b/"));
    logs.put("s", &[(NOW, "first")]);
    assert_eq!(page(&logs, next(&forward)).0, ["first"]);
    assert_eq!(page(&logs, next(&backward)).0, [""; 0]);
}

#[test]
fn times_bound_a_page() {
    let logs = numbered(45);
    let between = |from: i64, to: i64| api::GetLogEventsRequest {
        start_time: Some(NOW - 1000 + from),
        end_time: Some(NOW - 1000 + to),
        ..get("s")
    };
    assert_eq!(page(&logs, between(5, 9)).0, expected(5..9));
    assert_eq!(page(&logs, between(9, 9)).0, expected(0..0));
    let bounded = api::GetLogEventsRequest { start_from_head: Some(true), limit: Some(3), ..between(5, 9) };
    let (texts, forward, _) = page(&logs, bounded);
    assert_eq!(texts, expected(5..8));
    let rest = api::GetLogEventsRequest { next_token: Some(forward), ..between(5, 9) };
    assert_eq!(page(&logs, rest).0, expected(8..9));
}

#[test]
fn late_events_are_read_in_their_place() {
    let logs = Logs::new();
    logs.create_stream("s");
    for time in [50, 10, 40, 20, 30, 20] {
        logs.put("s", &[(NOW + time, &format!("{time}")), (NOW + time + 1, &format!("{time}+1"))]);
    }
    let all = ["10", "10+1", "20", "20", "20+1", "20+1", "30", "30+1", "40", "40+1", "50", "50+1"];
    assert_eq!(logs.messages("s"), all);
    let three = |token: Option<String>, head| api::GetLogEventsRequest {
        next_token: token,
        limit: Some(5),
        start_from_head: Some(head),
        ..get("s")
    };
    let (first, forward, _) = page(&logs, three(None, true));
    let (second, forward, _) = page(&logs, three(Some(forward), true));
    let (third, _, _) = page(&logs, three(Some(forward), true));
    assert_eq!([first, second, third].concat(), all);
    let (last, _, backward) = page(&logs, three(None, false));
    let (before, _, backward) = page(&logs, three(Some(backward), false));
    let (start, _, _) = page(&logs, three(Some(backward), false));
    assert_eq!([start, before, last].concat(), all);
}

#[test]
fn ten_thousand_events_are_one_batch() {
    let logs = Logs::new();
    logs.create_stream("s");
    let texts: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let events: Vec<_> = texts.iter().map(|text| (NOW, text.as_str())).collect();
    let answer = logs.put("s", &events);
    assert_eq!(answer.rejected_log_events_info, None);
    assert_eq!(answer.next_sequence_token.unwrap().len(), 56);
    assert_eq!(logs.messages("s"), texts);
    let installation = logs.0.call.installation();
    let count = stream_event_count(installation, &account(), &region(), GROUP, "s").unwrap();
    assert_eq!(count, 10_000);
    assert_eq!(stream_event_count(installation, &account(), &region(), GROUP, "none").unwrap(), 0);
}

#[test]
fn a_page_is_a_mebibyte_at_most() {
    let logs = Logs::new();
    logs.create_stream("s");
    let large = "x".repeat(700_000);
    logs.put("s", &[(NOW, &large)]);
    logs.put("s", &[(NOW + 1, &large)]);
    assert_eq!(logs.messages("s").len(), 1);
    let exact = "y".repeat(1_048_550);
    logs.put("s", &[(NOW + 2, &exact)]);
    assert_eq!(page(&logs, get("s")).0, [exact]);
}

#[test]
fn a_bad_batch_changes_nothing() {
    let logs = Logs::new();
    logs.create_stream("s");
    let (code, text) = logs.refusal::<api::PutLogEvents>(batch("s", &[(NOW, "a"), (NOW - 1, "b")]));
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(text, "Log events in a single PutLogEvents request must be in chronological order.");
    assert!(logs.messages("s").is_empty());
}

#[test]
fn events_too_old_and_too_new_are_reported() {
    let logs = Logs::new();
    logs.create_stream("s");
    let old = NOW - 14 * DAY;
    let info = logs.put("s", &[(old - 2, "a"), (old - 1, "b"), (old, "c")]).rejected_log_events_info.unwrap();
    assert_eq!((info.too_old_log_event_end_index, info.too_new_log_event_start_index), (Some(2), None));
    let new = NOW + 2 * 3_600_000;
    let info = logs.put("s", &[(new, "d"), (new + 1, "e")]).rejected_log_events_info.unwrap();
    assert_eq!((info.too_old_log_event_end_index, info.too_new_log_event_start_index), (None, Some(1)));
    assert_eq!(logs.messages("s"), ["c", "d"]);
}

#[test]
fn what_is_not_there_is_said() {
    let logs = Logs::new();
    let missing = "ResourceNotFoundException";
    let no_stream = (missing, "The specified log stream does not exist.".to_owned());
    let no_group = (missing, "The specified log group does not exist.".to_owned());
    assert_eq!(logs.refusal::<api::PutLogEvents>(batch("s", &[(NOW, "a")])), no_stream);
    assert_eq!(logs.refusal::<api::GetLogEvents>(get("s")), no_stream);
    let elsewhere = api::GetLogEventsRequest { log_group_name: Some("x".to_owned()), ..get("s") };
    assert_eq!(logs.refusal::<api::GetLogEvents>(elsewhere), no_group);
    let elsewhere = api::PutLogEventsRequest { log_group_name: "x".to_owned(), ..batch("s", &[(NOW, "a")]) };
    assert_eq!(logs.refusal::<api::PutLogEvents>(elsewhere), no_group);
}

#[test]
fn a_group_is_named_once() {
    let logs = numbered(1);
    let arn = format!("arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}");
    for identifier in [GROUP, &arn, &format!("{arn}:*")] {
        let by_identifier = api::GetLogEventsRequest {
            log_group_name: None,
            log_group_identifier: Some(identifier.to_owned()),
            ..get("s")
        };
        assert_eq!(page(&logs, by_identifier).0, ["0"], "{identifier}");
    }
    let both = api::GetLogEventsRequest { log_group_identifier: Some(arn), ..get("s") };
    let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.".to_owned();
    assert_eq!(logs.refusal::<api::GetLogEvents>(both), ("ValidationException", text));
    let (code, text) = logs.refusal::<api::GetLogEvents>(next("rubbish"));
    assert_eq!((code, text.as_str()), ("InvalidParameterException", "The specified nextToken is invalid."));
}

#[test]
fn a_stream_made_again_starts_empty() {
    let logs = numbered(5);
    let journals = logs.0.call.installation().journals.clone();
    let view = logs.0.call.installation().store.view();
    let row = view.get(&super::super::STREAMS, &(account(), region(), GROUP.to_owned(), "s".to_owned()));
    let journal = row.unwrap().unwrap().journal();
    logs.delete_stream("s");
    logs.create_stream("s");
    assert!(logs.messages("s").is_empty());
    assert_eq!(journals.stats(&journal).unwrap().events, 5);
    logs.put("s", &[(NOW, "fresh")]);
    logs.reconcile();
    assert_eq!(journals.stats(&journal).unwrap().events, 0);
    assert_eq!(logs.messages("s"), ["fresh"]);
}

#[test]
fn writers_side_by_side_lose_nothing() {
    let logs = Logs::new();
    logs.create_stream("s");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let logs = &logs;
            scope.spawn(move || {
                for number in 0..25 {
                    logs.put("s", &[(NOW + number, &format!("{writer}-{number}"))]);
                }
            });
        }
    });
    let page = logs.call::<api::GetLogEvents>(get("s"));
    let times: Vec<_> = page.events.iter().flatten().map(|event| event.timestamp).collect();
    assert_eq!(times.len(), 100);
    assert!(times.is_sorted(), "late events are not in their place");
}
