//! ec2Query forms and XML: round trips, names, errors, routing.

mod common;

use common::schemas::{DO_IT, EC2, FORGET_IT, QUERY};
use common::values::{Carrier, any_value};
use common::{string, structure};
use http::HeaderMap;
use landfall_shape::{Protocol, ServiceError, Structure, Value};
use landfall_wire::auth::{AuthFailure, auth_error};
use landfall_wire::query::{self, Form};
use landfall_wire::route::{Request, Route, Router};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inputs_are_read_back(value in any_value(DO_IT.input, Carrier::Xml, 2)) {
        let value = writable(value).unwrap_or_else(|| structure([]));
        let form = Form::parse(&query::encode_input(&EC2, &DO_IT, &value)).unwrap();
        prop_assert_eq!((form.action(), form.version()), (Some("DoIt"), Some("2016-11-15")));
        prop_assert_eq!(query::decode_ec2_input(&DO_IT, &form).unwrap(), value);
    }

    #[test]
    fn outputs_are_read_back(value in any_value(DO_IT.output, Carrier::Xml, 2)) {
        let body = query::encode_output(&EC2, &DO_IT, &value, "id");
        prop_assert_eq!(query::decode_ec2_output(&DO_IT, &body).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(form) = Form::parse(&body) {
            let _ = query::decode_ec2_input(&DO_IT, &form);
        }
        let _ = query::decode_ec2_output(&DO_IT, &body);
    }
}

/// The value without what EC2's form cannot say: empty lists, and structures of nothing else.
fn writable(value: Value) -> Option<Value> {
    match value {
        Value::List(values) => {
            let values: Vec<_> = values.into_iter().filter_map(writable).collect();
            (!values.is_empty()).then_some(Value::List(values))
        }
        Value::Structure(members) => {
            let mut kept = Structure::new();
            for (name, value) in members.iter() {
                if let Some(value) = writable(value.clone()) {
                    kept.push(name, value);
                }
            }
            (kept.iter().count() > 0).then_some(Value::Structure(kept))
        }
        other => Some(other),
    }
}

fn tag(key: &str) -> Value {
    structure([("Key", string(key))])
}

#[test]
fn inputs_are_written_as_botocore_writes_them() {
    let value = structure([
        ("Renamed", string("a b")),
        ("Tags", Value::List(vec![tag("k"), tag("l")])),
        ("Modes", Value::List(vec![string("ON")])),
        ("Flat", Value::List(Vec::new())),
    ]);
    let expected = "Action=DoIt&Version=2016-11-15&RenamedOnWire=a%20b&Tags.1.Key=k&Tags.2.Key=l&Modes.1=ON";
    assert_eq!(String::from_utf8(query::encode_input(&EC2, &DO_IT, &value)).unwrap(), expected);
}

#[test]
fn errors_of_forms_name_the_parameter() {
    for (form, expected) in [
        ("Count=x", "the value of `Count` must be a whole number of 32 bits"),
        ("Tags.0.Key=a", "the parts of the list `Tags` must be numbered from 1"),
    ] {
        let form = Form::parse(form.as_bytes()).unwrap();
        let error = query::decode_ec2_input(&DO_IT, &form).unwrap_err();
        assert_eq!(error.message(), expected);
        assert_eq!(error.into_service_error(Protocol::Ec2Query).code, "InvalidParameterValue");
    }
}

#[test]
fn outputs_are_written_as_ec2_writes_them() {
    let value = structure([("Renamed", string("<")), ("Tags", Value::List(vec![tag("k")]))]);
    let body = String::from_utf8(query::encode_output(&EC2, &DO_IT, &value, "id")).unwrap();
    let expected = concat!(
        r#"<DoItResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>id</requestId>"#,
        "<renamedOnWire>&lt;</renamedOnWire><Tags><member><Key>k</Key></member></Tags></DoItResponse>",
    );
    assert_eq!(body, expected);
    let body = String::from_utf8(query::encode_output(&EC2, &FORGET_IT, &structure([]), "id")).unwrap();
    assert!(body.ends_with("<requestId>id</requestId><return>true</return></ForgetItResponse>"), "{body}");
}

#[test]
fn error_answers() {
    let error = ServiceError::client("InvalidVpcID.NotFound", "The vpc ID 'vpc-<1>' does not exist");
    let body = String::from_utf8(query::encode_ec2_error(&error, "id")).unwrap();
    let expected = concat!(
        "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>",
        "<Message>The vpc ID 'vpc-&lt;1&gt;' does not exist</Message></Error></Errors>",
        "<RequestID>id</RequestID></Response>",
    );
    assert_eq!(body, expected);
    let read = query::decode_error(400, body.as_bytes());
    assert_eq!((read.code.as_str(), read.request_id.as_deref()), ("InvalidVpcID.NotFound", Some("id")));
}

#[test]
fn refusals_have_codes_of_their_own() {
    for (failure, code, status) in [
        (AuthFailure::UnknownKey, "AuthFailure", 401),
        (AuthFailure::BadSignature("s".to_owned()), "AuthFailure", 401),
        (AuthFailure::ClockSkew("s".to_owned()), "RequestExpired", 400),
        (AuthFailure::Expired, "RequestExpired", 400),
        (AuthFailure::Missing, "MissingAuthenticationToken", 403),
        (AuthFailure::Denied("s".to_owned()), "UnauthorizedOperation", 403),
        (AuthFailure::Throttled, "RequestLimitExceeded", 503),
    ] {
        let error = auth_error(&failure, Protocol::Ec2Query);
        assert_eq!((error.code, error.status), (code, status), "{failure:?}");
    }
}

#[test]
fn forms_are_routed_by_version() {
    let router = Router::new(&[&QUERY, &EC2]);
    let route = |text: &str| {
        let form = Form::parse(text.as_bytes()).unwrap();
        let headers = HeaderMap::new();
        let (method, path) = ("POST", "/");
        router.route(&Request {
            method,
            path,
            headers: &headers,
            form: Some(&form),
            scope_service: Some("ec2"),
        })
    };
    match route("Action=DoIt&Version=2016-11-15") {
        Route::Known { service, .. } => assert_eq!(service.name, "ec2"),
        other => panic!("{other:?}"),
    }
    let error = route("Action=RunInstances&Version=2016-11-15").error().unwrap();
    assert_eq!(
        error.to_string(),
        "InvalidAction: The action RunInstances is not valid for this web service."
    );
}
