//! Validation sentences.

mod common;

use common::schemas::{EVERYTHING, QUERY};
use common::values::{Carrier, any_value};
use common::{string, structure};
use landfall_base::Sensitive;
use landfall_shape::Value;
use landfall_wire::validate::{message, unsupported_patterns, validate};
use proptest::prelude::*;

/// The sentence for an input with one further member beside the required one.
fn sentence(name: &'static str, value: Value) -> String {
    let input = structure([("SecretId", string("s")), (name, value)]);
    validate(&EVERYTHING, &input).map_or_else(|violations| message(&violations), |()| "fine".to_owned())
}

fn one(sentence: &str) -> String {
    format!("1 validation error detected: {sentence}")
}

fn tag(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut structure = landfall_shape::Structure::new();
    members.into_iter().for_each(|(name, value)| structure.push(name, value));
    Value::Structure(structure)
}

#[test]
fn scalars() {
    let cases = [
        ("Name", string("abc1"), None),
        (
            "Name",
            string("a"),
            Some(
                "Value 'a' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2",
            ),
        ),
        (
            "Name",
            string("abcdefghi"),
            Some(
                "Value 'abcdefghi' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8",
            ),
        ),
        (
            "Name",
            string("ABC"),
            Some(
                r"Value 'ABC' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z\d]+",
            ),
        ),
        ("Mode", string("ON"), None),
        (
            "Mode",
            string("on"),
            Some(
                "Value 'on' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [ON, OFF]",
            ),
        ),
        ("Count", Value::Integer(10), None),
        (
            "Count",
            Value::Integer(11),
            Some(
                "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
            ),
        ),
        (
            "Count",
            Value::Integer(0),
            Some(
                "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
        ),
        (
            "Ratio",
            Value::Double(0.25),
            Some(
                "Value '0.25' at 'ratio' failed to satisfy constraint: Member must have value greater than or equal to 0.5",
            ),
        ),
        (
            "Bytes",
            Value::Blob(vec![0; 5]),
            Some(
                "Value at 'bytes' failed to satisfy constraint: Member must have length less than or equal to 4",
            ),
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(sentence(name, value), expected.map_or("fine".to_owned(), one));
    }
}

#[test]
fn lengths_count_characters() {
    assert_eq!(sentence("TagMap", Value::Map(vec![("k".to_owned(), tag([("Key", string("äöü"))]))])), "fine");
}

#[test]
fn required_members() {
    let violations = validate(&EVERYTHING, &structure([])).unwrap_err();
    assert_eq!(
        message(&violations),
        one("Value null at 'secretId' failed to satisfy constraint: Member must not be null")
    );
}

#[test]
fn several_violations_are_counted_and_joined() {
    let tags = Value::List(vec![tag([]), tag([("Key", string("long"))]), tag([("Key", string("k"))])]);
    let expected = "3 validation errors detected: \
        Value '[{}, {key=long}, {key=k}]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2; \
        Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null; \
        Value 'long' at 'tags.2.member.key' failed to satisfy constraint: Member must have length less than or equal to 3";
    assert_eq!(sentence("Tags", tags), expected);
}

#[test]
fn scalars_in_lists_and_maps_are_reported_at_the_container() {
    assert_eq!(
        sentence("Modes", Value::List(vec![string("ON"), string("x")])),
        one(
            "Value '[ON, x]' at 'modes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [ON, OFF]]"
        ),
    );
    let rules = r"[Member must have length less than or equal to 8, Member must have length greater than or equal to 2, Member must satisfy regular expression pattern: [a-z\d]+]";
    let labels = |key: &str, value: &str| Value::Map(vec![(key.to_owned(), string(value))]);
    assert_eq!(
        sentence("Labels", labels("K", "vv")),
        one(&format!(
            "Value '{{K=vv}}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: {rules}"
        )),
    );
    assert_eq!(
        sentence("Labels", labels("kk", "V")),
        one(&format!(
            "Value '{{kk=V}}' at 'labels' failed to satisfy constraint: Map value must satisfy constraint: {rules}"
        )),
    );
    assert_eq!(
        sentence("TagMap", Value::Map(vec![("a".to_owned(), tag([]))])),
        one("Value null at 'tagMap.a.member.key' failed to satisfy constraint: Member must not be null"),
    );
}

#[test]
fn sensitive_values_are_not_printed() {
    let text = sentence("Secret", Value::SensitiveString(Sensitive::from("hunter2")));
    assert_eq!(
        text,
        one(
            "Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 4"
        )
    );
    let text = sentence("SecretBytes", Value::SensitiveBlob(Sensitive::new(vec![7; 9])));
    assert!(text.contains("Value at 'secretBytes' failed"), "{text}");
}

#[test]
fn long_values_and_many_violations_are_cut_short() {
    let text = sentence("Name", string(&"ä".repeat(100_000)));
    assert!(text.len() < 20_000, "{}", text.len());
    let tags = Value::List((0..1000).map(|_| tag([])).collect());
    assert!(sentence("Tags", tags).starts_with("100 validation errors detected: "));
}

#[test]
fn every_pattern_of_the_test_service_is_checked() {
    assert_eq!(unsupported_patterns(&QUERY), Vec::<&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_value_makes_it_panic_and_secrets_stay_hidden(value in any_value(&EVERYTHING, Carrier::Json, 2)) {
        if let Err(violations) = validate(&EVERYTHING, &value) {
            for violation in violations {
                prop_assert!(!violation.path.ends_with("secret") || violation.value.is_none());
            }
        }
    }
}
