//! Who may do what.

use std::sync::Arc;

use landfall_api::logs as api;
use landfall_base::Arn;
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::{Entries, Operation};

use super::{GROUP, Logs, NOW, batch, get};
use crate::iam::record::{InlinePolicy, USER_POLICIES, USERS, User};
use crate::pipe::{Caller, Failure};
use crate::testing::{START, account, caller, nobody};

const SHORT: &str = "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app";
const LONG: &str = "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app:*";

/// A user who may do `action` to `resource`, under a condition.
fn user(logs: &Logs, action: &str, resource: &str, condition: &str) -> Caller {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{condition}}}]}}"#
    );
    let arn = Arn::global("iam", account().as_str(), "user/ann");
    let row = User {
        name: "ann".into(),
        path: "/".into(),
        id: "AIDAANN".into(),
        arn: arn.as_str().into(),
        created_at: START,
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    };
    let policy = Arc::new(Policy::parse(&document, PolicyKind::Identity).unwrap());
    let store = &logs.0.call.installation().store;
    let put = store.write("test", |tx| -> Result<(), Failure> {
        tx.put(&USERS, &(account(), "ann".to_owned()), row);
        let policy = InlinePolicy { name: "p".into(), policy };
        tx.put(&USER_POLICIES, &(account(), "ann".to_owned(), "p".to_owned()), policy);
        Ok(())
    });
    assert!(put.is_ok());
    caller(Principal::user(arn, &account(), "AIDAANN"))
}

fn code<O: Operation>(logs: &Logs, caller: &Caller, input: O::Input) -> &'static str {
    logs.0.call.call::<O>(caller, input).result.err().map_or("ok", |error| error.code)
}

const DENIED: &str = "AccessDeniedException";

#[test]
fn refusals_are_in_aws_words() {
    let logs = Logs::new();
    let input = api::PutRetentionPolicyRequest { log_group_name: GROUP.into(), retention_in_days: 3 };
    let error = logs.0.call.call::<api::PutRetentionPolicy>(&nobody(), input).result.unwrap_err();
    assert_eq!(error.code, DENIED);
    assert_eq!(
        error.message,
        "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: logs:PutRetentionPolicy on \
         resource: arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app:log-stream: because no identity-based \
         policy allows the logs:PutRetentionPolicy action"
    );
}

#[test]
fn the_refused_do_not_learn_what_exists() {
    let logs = Logs::new();
    let caller = nobody();
    for group in [GROUP, "none"] {
        let put = api::PutLogEventsRequest { log_group_name: group.into(), ..batch("none", &[(NOW, "x")]) };
        assert_eq!(code::<api::PutLogEvents>(&logs, &caller, put), DENIED);
        let delete = api::DeleteLogGroupRequest { log_group_name: group.into() };
        assert_eq!(code::<api::DeleteLogGroup>(&logs, &caller, delete), DENIED);
    }
    assert_eq!(code::<api::DescribeLogGroups>(&logs, &caller, Default::default()), DENIED);
}

#[test]
fn policies_need_the_star_except_for_tagging() {
    let logs = Logs::new();
    logs.create_stream("s");
    for (resource, others, tagging) in [(LONG, "ok", DENIED), (SHORT, DENIED, "ok"), ("*", "ok", "ok")] {
        let ann = user(&logs, "logs:*", resource, "{}");
        let put = batch("s", &[(NOW, "x")]);
        assert_eq!(code::<api::PutLogEvents>(&logs, &ann, put), others, "{resource}");
        assert_eq!(code::<api::GetLogEvents>(&logs, &ann, get("s")), others, "{resource}");
        let search = api::FilterLogEventsRequest { log_group_name: Some(GROUP.into()), ..Default::default() };
        assert_eq!(code::<api::FilterLogEvents>(&logs, &ann, search), others, "{resource}");
        let list = api::ListTagsForResourceRequest { resource_arn: SHORT.into() };
        assert_eq!(code::<api::ListTagsForResource>(&logs, &ann, list), tagging, "{resource}");
        let create = api::CreateLogGroupRequest { log_group_name: GROUP.into(), ..Default::default() };
        let expected = if others == "ok" { "ResourceAlreadyExistsException" } else { DENIED };
        assert_eq!(code::<api::CreateLogGroup>(&logs, &ann, create), expected, "{resource}");
    }
}

