//! Groups, streams and tags.

use landfall_api::logs as api;
use landfall_shape::Entries;

use super::{GROUP, Logs, NOW};

fn describe(logs: &Logs, input: api::DescribeLogGroupsRequest) -> (Vec<String>, Option<String>) {
    let page = logs.call::<api::DescribeLogGroups>(input);
    let names = page.log_groups.into_iter().flatten().filter_map(|group| group.log_group_name);
    (names.collect(), page.next_token)
}

fn streams(logs: &Logs, input: api::DescribeLogStreamsRequest) -> (Vec<String>, Option<String>) {
    let input = api::DescribeLogStreamsRequest { log_group_name: Some(GROUP.to_owned()), ..input };
    let page = logs.call::<api::DescribeLogStreams>(input);
    let names = page.log_streams.into_iter().flatten().filter_map(|stream| stream.log_stream_name);
    (names.collect(), page.next_token)
}

fn walk_streams(
    logs: &Logs,
    by: Option<api::OrderBy>,
    descending: bool,
    prefix: Option<&str>,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let input = api::DescribeLogStreamsRequest {
            order_by: by.clone(),
            descending: Some(descending),
            log_stream_name_prefix: prefix.map(str::to_owned),
            limit: Some(2),
            next_token: token,
            ..Default::default()
        };
        let (names, next) = streams(logs, input);
        assert!(names.len() <= 2);
        all.extend(names);
        token = next;
        if token.is_none() {
            return all;
        }
    }
}

#[test]
fn a_group_is_described_as_on_aws() {
    let logs = Logs::new();
    let page = logs.call::<api::DescribeLogGroups>(api::DescribeLogGroupsRequest::default());
    let arn = "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app";
    let expected = api::LogGroup {
        log_group_name: Some(GROUP.to_owned()),
        creation_time: Some(NOW),
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(0),
        log_group_class: Some(api::LogGroupClass::Standard),
        log_group_arn: Some(arn.to_owned()),
        deletion_protection_enabled: Some(false),
        ..Default::default()
    };
    assert_eq!(page.log_groups, Some(vec![expected]));
}

