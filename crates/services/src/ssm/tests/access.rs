//! Who may do what, and what refusals say.

use super::*;
use crate::testing::nobody;

#[test]
fn refusals_name_action_and_parameter() {
    let fixture = Fixture::new();
    let user = "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: ";
    let because = |action: &str| format!("because no identity-based policy allows the {action} action");
    let parameter = "on resource: arn:aws:ssm:us-east-1:111122223333:parameter";
    // The same for what does not exist.
    let (code, message) = fixture.denied::<api::GetParameters>(&nobody(), gets(&["x"]));
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(message, format!("{user}ssm:GetParameters {parameter}/x {}", because("ssm:GetParameters")));
    let by_path = api::GetParametersByPathRequest { path: "/a/".to_owned(), ..Default::default() };
    let (_, message) = fixture.denied::<api::GetParametersByPath>(&nobody(), by_path);
    assert_eq!(
        message,
        format!("{user}ssm:GetParametersByPath {parameter}/a/ {}", because("ssm:GetParametersByPath"))
    );
    let (_, message) = fixture.denied::<api::DescribeParameters>(&nobody(), Default::default());
    let all = "on resource: arn:aws:ssm:us-east-1:111122223333:*";
    assert_eq!(message, format!("{user}ssm:DescribeParameters {all} {}", because("ssm:DescribeParameters")));
}

#[test]
fn one_refused_name_refuses_the_call() {
    let fixture = Fixture::new();
    fixture.put("/app/x", "v");
    fixture.put("/other/x", "v");
    let statement =
        r#"{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:*:*:parameter/app/*"}"#;
    let reader = fixture.user("reader", statement);
    fixture.call::<api::GetParameters>(&reader, gets(&["/app/x", "/app/none"])).unwrap();
    let (code, message) = fixture.denied::<api::GetParameters>(&reader, gets(&["/app/x", "/other/x"]));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("parameter/other/x"), "{message}");
}

#[test]
fn conditions_see_tags_and_overwriting() {
    let fixture = Fixture::new();
    fixture.put("x", "v");
    let tag = api::AddTagsToResourceRequest {
        resource_type: api::ResourceTypeForTagging::Parameter,
        resource_id: "x".to_owned(),
        tags: vec![api::Tag { key: "team".to_owned(), value: "a".to_owned() }],
    };
    fixture.root::<api::AddTagsToResource>(tag);
    let of_team = |team: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{{"StringEquals":{{"aws:ResourceTag/team":"{team}"}}}}}}"#
        );
        fixture.user(&format!("team{team}"), &statement)
    };
    fixture.call::<api::GetParameter>(&of_team("a"), get("x")).unwrap();
    fixture.denied::<api::GetParameter>(&of_team("b"), get("x"));
    let statement = r#"{"Effect":"Allow","Action":"ssm:PutParameter","Resource":"*","Condition":{"StringEquals":{"ssm:Overwrite":"false"}}}"#;
    let creator = fixture.user("creator", statement);
    fixture.call::<api::PutParameter>(&creator, put("y", "v")).unwrap();
    fixture.denied::<api::PutParameter>(
        &creator,
        api::PutParameterRequest { overwrite: Some(true), ..put("y", "v") },
    );
}

#[test]
fn parameters_are_not_shared_between_accounts() {
    let fixture = Fixture::new();
    fixture.put("x", "v");
    let other = caller(Principal::root(&"444455556666".parse().unwrap()));
    let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/x";
    assert_eq!(fixture.denied::<api::GetParameter>(&other, get(arn)).0, "AccessDeniedException");
    assert_eq!(fixture.denied::<api::GetParameter>(&other, get("x")).0, "ParameterNotFound");
}
