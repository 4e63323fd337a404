//! awsQuery forms and XML: round trips, odd input, errors.

mod common;

use common::schemas::{DO_IT, FORGET_IT, QUERY};
use common::values::{Carrier, any_value};
use common::{string, structure};
use landfall_base::Timestamp;
use landfall_shape::{Protocol, ServiceError, Value};
use landfall_wire::query::{self, Form};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inputs_are_read_back(value in any_value(DO_IT.input, Carrier::Xml, 2)) {
        let form = Form::parse(&query::encode_input(&QUERY, &DO_IT, &value)).unwrap();
        prop_assert_eq!((form.action(), form.version()), (Some("DoIt"), Some("2010-05-08")));
        prop_assert_eq!(query::decode_input(&DO_IT, &form).unwrap(), value);
    }

    #[test]
    fn outputs_are_read_back(value in any_value(DO_IT.output, Carrier::Xml, 2)) {
        let body = query::encode_output(&QUERY, &DO_IT, &value, "id");
        prop_assert_eq!(query::decode_output(&DO_IT, &body).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(form) = Form::parse(&body) {
            let _ = query::decode_input(&DO_IT, &form);
        }
        let _ = query::decode_output(&DO_IT, &body);
        query::decode_error(400, &body);
    }

    #[test]
    fn no_shortened_answer_makes_it_panic(
        value in any_value(DO_IT.output, Carrier::Xml, 1),
        cut in 0_usize..600,
    ) {
        let mut body = query::encode_output(&QUERY, &DO_IT, &value, "id");
        body.truncate(cut);
        let _ = query::decode_output(&DO_IT, &body);
    }
}

fn decode(form: &str) -> Result<Value, String> {
    let form = Form::parse(form.as_bytes()).map_err(|error| error.to_string())?;
    query::decode_input(&DO_IT, &form).map_err(|error| error.to_string())
}

fn tag(key: &str) -> Value {
    structure([("Key", string(key))])
}

#[test]
fn forms_of_every_kind() {
    let cases = [
        ("Action=DoIt&Version=2010-05-08&Unknown.member.1=x", structure([])),
        ("", structure([])),
        ("SecretId=a%20b+c%26", structure([("SecretId", string("a b c&"))])),
        ("SecretId=a&SecretId=b", structure([("SecretId", string("b"))])),
        ("SecretId", structure([("SecretId", string(""))])),
        ("Flag=TRUE", structure([("Flag", Value::Boolean(true))])),
        ("Count=7", structure([("Count", Value::Integer(7))])),
        (
            "Moment=2026-11-23T02%3A30%3A41Z",
            structure([("Moment", Value::Timestamp(Timestamp::from_millis(1_795_401_041_000)))]),
        ),
        ("Tags=", structure([("Tags", Value::List(Vec::new()))])),
        ("Labels=", structure([("Labels", Value::Map(Vec::new()))])),
        ("Tags=x", structure([])),
        (
            "Tags.member.4000000000.Key=c&Tags.member.10.Key=b&Tags.member.9.Key=a",
            structure([("Tags", Value::List(vec![tag("a"), tag("b"), tag("c")]))]),
        ),
        ("Modes.item.1=ON", structure([("Modes", Value::List(vec![string("ON")]))])),
        ("Flat.2=b&Flat.1=a", structure([("Flat", Value::List(vec![string("a"), string("b")]))])),
        (
            "Labels.entry.1.key=k&Labels.entry.1.value=v",
            structure([("Labels", Value::Map(vec![("k".to_owned(), string("v"))]))]),
        ),
        (
            "Next.Next.Name=n",
            structure([("Next", structure([("Next", structure([("Name", string("n"))]))]))]),
        ),
    ];
    for (form, expected) in cases {
        assert_eq!(decode(form), Ok(expected), "{form}");
    }
}

#[test]
fn forms_that_do_not_fit_are_refused() {
    let deep = format!("{}x=1", "a.".repeat(40));
    let wide: String = (0..60_000).map(|index| format!("k{index}=&")).collect();
    for (form, expected) in [
        ("Count=x", "the value of `Count` must be a whole number of 32 bits"),
        ("Count=2147483648", "the value of `Count` must be a whole number of 32 bits"),
        ("Flag=yes", "the value of `Flag` must be `true` or `false`"),
        ("Next.Ratio=inf", "the value of `Next.Ratio` must be a number"),
        ("Bytes=*", "the value of `Bytes` must be base64"),
        (
            "Moment=now",
            "the value of `Moment` must be a time in ISO 8601, for example `2026-11-23T02:30:41Z`",
        ),
        ("Tags.member.0.Key=a", "the parts of the list `Tags` must be numbered from 1"),
        ("Tags.member.x.Key=a", "the parts of the list `Tags` must be numbered from 1"),
        ("Tags.member.4294967296.Key=a", "the parts of the list `Tags` must be numbered from 1"),
        ("Labels.entry.1.value=v", "every entry of the map `Labels` needs a `key`"),
        ("SecretId=%FF", "the form is not UTF-8"),
        (deep.as_str(), "a parameter's name has more than 32 parts"),
        (wide.as_str(), "the form has more than 50000 parameters"),
    ] {
        assert_eq!(decode(form), Err(expected.to_owned()), "{}", &form[..form.len().min(40)]);
    }
    let form = Form::parse(b"Count=x").unwrap();
    let error = query::decode_input(&DO_IT, &form).unwrap_err().into_service_error(Protocol::AwsQuery);
    assert_eq!((error.code, error.status), ("MalformedInput", 400));
}

