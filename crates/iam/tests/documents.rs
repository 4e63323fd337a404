//! What IAM says of documents that somebody wants to store: which of several faults it names, and what it takes although it
//! makes little sense.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use landfall_iam::{Policy, PolicyKind};
use serde_json::{Value, json};

const LEGACY: &str = "The policy failed legacy parsing";
const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const NO_VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

/// A statement without fault, with some elements replaced; `null` takes one away.
fn statement(changes: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "ecr:GetImage", "Resource": "arn:aws:s3:::pail"});
    for (name, value) in changes.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    statement
}

fn said(statements: Value) -> Option<String> {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let parsed = Policy::parse(&document.to_string(), PolicyKind::Identity);
    parsed.err().map(|error| error.message())
}

fn of_resource(resource: Value) -> Option<String> {
    said(statement(json!({"Resource": resource})))
}

fn of_date(text: &str) -> Option<String> {
    said(statement(json!({"Condition": {"DateLessThan": {"aws:CurrentTime": text}}})))
}

#[test]
fn an_arn_that_cannot_be_read_fails_legacy_parsing() {
    for resource in [
        "arn:aws:s3::pail",
        "arn:aws:s3::pail/key",
        "arn:aws::pail",
        "arn:aws::::pail",
        "arn:aws:sts::ACCOUNT_ID:federated-user/x",
        "arn:aws:iam::<account>:role/x",
        "arn:aws:ecr:us-east-1:#{AWS::AccountId}:repository/x",
        "arn:aws:dynamodb:us-east-1:table/x",
    ] {
        assert_eq!(of_resource(json!(resource)).as_deref(), Some(LEGACY), "{resource}");
        assert_eq!(of_resource(json!(["*", resource])).as_deref(), Some(LEGACY), "{resource} in a list");
        let not = said(statement(json!({"Resource": null, "NotResource": resource})));
        assert_eq!(not.as_deref(), Some(LEGACY), "{resource} as NotResource");
        let document =
            json!({"Version": "2012-10-17", "Statement": statement(json!({"Resource": resource}))});
        assert!(
            Policy::stored(&document.to_string(), PolicyKind::Identity).is_ok(),
            "stored before: {resource}"
        );
    }
}

