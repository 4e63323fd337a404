//! awsJson bodies: round trips, odd input, errors.

mod common;

use common::schemas::{ECS, EVERYTHING, JSON};
use common::values::{Carrier, any_value};
use common::{string, structure};
use http::HeaderMap;
use landfall_base::{Sensitive, Timestamp};
use landfall_shape::{Protocol, ServiceError, Value};
use landfall_wire::json;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(value in any_value(&EVERYTHING, Carrier::Json, 2)) {
        let body = json::encode(&EVERYTHING, &value);
        prop_assert_eq!(json::decode(&EVERYTHING, &body).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = json::decode(&EVERYTHING, &body);
        json::decode_error(400, &HeaderMap::new(), &body);
    }

    #[test]
    fn no_json_of_other_shape_makes_it_panic(
        value in any_value(&EVERYTHING, Carrier::Json, 1),
        cut in 0_usize..400,
    ) {
        let mut body = json::encode(&EVERYTHING, &value);
        body.truncate(cut);
        let _ = json::decode(&EVERYTHING, &body);
    }
}

fn decode(body: &str) -> Result<Value, String> {
    json::decode(&EVERYTHING, body.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn odd_but_good_bodies() {
    let nothing = structure([]);
    let cases = [
        ("", nothing.clone()),
        (" \n", nothing.clone()),
        ("{}", nothing.clone()),
        (r#"{"Unknown":[{"deep":1}],"Name":null}"#, nothing.clone()),
        (r#"{"Name":"a","Name":"b"}"#, structure([("Name", string("b"))])),
        (r#"{"Name":"a","Name":null}"#, nothing),
        (r#"{"renamedOnWire":"x"}"#, structure([("Renamed", string("x"))])),
        (r#"{"Secret":"x"}"#, structure([("Secret", Value::SensitiveString(Sensitive::from("x")))])),
        (r#"{"Count":2.0}"#, structure([("Count", Value::Integer(2))])),
        (r#"{"Size":9223372036854775807}"#, structure([("Size", Value::Integer(i64::MAX))])),
        (r#"{"Ratio":1}"#, structure([("Ratio", Value::Double(1.0))])),
        (r#"{"Bytes":"AQI="}"#, structure([("Bytes", Value::Blob(vec![1, 2]))])),
        (
            r#"{"Moment":1700000000.123}"#,
            structure([("Moment", Value::Timestamp(Timestamp::from_millis(1_700_000_000_123)))]),
        ),
        (
            r#"{"Moment":1.7E9}"#,
            structure([("Moment", Value::Timestamp(Timestamp::from_millis(1_700_000_000_000)))]),
        ),
        (
            r#"{"IsoMoment":"2026-11-23T02:30:41Z"}"#,
            structure([("IsoMoment", Value::Timestamp(Timestamp::from_millis(1_795_401_041_000)))]),
        ),
        (
            r#"{"Labels":{"b":"1","a":null,"b":"2"}}"#,
            structure([("Labels", Value::Map(vec![("b".to_owned(), string("2"))]))]),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(decode(body), Ok(expected), "{body}");
    }
}

#[test]
fn wrong_kinds_are_named_as_aws_names_them() {
    for (body, expected) in [
        (r#"{"Name":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"Name":true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"Count":"1"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"Count":2147483648}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"Count":1.5}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"Size":9223372036854775808}"#, "NUMBER_VALUE can not be converted to a Long"),
        (r#"{"Flag":"true"}"#, "STRING_VALUE can not be converted to a Boolean"),
        (r#"{"Flag":0}"#, "NUMBER_VALUE can not be converted to a Boolean"),
        (r#"{"Bytes":"*"}"#, "STRING_VALUE can not be converted to a Blob"),
        (r#"{"Moment":"now"}"#, "STRING_VALUE can not be converted to milliseconds since epoch"),
        (r#"{"Moment":1e300}"#, "NUMBER_VALUE can not be converted to milliseconds since epoch"),
        (r#"{"Name":["a"]}"#, "Start of list found where not expected"),
        (r#"{"Name":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Tags":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Flat":[null]}"#, "NULL_VALUE can not be converted to a String"),
        ("[]", "Start of list found where not expected"),
        ("1", "NUMBER_VALUE can not be converted to a Structure"),
        ("null", "expected a JSON object, not null"),
    ] {
        assert_eq!(decode(body), Err(expected.to_owned()), "{body}");
    }
}

#[test]
fn broken_json_is_a_serialization_exception_that_repeats_no_value() {
    for body in [r#"{"Secret":"hunter2"#, r#"{"Secret":"hunter2"} x"#, "{", "nope", r#"{"Secret":hunter2}"#] {
        let error = json::decode(&EVERYTHING, body.as_bytes()).unwrap_err();
        assert!(!error.message().contains("hunter2"), "{error}");
        let error = error.into_service_error(Protocol::AwsJson11);
        assert_eq!((error.code, error.status), ("SerializationException", 400));
    }
    let error = json::decode(&EVERYTHING, b"{\"Name\":\"\xff\"}").unwrap_err();
    assert_eq!(error.message(), "the body is not UTF-8");
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [200, 100_000] {
        let schema_deep = r#"{"Next":"#.repeat(depth);
        assert!(decode(&schema_deep).unwrap_err().contains("recursion limit"), "{depth}");
        let unknown_deep = format!("{{\"x\":{}", "[".repeat(depth));
        assert!(decode(&unknown_deep).is_err(), "{depth}");
    }
}

#[test]
fn times_blobs_and_names_are_written_as_aws_writes_them() {
    let value = structure([
        ("Renamed", string("x\"")),
        ("Bytes", Value::Blob(vec![1, 2])),
        ("Moment", Value::Timestamp(Timestamp::from_millis(1_700_000_000_000))),
        ("UnixMoment", Value::Timestamp(Timestamp::from_millis(1_700_000_000_123))),
        ("HttpMoment", Value::Timestamp(Timestamp::from_millis(784_111_777_000))),
    ]);
    let expected = concat!(
        r#"{"renamedOnWire":"x\"","Bytes":"AQI=","Moment":1700000000,"UnixMoment":1700000000.123,"#,
        r#""HttpMoment":"Sun, 06 Nov 1994 08:49:37 GMT"}"#
    );
    assert_eq!(String::from_utf8(json::encode(&EVERYTHING, &value)).unwrap(), expected);
}

fn error_body(error: &ServiceError, service: &'static landfall_shape::ServiceSchema) -> String {
    String::from_utf8_lossy(&json::encode_error(error, Some(service))).into_owned()
}

#[test]
fn error_bodies() {
    let error = ServiceError::client("ResourceNotFoundException", "no such secret");
    assert_eq!(
        error_body(&error, &JSON),
        r#"{"__type":"ResourceNotFoundException","Message":"no such secret"}"#
    );
    assert_eq!(
        error_body(&error, &ECS),
        r#"{"__type":"ResourceNotFoundException","message":"no such secret"}"#
    );
    let error = ServiceError::client("AccessDeniedException", "User: x");
    assert_eq!(error_body(&error, &ECS), r#"{"__type":"AccessDeniedException","Message":"User: x"}"#);
    let mut error = ServiceError::client("UnknownOperationException", "");
    assert_eq!(error_body(&error, &ECS), r#"{"__type":"UnknownOperationException"}"#);
    error.members.push("message", string("never twice"));
    error.members.push("resourceIds", Value::List(vec![string("a")]));
    assert_eq!(error_body(&error, &ECS), r#"{"__type":"UnknownOperationException","resourceIds":["a"]}"#);
    assert_eq!(
        json::error_headers(&error, Protocol::AwsJson10),
        [("content-type", "application/x-amz-json-1.0"), ("x-amzn-errortype", "UnknownOperationException")]
    );
}

#[test]
fn error_answers_are_read_in_every_form() {
    for (header, body, code, message) in [
        ("", r#"{"__type":"A","message":"m"}"#, "A", "m"),
        ("", r#"{"__type":"com.amazonaws.ecs#A","Message":"m"}"#, "A", "m"),
        ("", r#"{"code":"A:http://internal"}"#, "A", ""),
        ("A:http://internal/", r#"{"__type":"B","message":"m"}"#, "A", "m"),
        ("", "<html>bad gateway</html>", "502", ""),
        ("", "", "502", ""),
        ("", r#"{"__type":7,"message":null}"#, "502", ""),
    ] {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert("x-amzn-errortype", header.parse().unwrap());
        }
        headers.insert("x-amzn-requestid", "id".parse().unwrap());
        let error = json::decode_error(502, &headers, body.as_bytes());
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, message), "{header} {body}");
        assert_eq!((error.status, error.request_id.as_deref()), (502, Some("id")));
    }
}
