//! Resource policies of an account and of groups.

use super::*;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"route53.amazonaws.com"},
    "Action":"logs:PutLogEvents","Resource":"*"}}"#;

fn put(name: &str, document: &str) -> api::PutResourcePolicyRequest {
    api::PutResourcePolicyRequest {
        policy_name: Some(name.to_owned()),
        policy_document: Some(document.to_owned()),
        ..Default::default()
    }
}

fn delete(name: &str) -> api::DeleteResourcePolicyRequest {
    api::DeleteResourcePolicyRequest { policy_name: Some(name.to_owned()), ..Default::default() }
}

fn arn() -> String {
    format!("arn:aws:logs:us-east-1:{}:log-group:{GROUP}", root().account)
}

fn put_on_group(expected: Option<String>) -> api::PutResourcePolicyRequest {
    api::PutResourcePolicyRequest {
        policy_document: Some(POLICY.to_owned()),
        resource_arn: Some(arn()),
        expected_revision_id: expected,
        ..Default::default()
    }
}

fn names(logs: &Logs, input: api::DescribeResourcePoliciesRequest) -> (Vec<String>, Option<String>) {
    let page = logs.call::<api::DescribeResourcePolicies>(input);
    let name = |it: api::ResourcePolicy| it.policy_name.or(it.resource_arn).unwrap();
    (page.resource_policies.unwrap().into_iter().map(name).collect(), page.next_token)
}

#[test]
fn an_account_has_ten() {
    let logs = Logs::new();
    for number in 0..10 {
        logs.call::<api::PutResourcePolicy>(put(&format!("p{number}"), POLICY));
    }
    let (code, text) = logs.refusal::<api::PutResourcePolicy>(put("p10", POLICY));
    assert_eq!((code, text.as_str()), ("LimitExceededException", "Resource limit exceeded."));
    let again = logs.call::<api::PutResourcePolicy>(put("p9", POLICY)).resource_policy.unwrap();
    assert_eq!((again.policy_document.as_deref(), again.last_updated_time), (Some(POLICY), Some(NOW)));
    let (first, token) =
        names(&logs, api::DescribeResourcePoliciesRequest { limit: Some(6), ..Default::default() });
    let rest =
        api::DescribeResourcePoliciesRequest { limit: Some(6), next_token: token, ..Default::default() };
    let (rest, end) = names(&logs, rest);
    assert_eq!((first.len(), rest.len(), end), (6, 4, None));
    assert_eq!(rest, ["p6", "p7", "p8", "p9"]);
}

#[test]
fn what_is_not_there_or_is_no_policy_is_refused() {
    let logs = Logs::new();
    let missing = "Policy with name [p] does not exist.".to_owned();
    assert_eq!(
        logs.refusal::<api::DeleteResourcePolicy>(delete("p")),
        ("ResourceNotFoundException", missing)
    );
    assert_eq!(logs.refusal::<api::PutResourcePolicy>(put("p", "{}")).0, "InvalidParameterException");
    logs.call::<api::PutResourcePolicy>(put("p", POLICY));
    logs.call::<api::DeleteResourcePolicy>(delete("p"));
    assert_eq!(names(&logs, Default::default()).0, [""; 0]);
}

#[test]
fn the_policy_of_a_group_changes_by_revision_and_goes_with_it() {
    let logs = Logs::new();
    let first = logs.call::<api::PutResourcePolicy>(put_on_group(None)).revision_id;
    assert_eq!(logs.refusal::<api::PutResourcePolicy>(put_on_group(None)).0, "OperationAbortedException");
    let second = logs.call::<api::PutResourcePolicy>(put_on_group(first.clone())).revision_id;
    assert_ne!(first, second);
    let of_groups = || api::DescribeResourcePoliciesRequest {
        policy_scope: Some(api::PolicyScope::Resource),
        ..Default::default()
    };
    assert_eq!(names(&logs, of_groups()).0, [arn()]);
    assert_eq!(names(&logs, Default::default()).0, [""; 0]);
    logs.call::<api::DeleteLogGroup>(api::DeleteLogGroupRequest { log_group_name: GROUP.into() });
    assert_eq!(names(&logs, of_groups()).0, [""; 0]);
    assert_eq!(logs.refusal::<api::PutResourcePolicy>(put_on_group(None)).0, "ResourceNotFoundException");
}