#[test]
fn arns_that_are_taken() {
    for resource in [
        "*",
        "arn:aws:nothing",
        "arn:aws:nothing:::x",
        "arn:aws:sqs:*:*:*",
        "arn:aws:ecr:*:111122223333:repository/a:b::c",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:ec2:region:account-id:instance/*",
        "arn:aws:ecr:us-east-1:${aws:PrincipalAccount}:repository/x",
        "arn:aws:iam::????????????:user/${aws:username}",
        "arn:aws:s3:us-west-2:111122223333:accesspoint/a/object/*",
    ] {
        assert_eq!(of_resource(json!(resource)), None, "{resource}");
    }
}

#[test]
fn a_wrong_partition_is_named_with_the_arn_completed() {
    let table = [
        ("a:b", "b", "arn:b:*:*:*:*"),
        ("a:b:c", "b", "arn:b:c:*:*:*"),
        ("a:b:c:d:e:f:g:h", "b", "arn:b:c:d:e:f:g:h"),
        ("aws:s3:::pail", "s3", "arn:s3:::pail:*"),
        ("arn:wrong:s3::pail", "wrong", "arn:wrong:s3::pail:*"),
    ];
    for (resource, partition, shown) in table {
        let expected = format!("Partition \"{partition}\" is not valid for resource \"{shown}\".");
        assert_eq!(of_resource(json!(resource)), Some(expected), "{resource}");
    }
    let both = of_resource(json!(["arn:wrong:s3:::pail", "arn:wrong:s3::pail"])).unwrap();
    assert!(both.contains("\"arn:wrong:s3:::pail\""), "{both}");
    assert_eq!(
        of_resource(json!("a:aws:s3:::x")).unwrap(),
        "Resource a:aws:s3:::x must be in ARN format or \"*\"."
    );
}

#[test]
fn of_several_faults_the_first_in_order_is_named() {
    let date = json!({"DateLessThan": {"aws:CurrentTime": "soon"}});
    let unreadable = "arn:aws:s3::pail";
    let duplicate = "Statement IDs (SID) in a single policy must be unique.";
    let table = [
        (statement(json!({"Action": null, "Resource": unreadable})), LEGACY),
        (
            json!([statement(json!({"Sid": "A"})), {"Sid": "A", "Effect": "Deny", "Resource": unreadable}]),
            LEGACY,
        ),
        (statement(json!({"Resource": "arn:wrong:s3:::pail", "Condition": date})), LEGACY),
        (json!([statement(json!({"Sid": "A"})), {"Sid": "A", "Effect": "Deny"}]), duplicate),
        (json!([{"Effect": "Deny"}, statement(json!({}))]), NO_ACTIONS),
        (json!([statement(json!({"Resource": "pail"})), {"Effect": "Deny"}]), NO_ACTIONS),
        (
            json!([statement(json!({"Resource": "pail"})), statement(json!({"Resource": unreadable}))]),
            "Resource pail must be in ARN format or \"*\".",
        ),
        (
            statement(json!({"Action": "a:b:c", "Resource": "pail"})),
            "Resource pail must be in ARN format or \"*\".",
        ),
        (statement(json!({"Action": "vendorless", "Resource": null})), NO_VENDOR),
        (statement(json!({"Resource": null})), NO_RESOURCES),
        (statement(json!({"Resource": []})), NO_RESOURCES),
    ];
    for (statements, expected) in table {
        assert_eq!(said(statements.clone()).as_deref(), Some(expected), "{statements}");
    }
}

#[test]
fn odd_documents_that_are_taken() {
    for changes in [
        json!({"Action": "ecr.x:Get"}),
        json!({"Action": "ecr: some words "}),
        json!({"Condition": {}}),
        json!({"Condition": {"Unknown": {}, "Other": {}}}),
        json!({"Condition": {"StringEquals": {"aws:username": []}}}),
    ] {
        assert_eq!(said(statement(changes.clone())), None, "{changes}");
    }
    let unknown = said(statement(json!({"Condition": {"Unknown": {"aws:username": "x"}}})));
    assert_eq!(unknown.as_deref(), Some("Syntax errors in policy."));
}

#[test]
fn dates() {
    for text in [
        "01T",
        "2016-12-13t2:00:00.593194+23",
        "2016-12-13T21:20:37.593194+00:00",
        "2016-12-13T21:20:37-08:00",
        "2016",
        "2016-12",
        "-292275054",
        "9223372036854775807",
    ] {
        assert_eq!(of_date(text), None, "{text}");
    }
    for text in [
        "soon",
        "234-13",
        "2016-12-32",
        "2016-12-13-1",
        "2016-12-13t24",
        "2016-12-13t2:60",
        "2016-12-13t2:00:00.593194+1",
        "2016-12-13t2:00:00.1999999999+10:59",
        "9223372036854775808",
    ] {
        assert_eq!(of_date(text).as_deref(), Some(LEGACY), "{text}");
    }
}

#[test]
fn nothing_stands_before_the_brace() {
    let identity = json!({"Version": "2012-10-17", "Statement": statement(json!({}))}).to_string();
    let principal = json!({"Service": "ecs-tasks.amazonaws.com"});
    let trust = json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}})
    .to_string();
    let table = [
        (PolicyKind::Identity, identity, LEGACY),
        (PolicyKind::RoleTrust, trust, "JSON strings must not have leading spaces"),
    ];
    for (kind, text, expected) in table {
        for space in ["\n", " ", "\t\r\n"] {
            let error = Policy::parse(&format!("{space}{text}"), kind).unwrap_err();
            assert_eq!((error.code(), error.message().as_str()), ("MalformedPolicyDocument", expected));
            assert!(Policy::parse(&format!("{text}{space}"), kind).is_ok());
            assert!(Policy::stored(&format!("{space}{text}"), kind).is_ok());
        }
    }
}

#[test]
fn principals_have_twelve_digits_and_are_of_this_partition() {
    let said = |arn: &str| {
        let document = json!({"Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}});
        Policy::parse(&document.to_string(), PolicyKind::RoleTrust).err().map(|error| error.message())
    };
    assert_eq!(said("arn:aws:iam::111122223333:root"), None);
    assert_eq!(said("arn:aws:sts::111122223333:assumed-role/a/b"), None);
    for arn in [
        "arn:aws:iam::11112222333:root",
        "arn:aws:iam::1111222233334:role/r",
        "arn:aws-cn:iam::111122223333:root",
        "arn:aws-us-gov:iam::111122223333:user/u",
        "arn:aws::iam::111122223333:root",
    ] {
        assert_eq!(said(arn), Some(format!("Invalid principal in policy: \"AWS\":\"{arn}\"")));
    }
}