#[test]
fn groups_are_found_by_many_means() {
    let logs = Logs::new();
    for name in ["/ecs/web", "/lambda/app", "other"] {
        logs.create_group(name);
    }
    type Input = api::DescribeLogGroupsRequest;
    let arn = "arn:aws:logs:us-east-1:111122223333:log-group:other:*".to_owned();
    let foreign = "arn:aws:logs:us-east-1:444455556666:log-group:/ecs/web".to_owned();
    let cases: [(Input, &[&str]); 7] = [
        (Input::default(), &["/ecs/app", "/ecs/web", "/lambda/app", "other"]),
        (
            Input { log_group_name_prefix: Some("/ecs/".into()), ..Input::default() },
            &["/ecs/app", "/ecs/web"],
        ),
        (
            Input { log_group_name_pattern: Some("app".into()), ..Input::default() },
            &["/ecs/app", "/lambda/app"],
        ),
        (Input { log_group_name_pattern: Some("APP".into()), ..Input::default() }, &[]),
        (Input { log_group_class: Some(api::LogGroupClass::Delivery), ..Input::default() }, &[]),
        (
            Input { log_group_identifiers: Some(vec![arn, foreign, "/ecs/app".into()]), ..Input::default() },
            &["/ecs/app", "other"],
        ),
        (
            Input {
                include_linked_accounts: Some(true),
                account_identifiers: Some(vec!["444455556666".into()]),
                ..Input::default()
            },
            &[],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(describe(&logs, input.clone()).0, expected, "{input:?}");
    }
    let both = Input {
        log_group_name_prefix: Some("a".into()),
        log_group_name_pattern: Some("b".into()),
        ..Input::default()
    };
    let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.".to_owned();
    assert_eq!(logs.refusal::<api::DescribeLogGroups>(both), ("InvalidParameterException", text));
}

#[test]
fn groups_come_in_pages() {
    let logs = Logs::new();
    for number in 0..4 {
        logs.create_group(&format!("g{number}"));
    }
    let page =
        |token| api::DescribeLogGroupsRequest { limit: Some(2), next_token: token, ..Default::default() };
    let (first, token) = describe(&logs, page(None));
    let (second, token) = describe(&logs, page(Some(token.unwrap())));
    let (third, end) = describe(&logs, page(Some(token.unwrap())));
    assert_eq!([first, second, third].concat(), ["/ecs/app", "g0", "g1", "g2", "g3"]);
    assert_eq!(end, None);
    let (code, text) = logs.refusal::<api::DescribeLogGroups>(page(Some("%".into())));
    assert_eq!((code, text.as_str()), ("InvalidParameterException", "The specified nextToken is invalid."));
}

#[test]
fn streams_come_in_every_order() {
    let logs = Logs::new();
    for (name, time) in [("b", 1), ("a", 3), ("c", 2), ("bb", 4)] {
        logs.create_stream(name);
        logs.put(name, &[(NOW + time, "x")]);
    }
    logs.create_stream("silent");
    let by_time = Some(api::OrderBy::LastEventTime);
    assert_eq!(walk_streams(&logs, None, false, None), ["a", "b", "bb", "c", "silent"]);
    assert_eq!(walk_streams(&logs, None, true, None), ["silent", "c", "bb", "b", "a"]);
    assert_eq!(walk_streams(&logs, None, true, Some("b")), ["bb", "b"]);
    assert_eq!(walk_streams(&logs, None, false, Some("b")), ["b", "bb"]);
    assert_eq!(walk_streams(&logs, by_time.clone(), false, None), ["silent", "b", "c", "a", "bb"]);
    assert_eq!(walk_streams(&logs, by_time.clone(), true, None), ["bb", "a", "c", "b", "silent"]);
    let both = api::DescribeLogStreamsRequest {
        log_group_name: Some(GROUP.to_owned()),
        order_by: by_time,
        log_stream_name_prefix: Some("b".into()),
        ..Default::default()
    };
    let text = "Cannot order by LastEventTime with a logStreamNamePrefix.".to_owned();
    assert_eq!(logs.refusal::<api::DescribeLogStreams>(both), ("InvalidParameterException", text));
}

#[test]
fn a_stream_shows_its_events_times() {
    let logs = Logs::new();
    logs.create_stream("a/b");
    logs.put("a/b", &[(NOW - 5, "x"), (NOW - 2, "y")]);
    let input =
        api::DescribeLogStreamsRequest { log_group_name: Some(GROUP.to_owned()), ..Default::default() };
    let stream = logs.call::<api::DescribeLogStreams>(input).log_streams.unwrap().remove(0);
    assert_eq!(stream.arn.unwrap(), "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app:log-stream:a/b");
    assert_eq!((stream.first_event_timestamp, stream.last_event_timestamp), (Some(NOW - 5), Some(NOW - 2)));
    assert_eq!((stream.last_ingestion_time, stream.creation_time), (Some(NOW), Some(NOW)));
    assert!(stream.upload_sequence_token.is_some());
}

#[test]
fn names_are_taken_once() {
    let logs = Logs::new();
    logs.create_stream("s");
    let group = api::CreateLogGroupRequest { log_group_name: GROUP.into(), ..Default::default() };
    let exists = "ResourceAlreadyExistsException";
    let text = "The specified log group already exists".to_owned();
    assert_eq!(logs.refusal::<api::CreateLogGroup>(group), (exists, text));
    let stream = |group: &str| api::CreateLogStreamRequest {
        log_group_name: group.into(),
        log_stream_name: "s".into(),
    };
    let text = "The specified log stream already exists".to_owned();
    assert_eq!(logs.refusal::<api::CreateLogStream>(stream(GROUP)), (exists, text));
    let text = "The specified log group does not exist.".to_owned();
    assert_eq!(logs.refusal::<api::CreateLogStream>(stream("none")), ("ResourceNotFoundException", text));
}

#[test]
fn a_deleted_group_takes_its_streams_along() {
    let logs = Logs::new();
    logs.create_stream("s");
    logs.put("s", &[(NOW, "old")]);
    let delete = || api::DeleteLogGroupRequest { log_group_name: GROUP.into() };
    logs.call::<api::DeleteLogGroup>(delete());
    assert_eq!(logs.refusal::<api::DeleteLogGroup>(delete()).0, "ResourceNotFoundException");
    logs.create_group(GROUP);
    assert!(streams(&logs, api::DescribeLogStreamsRequest::default()).0.is_empty());
    logs.create_stream("s");
    assert!(logs.messages("s").is_empty());
}

#[test]
fn a_protected_group_stays() {
    let logs = Logs::new();
    let input = api::CreateLogGroupRequest {
        log_group_name: "kept".into(),
        deletion_protection_enabled: Some(true),
        ..Default::default()
    };
    logs.call::<api::CreateLogGroup>(input);
    let delete = api::DeleteLogGroupRequest { log_group_name: "kept".into() };
    assert_eq!(logs.refusal::<api::DeleteLogGroup>(delete).0, "ValidationException");
}

#[test]
fn both_families_of_tag_calls_mean_the_same_tags() {
    let logs = Logs::new();
    let arn = "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app".to_owned();
    let entries =
        |tags: &[(&str, &str)]| Entries(tags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
    logs.call::<api::TagResource>(api::TagResourceRequest {
        resource_arn: arn.clone(),
        tags: entries(&[("a", "1"), ("b", "2")]),
    });
    logs.call::<api::TagLogGroup>(api::TagLogGroupRequest {
        log_group_name: GROUP.into(),
        tags: entries(&[("b", "3"), ("c", "4")]),
    });
    let by_name =
        logs.call::<api::ListTagsLogGroup>(api::ListTagsLogGroupRequest { log_group_name: GROUP.into() });
    assert_eq!(by_name.tags, Some(entries(&[("a", "1"), ("b", "3"), ("c", "4")])));
    logs.call::<api::UntagResource>(api::UntagResourceRequest {
        resource_arn: arn.clone(),
        tag_keys: vec!["a".into()],
    });
    logs.call::<api::UntagLogGroup>(api::UntagLogGroupRequest {
        log_group_name: GROUP.into(),
        tags: vec!["b".into()],
    });
    let list = |arn: &str| api::ListTagsForResourceRequest { resource_arn: arn.to_owned() };
    assert_eq!(logs.call::<api::ListTagsForResource>(list(&arn)).tags, Some(entries(&[("c", "4")])));
    let wrong = logs.refusal::<api::ListTagsForResource>(list("arn:aws:s3:::bucket"));
    assert_eq!(wrong.0, "InvalidParameterException");
    let missing = logs.refusal::<api::ListTagsForResource>(list(&format!("{arn}/none")));
    assert_eq!(missing.0, "ResourceNotFoundException");
}
