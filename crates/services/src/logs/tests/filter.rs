//! Searching the streams of a group.

use std::collections::BTreeSet;

use landfall_api::logs as api;

use super::{GROUP, Logs, NOW};

/// Three streams whose events take turns: `a0`, `b1`, `c2`, `a3`, … a millisecond apart.
fn three() -> Logs {
    let logs = Logs::new();
    for stream in ["a", "b", "c"] {
        logs.create_stream(stream);
    }
    for number in 0..30 {
        let stream = ["a", "b", "c"][number % 3];
        logs.put(stream, &[(NOW + number as i64, &format!("{stream}{number}"))]);
    }
    logs
}

fn search() -> api::FilterLogEventsRequest {
    api::FilterLogEventsRequest { log_group_name: Some(GROUP.to_owned()), ..Default::default() }
}

fn texts(page: &api::FilterLogEventsResponse) -> Vec<String> {
    page.events.iter().flatten().filter_map(|event| event.message.clone()).collect()
}

fn walk(logs: &Logs, input: &api::FilterLogEventsRequest) -> Vec<api::FilteredLogEvent> {
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let page = logs
            .call::<api::FilterLogEvents>(api::FilterLogEventsRequest { next_token: token, ..input.clone() });
        all.extend(page.events.unwrap());
        token = page.next_token;
        if token.is_none() {
            return all;
        }
    }
}

fn expected(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("{}{number}", ["a", "b", "c"][number % 3])).collect()
}

#[test]
fn streams_are_interleaved_by_time() {
    let page = three().call::<api::FilterLogEvents>(search());
    assert_eq!(texts(&page), expected(0..30));
    assert_eq!((page.next_token, page.searched_log_streams), (None, Some(Vec::new())));
}

#[test]
fn pages_go_on_and_identities_stay() {
    let logs = three();
    let whole = walk(&logs, &search());
    for limit in [1, 4, 7, 30] {
        let paged = walk(&logs, &api::FilterLogEventsRequest { limit: Some(limit), ..search() });
        assert_eq!(paged, whole, "{limit} a page");
    }
    let identities: BTreeSet<_> = whole.iter().map(|event| event.event_id.clone().unwrap()).collect();
    assert_eq!(identities.len(), 30);
}

#[test]
fn events_of_one_moment_are_all_found() {
    let logs = three();
    for stream in ["c", "a", "b", "a"] {
        logs.put(stream, &[(NOW + 100, stream), (NOW + 100, stream)]);
    }
    let now = api::FilterLogEventsRequest { start_time: Some(NOW + 100), limit: Some(1), ..search() };
    let found: Vec<_> = walk(&logs, &now).into_iter().filter_map(|event| event.message).collect();
    assert_eq!(found, ["a", "a", "a", "a", "b", "b", "c", "c"]);
}

#[test]
fn late_events_are_found_in_their_place() {
    let logs = three();
    logs.put("b", &[(NOW + 3, "late")]);
    let found: Vec<_> = walk(&logs, &api::FilterLogEventsRequest { limit: Some(3), ..search() });
    let found: Vec<_> = found.into_iter().filter_map(|event| event.message).collect();
    let mut all = expected(0..30);
    all.insert(4, "late".to_owned());
    assert_eq!(found, all);
}

#[test]
fn streams_times_and_patterns_choose() {
    let logs = three();
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let cases = [
        (
            api::FilterLogEventsRequest { log_stream_names: names(&["c", "a", "c"]), ..search() },
            expected((0..30).filter(|n| n % 3 != 1)),
        ),
        (
            api::FilterLogEventsRequest { log_stream_name_prefix: Some("b".into()), ..search() },
            expected((1..30).step_by(3)),
        ),
        (
            api::FilterLogEventsRequest { start_time: Some(NOW + 10), end_time: Some(NOW + 12), ..search() },
            expected(10..13),
        ),
        (
            api::FilterLogEventsRequest { filter_pattern: Some("?a3 ?b1".into()), ..search() },
            expected([1, 3, 10, 13, 16, 19].into_iter()),
        ),
        (
            api::FilterLogEventsRequest { filter_pattern: Some("2 -a -b".into()), ..search() },
            expected([2, 20, 23, 26, 29].into_iter()),
        ),
    ];
    for (input, expected) in cases {
        let found = texts(&logs.call::<api::FilterLogEvents>(input.clone()));
        assert_eq!(found, expected, "{input:?}");
    }
}

#[test]
fn a_page_may_be_empty_and_go_on() {
    let logs = Logs::new();
    logs.create_stream("s");
    let texts: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    for batch in 0..26 {
        let events: Vec<_> = texts.iter().map(|text| (NOW + batch, text.as_str())).collect();
        logs.put("s", &events);
    }
    logs.put("s", &[(NOW + 100, "needle")]);
    let search = api::FilterLogEventsRequest { filter_pattern: Some("needle".into()), ..search() };
    let first = logs.call::<api::FilterLogEvents>(search.clone());
    assert!(first.events.unwrap().is_empty() && first.next_token.is_some());
    assert_eq!(walk(&logs, &search).len(), 1);
}

#[test]
fn what_cannot_be_searched_is_said() {
    let logs = three();
    let refusal = |input| logs.refusal::<api::FilterLogEvents>(input);
    let invalid = |text: &str| ("InvalidParameterException", text.to_owned());
    let pattern = api::FilterLogEventsRequest { filter_pattern: Some("{ $.a".into()), ..search() };
    assert_eq!(refusal(pattern), invalid("Invalid filter pattern"));
    let token = api::FilterLogEventsRequest { next_token: Some("rubbish".into()), ..search() };
    assert_eq!(refusal(token), invalid("The specified nextToken is invalid."));
    let both = api::FilterLogEventsRequest {
        log_stream_names: Some(vec!["a".into()]),
        log_stream_name_prefix: Some("a".into()),
        ..search()
    };
    assert_eq!(refusal(both).0, "InvalidParameterException");
    let missing =
        api::FilterLogEventsRequest { log_stream_names: Some(vec!["a".into(), "z".into()]), ..search() };
    let text = "The specified log stream does not exist.".to_owned();
    assert_eq!(refusal(missing), ("ResourceNotFoundException", text));
}
