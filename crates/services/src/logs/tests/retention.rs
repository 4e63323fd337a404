//! Events come and go.

use landfall_api::logs as api;

use super::{DAY, GROUP, Logs, NOW};

fn keep(logs: &Logs, days: i32) {
    logs.call::<api::PutRetentionPolicy>(api::PutRetentionPolicyRequest {
        log_group_name: GROUP.into(),
        retention_in_days: days,
    });
}

fn keep_for_ever(logs: &Logs) {
    logs.call::<api::DeleteRetentionPolicy>(api::DeleteRetentionPolicyRequest {
        log_group_name: GROUP.into(),
    });
}

fn group(logs: &Logs) -> api::LogGroup {
    logs.call::<api::DescribeLogGroups>(api::DescribeLogGroupsRequest::default())
        .log_groups
        .unwrap()
        .remove(0)
}

fn stream(logs: &Logs) -> api::LogStream {
    let input = api::DescribeLogStreamsRequest { log_group_name: Some(GROUP.into()), ..Default::default() };
    logs.call::<api::DescribeLogStreams>(input).log_streams.unwrap().remove(0)
}

#[test]
fn expired_events_are_hidden_at_once_and_removed_later() {
    let logs = Logs::new();
    logs.create_stream("s");
    logs.put("s", &[(NOW, "old")]);
    logs.pass_days(4);
    logs.put("s", &[(NOW + 4 * DAY, "new")]);
    keep(&logs, 3);
    assert_eq!(logs.messages("s"), ["new"]);
    assert_eq!(stream(&logs).first_event_timestamp, Some(NOW + 4 * DAY));
    let search = api::FilterLogEventsRequest { log_group_name: Some(GROUP.into()), ..Default::default() };
    assert_eq!(logs.call::<api::FilterLogEvents>(search).events.unwrap().len(), 1);
    keep_for_ever(&logs);
    assert_eq!(logs.messages("s"), ["old", "new"]);
    keep(&logs, 3);
    logs.pass_days(4);
    logs.reconcile();
    keep_for_ever(&logs);
    assert!(logs.messages("s").is_empty());
    assert_eq!((stream(&logs).first_event_timestamp, stream(&logs).last_event_timestamp), (None, None));
}

#[test]
fn expired_events_are_not_taken() {
    let logs = Logs::new();
    logs.create_stream("s");
    keep(&logs, 1);
    assert_eq!(group(&logs).retention_in_days, Some(1));
    let info = logs.put("s", &[(NOW - DAY - 1, "a"), (NOW - DAY, "b")]).rejected_log_events_info.unwrap();
    assert_eq!((info.expired_log_event_end_index, info.too_old_log_event_end_index), (Some(1), None));
    assert_eq!(logs.messages("s"), ["b"]);
}

#[test]
fn only_some_periods_exist() {
    let logs = Logs::new();
    let input = api::PutRetentionPolicyRequest { log_group_name: GROUP.into(), retention_in_days: 2 };
    assert_eq!(logs.refusal::<api::PutRetentionPolicy>(input).0, "InvalidParameterException");
    let input = api::PutRetentionPolicyRequest { log_group_name: "none".into(), retention_in_days: 3 };
    assert_eq!(logs.refusal::<api::PutRetentionPolicy>(input).0, "ResourceNotFoundException");
}

#[test]
fn bytes_are_counted() {
    let logs = Logs::new();
    for stream in ["a", "b"] {
        logs.create_stream(stream);
        logs.put(stream, &[(NOW, "12345")]);
    }
    logs.reconcile();
    assert_eq!(group(&logs).stored_bytes, Some(10));
    logs.delete_stream("a");
    logs.reconcile();
    assert_eq!(group(&logs).stored_bytes, Some(10), "counted again at once");
    logs.pass_days(1);
    logs.reconcile();
    assert_eq!(group(&logs).stored_bytes, Some(5));
}

#[test]
fn deleted_streams_are_forgotten_in_the_end() {
    let logs = Logs::new();
    logs.create_stream("s");
    logs.delete_stream("s");
    let discarded = || logs.0.call.installation().store.view().count(&crate::logs::record::DISCARDED, ());
    logs.reconcile();
    assert_eq!(discarded(), 1);
    logs.pass_days(1);
    logs.reconcile();
    assert_eq!(discarded(), 0);
}