#[test]
fn one_stream_can_be_given() {
    let logs = Logs::new();
    logs.create_stream("a");
    logs.create_stream("b");
    let ann = user(&logs, "logs:PutLogEvents", &format!("{SHORT}:log-stream:a"), "{}");
    assert_eq!(code::<api::PutLogEvents>(&logs, &ann, batch("a", &[(NOW, "x")])), "ok");
    assert_eq!(code::<api::PutLogEvents>(&logs, &ann, batch("b", &[(NOW, "x")])), DENIED);
}

#[test]
fn unmasking_needs_a_permission_of_its_own() {
    let logs = Logs::new();
    logs.create_stream("s");
    let ann = user(&logs, "logs:GetLogEvents", "*", "{}");
    let unmasked = || api::GetLogEventsRequest { unmask: Some(true), ..get("s") };
    assert_eq!(code::<api::GetLogEvents>(&logs, &ann, get("s")), "ok");
    assert_eq!(code::<api::GetLogEvents>(&logs, &ann, unmasked()), DENIED);
    let ann = user(&logs, "logs:*", LONG, "{}");
    assert_eq!(code::<api::GetLogEvents>(&logs, &ann, unmasked()), "ok");
}

#[test]
fn groups_are_listed_for_those_who_may_see_any() {
    let logs = Logs::new();
    let any = "arn:aws:logs:us-east-1:111122223333:log-group:*";
    for (resource, expected) in [("*", "ok"), (any, "ok"), (LONG, DENIED)] {
        let ann = user(&logs, "logs:DescribeLogGroups", resource, "{}");
        assert_eq!(code::<api::DescribeLogGroups>(&logs, &ann, Default::default()), expected, "{resource}");
    }
}

#[test]
fn tags_on_creation_need_a_permission_of_their_own() {
    let logs = Logs::new();
    let create = |tag: &str| api::CreateLogGroupRequest {
        log_group_name: "new".into(),
        tags: Some(Entries(vec![("team".into(), tag.into())])),
        ..Default::default()
    };
    let ann = user(&logs, "logs:CreateLogGroup", "*", "{}");
    assert_eq!(code::<api::CreateLogGroup>(&logs, &ann, create("red")), DENIED);
    let ann = user(&logs, "logs:*", "*", r#"{"StringEquals":{"aws:RequestTag/team":"red"}}"#);
    assert_eq!(code::<api::CreateLogGroup>(&logs, &ann, create("blue")), DENIED);
    assert_eq!(code::<api::CreateLogGroup>(&logs, &ann, create("red")), "ok");
    let ann = user(&logs, "logs:*", "*", r#"{"StringEquals":{"aws:ResourceTag/team":"red"}}"#);
    let delete = |name: &str| api::DeleteLogGroupRequest { log_group_name: name.into() };
    assert_eq!(code::<api::DeleteLogGroup>(&logs, &ann, delete(GROUP)), DENIED);
    assert_eq!(code::<api::DeleteLogGroup>(&logs, &ann, delete("new")), "ok");
}

#[test]
fn another_accounts_group_is_not_ours() {
    let logs = Logs::new();
    let input = api::GetLogEventsRequest {
        log_group_name: None,
        log_group_identifier: Some(SHORT.replace("111122223333", "444455556666")),
        ..get("s")
    };
    let ann = user(&logs, "logs:*", "*", "{}");
    assert_eq!(code::<api::GetLogEvents>(&logs, &ann, input), DENIED);
}
