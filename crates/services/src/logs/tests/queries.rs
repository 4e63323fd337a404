//! Insights queries, kept queries and the newer calls on groups.

use std::time::Duration;

use landfall_api::logs as api;
use landfall_shape::Value;

use super::{GROUP, Logs, NOW};

fn start(query: &str) -> api::StartQueryRequest {
    api::StartQueryRequest {
        log_group_name: Some(GROUP.to_owned()),
        start_time: NOW / 1000 - 3600,
        end_time: NOW / 1000 + 3600,
        query_string: query.to_owned(),
        ..Default::default()
    }
}

fn results(id: &str) -> api::GetQueryResultsRequest {
    api::GetQueryResultsRequest { query_id: id.to_owned(), ..Default::default() }
}

impl Logs {
    fn start(&self, query: &str) -> String {
        self.call::<api::StartQuery>(start(query)).query_id.unwrap()
    }

    fn wait(&self, id: &str) -> api::GetQueryResultsResponse {
        loop {
            let answer = self.call::<api::GetQueryResults>(results(id));
            if !matches!(answer.status, Some(api::QueryStatus::Scheduled | api::QueryStatus::Running)) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn query(&self, query: &str) -> Vec<Vec<(String, String)>> {
        let answer = self.wait(&self.start(query));
        assert_eq!(answer.status, Some(api::QueryStatus::Complete), "{query}");
        let field = |field: api::ResultField| (field.field.unwrap(), field.value.unwrap());
        answer.results.unwrap().into_iter().map(|row| row.into_iter().map(field).collect()).collect()
    }
}

fn with_events() -> Logs {
    let logs = Logs::new();
    for stream in ["a", "b"] {
        logs.create_stream(stream);
        let events: Vec<(i64, String)> =
            (0..100).map(|at| (NOW + at, format!(r#"{{"n":{at},"stream":"{stream}"}}"#))).collect();
        let events: Vec<(i64, &str)> = events.iter().map(|(time, text)| (*time, text.as_str())).collect();
        logs.put(stream, &events);
    }
    logs
}

#[test]
fn a_query_finds_rows_and_counts_what_it_read() {
    let logs = with_events();
    let rows = logs.query("filter n >= 98 | fields stream, n | sort n desc, stream asc");
    let texts: Vec<_> = rows.iter().map(|row| format!("{}{}", row[0].1, row[1].1)).collect();
    assert_eq!(texts, ["a99", "b99", "a98", "b98"]);
    let answer = logs.wait(&logs.start("stats count(*) as n, sum(n) as s by @logStream"));
    let statistics = answer.statistics.unwrap();
    assert_eq!((statistics.records_scanned, statistics.records_matched), (Some(200.0), Some(200.0)));
    assert_eq!(answer.results.unwrap().len(), 2);
}

#[test]
fn a_row_leads_to_its_record() {
    let logs = with_events();
    let rows = logs.query("filter n = 7 and stream = 'b'");
    let (name, pointer) = rows[0].last().unwrap();
    assert_eq!(name, "@ptr");
    let get =
        |pointer: &str| api::GetLogRecordRequest { log_record_pointer: pointer.to_owned(), unmask: None };
    let record = logs.call::<api::GetLogRecord>(get(pointer)).log_record.unwrap();
    let field = |name: &str| record.get(name).cloned().unwrap();
    assert_eq!(field("@message"), r#"{"n":7,"stream":"b"}"#);
    assert_eq!(
        (field("n").as_str(), field("stream").as_str(), field("@logStream").as_str()),
        ("7", "b", "b")
    );
    assert_eq!(field("@log"), "111122223333:/ecs/app");
    assert_eq!(logs.refusal::<api::GetLogRecord>(get("rubbish")).0, "InvalidParameterException");
}

#[test]
fn expired_events_are_not_found() {
    let logs = with_events();
    let policy = api::PutRetentionPolicyRequest { log_group_name: GROUP.to_owned(), retention_in_days: 1 };
    logs.call::<api::PutRetentionPolicy>(policy);
    logs.pass_days(2);
    assert_eq!(logs.query("stats count(*) as n")[0], [("n".to_owned(), "0".to_owned())]);
}

#[test]
fn pages_of_a_result() {
    let logs = with_events();
    let id = logs.start("fields n");
    assert_eq!(logs.wait(&id).results.unwrap().len(), 200);
    let first = api::GetQueryResultsRequest { max_items: Some(150), ..results(&id) };
    let first = logs.call::<api::GetQueryResults>(first);
    assert_eq!(first.results.unwrap().len(), 150);
    let rest = api::GetQueryResultsRequest { next_token: first.next_token, ..results(&id) };
    let rest = logs.call::<api::GetQueryResults>(rest);
    assert_eq!((rest.results.unwrap().len(), rest.next_token), (50, None));
}

#[test]
fn what_is_no_query_is_refused_with_its_place() {
    let logs = Logs::new();
    let error = logs.try_call::<api::StartQuery>(start("fields @message | limitt 1")).unwrap_err();
    assert_eq!(error.code, "MalformedQueryException");
    assert_eq!(error.message, "unexpected symbol found limitt at line 1 and position 19");
    assert!(matches!(error.members.get("queryCompileError"), Some(Value::Structure(_))));
    let missing = api::StartQueryRequest { log_group_name: Some("none".to_owned()), ..start("limit 1") };
    assert_eq!(logs.refusal::<api::StartQuery>(missing).0, "ResourceNotFoundException");
    let none = api::StartQueryRequest { log_group_name: None, ..start("limit 1") };
    assert_eq!(logs.refusal::<api::StartQuery>(none).0, "InvalidParameterException");
    let backwards = api::StartQueryRequest { end_time: 1, ..start("limit 1") };
    assert_eq!(logs.refusal::<api::StartQuery>(backwards).0, "InvalidParameterException");
    assert_eq!(logs.refusal::<api::GetQueryResults>(results("none")).0, "ResourceNotFoundException");
}

#[test]
fn queries_are_listed_and_an_ended_one_cannot_be_stopped() {
    let logs = with_events();
    let id = logs.start("limit 1");
    logs.wait(&id);
    let stop = api::StopQueryRequest { query_id: id.clone() };
    assert_eq!(logs.refusal::<api::StopQuery>(stop).0, "InvalidParameterException");
    let queries = logs.call::<api::DescribeQueries>(api::DescribeQueriesRequest::default()).queries.unwrap();
    assert_eq!(queries[0].query_id.as_ref(), Some(&id));
    assert_eq!(queries[0].log_group_name.as_deref(), Some(GROUP));
    let failed = api::DescribeQueriesRequest { status: Some(api::QueryStatus::Failed), ..Default::default() };
    assert!(logs.call::<api::DescribeQueries>(failed).queries.unwrap().is_empty());
}

#[test]
fn definitions_are_kept_changed_and_deleted() {
    let logs = Logs::new();
    let put = |id: Option<String>, name: &str| api::PutQueryDefinitionRequest {
        query_definition_id: id,
        name: name.to_owned(),
        query_string: "limit 1".to_owned(),
        ..Default::default()
    };
    let id = logs.call::<api::PutQueryDefinition>(put(None, "one")).query_definition_id.unwrap();
    logs.call::<api::PutQueryDefinition>(put(Some(id.clone()), "two"));
    let none = put(Some("none".to_owned()), "three");
    assert_eq!(logs.refusal::<api::PutQueryDefinition>(none).0, "ResourceNotFoundException");
    let list = || logs.call::<api::DescribeQueryDefinitions>(api::DescribeQueryDefinitionsRequest::default());
    let names: Vec<_> = list().query_definitions.unwrap().into_iter().map(|it| it.name.unwrap()).collect();
    assert_eq!(names, ["two"]);
    let delete = || api::DeleteQueryDefinitionRequest { query_definition_id: id.clone() };
    assert_eq!(logs.call::<api::DeleteQueryDefinition>(delete()).success, Some(true));
    assert_eq!(logs.refusal::<api::DeleteQueryDefinition>(delete()).0, "ResourceNotFoundException");
}

#[test]
fn a_protected_group_stays() {
    let logs = Logs::new();
    let protect = |on| api::PutLogGroupDeletionProtectionRequest {
        log_group_identifier: GROUP.to_owned(),
        deletion_protection_enabled: on,
    };
    let delete = || api::DeleteLogGroupRequest { log_group_name: GROUP.to_owned() };
    logs.call::<api::PutLogGroupDeletionProtection>(protect(true));
    assert_eq!(logs.refusal::<api::DeleteLogGroup>(delete()).0, "ValidationException");
    logs.call::<api::PutLogGroupDeletionProtection>(protect(false));
    logs.call::<api::DeleteLogGroup>(delete());
}

#[test]
fn groups_are_listed_by_pattern_page_by_page() {
    let logs = Logs::new();
    ["/ecs/web", "/app/ecs", "other"].into_iter().for_each(|name| logs.create_group(name));
    let list = |pattern: Option<&str>, limit, token: Option<String>| {
        let input = api::ListLogGroupsRequest {
            log_group_name_pattern: pattern.map(str::to_owned),
            limit,
            next_token: token,
            ..Default::default()
        };
        let answer = logs.call::<api::ListLogGroups>(input);
        let names: Vec<_> =
            answer.log_groups.unwrap().into_iter().map(|it| it.log_group_name.unwrap()).collect();
        (names, answer.next_token)
    };
    assert_eq!(list(Some("ecs"), None, None).0, ["/app/ecs", GROUP, "/ecs/web"]);
    assert_eq!(list(Some("^/ecs|oth"), None, None).0, [GROUP, "/ecs/web", "other"]);
    let (first, token) = list(None, Some(3), None);
    assert_eq!(first, ["/app/ecs", GROUP, "/ecs/web"]);
    assert_eq!(list(None, Some(3), token), (vec!["other".to_owned()], None));
}