#[test]
fn forms_do_not_show_their_values() {
    let form = Form::parse(b"Action=DoIt&Secret=hunter2").unwrap();
    assert_eq!(format!("{form:?}"), "Form { action: Some(\"DoIt\"), .. }");
}

#[test]
fn inputs_are_written_as_botocore_writes_them() {
    let value = structure([
        ("SecretId", string("a b&c~")),
        ("Flag", Value::Boolean(false)),
        ("Moment", Value::Timestamp(Timestamp::from_millis(1_795_401_041_000))),
        ("Tags", Value::List(vec![tag("k"), tag("l")])),
        ("Flat", Value::List(vec![string("x")])),
        ("Labels", Value::Map(vec![("k".to_owned(), string("v"))])),
        ("TagMap", Value::Map(Vec::new())),
    ]);
    let expected = "Action=DoIt&Version=2010-05-08&SecretId=a%20b%26c~&Flag=false&\
                    Moment=2026-11-23T02%3A30%3A41Z&Tags.member.1.Key=k&Tags.member.2.Key=l&Flat.1=x&\
                    Labels.entry.1.key=k&Labels.entry.1.value=v&TagMap=";
    assert_eq!(String::from_utf8(query::encode_input(&QUERY, &DO_IT, &value)).unwrap(), expected);
}

#[test]
fn outputs_are_written_as_aws_writes_them() {
    let value = structure([
        ("Renamed", string("<&>\"\r\u{1}")),
        ("Tags", Value::List(vec![tag("k")])),
        ("Flat", Value::List(vec![string("x"), string("y")])),
        ("Modes", Value::List(Vec::new())),
        ("Labels", Value::Map(vec![("k".to_owned(), string("v"))])),
    ]);
    let body = String::from_utf8(query::encode_output(&QUERY, &DO_IT, &value, "id")).unwrap();
    let expected = concat!(
        r#"<DoItResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><DoItResult>"#,
        "<renamedOnWire>&lt;&amp;&gt;&quot;&#xD;\u{FFFD}</renamedOnWire>",
        "<Tags><member><Key>k</Key></member></Tags><Modes></Modes><Flat>x</Flat><Flat>y</Flat>",
        "<Labels><entry><key>k</key><value>v</value></entry></Labels>",
        "</DoItResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoItResponse>",
    );
    assert_eq!(body, expected);
    let body = String::from_utf8(query::encode_output(&QUERY, &FORGET_IT, &structure([]), "id")).unwrap();
    assert!(!body.contains("Result>"), "{body}");
    assert_eq!(query::decode_output(&FORGET_IT, body.as_bytes()), Ok(structure([])));
}

#[test]
fn answers_are_read_whatever_their_layout() {
    let body = "<?xml version=\"1.0\"?>\n<!-- c --><i:DoItResponse xmlns:i=\"x\">\n <DoItResult>\n  <Name><![CDATA[a<b]]>&amp;&#65;</Name>\n\
                <Unknown/><Tags>\n<member>\n<Key>k</Key>\n</member>\n</Tags></DoItResult>\n</i:DoItResponse>";
    let expected = structure([("Name", string("a<b&A")), ("Tags", Value::List(vec![tag("k")]))]);
    assert_eq!(query::decode_output(&DO_IT, body.as_bytes()), Ok(expected));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let deep = "<a>".repeat(100_000);
    for body in [
        "",
        "<html/>",
        "<DoItResponse>",
        "<DoItResponse></Other>",
        "<DoItResponse><DoItResult><Count>x</Count></DoItResult></DoItResponse>",
        "<DoItResponse><DoItResult><Name>&lol;</Name></DoItResult></DoItResponse>",
        "<!DOCTYPE a [<!ENTITY lol \"x\">]><DoItResponse/>",
        deep.as_str(),
    ] {
        assert!(query::decode_output(&DO_IT, body.as_bytes()).is_err(), "{}", &body[..body.len().min(40)]);
    }
}

#[test]
fn error_answers() {
    let error = ServiceError::with_status("NoSuchEntity", 404, "no <role>");
    let body = String::from_utf8(query::encode_error(&error, Some(&QUERY), "id")).unwrap();
    let expected = concat!(
        r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>"#,
        "<Code>NoSuchEntity</Code><Message>no &lt;role&gt;</Message></Error><RequestId>id</RequestId></ErrorResponse>",
    );
    assert_eq!(body, expected);
    let read = query::decode_error(404, body.as_bytes());
    assert_eq!((read.code.as_str(), read.message.as_str()), ("NoSuchEntity", "no <role>"));
    assert_eq!((read.status, read.request_id.as_deref()), (404, Some("id")));
    let fault = ServiceError::with_status("ServiceFailure", 500, "");
    let body = String::from_utf8(query::encode_error(&fault, None, "id")).unwrap();
    assert!(body.starts_with("<ErrorResponse><Error><Type>Receiver</Type>"), "{body}");
    let ec2 = b"<Response><Errors><Error><Code>A</Code></Error></Errors><RequestID>r</RequestID></Response>";
    let read = query::decode_error(400, ec2);
    assert_eq!((read.code.as_str(), read.request_id.as_deref()), ("A", Some("r")));
    assert_eq!(query::decode_error(503, b"<html>").code, "503");
}
