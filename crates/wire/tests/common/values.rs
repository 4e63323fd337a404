//! Arbitrary values of a schema.

use landfall_base::{Sensitive, Timestamp};
use landfall_shape::{Kind, Member, Schema, Structure, Value};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a protocol can carry.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Carrier {
    /// All text, milliseconds.
    Json,
    /// Text of XML, whole seconds; nothing tells an empty structure or an empty flattened list from an absent one.
    Xml,
}

/// Values that fit the schema's kinds; constraints are not kept.
pub(crate) fn any_value(schema: &'static Schema, carrier: Carrier, depth: u32) -> BoxedStrategy<Value> {
    let sensitive = schema.sensitive;
    match &schema.kind {
        Kind::Structure { members } => any_structure(members, carrier, depth),
        Kind::List { member, flattened, .. } => {
            let fewest = usize::from(*flattened && carrier == Carrier::Xml);
            vec(any_value(member, carrier, depth), fewest..4).prop_map(Value::List).boxed()
        }
        Kind::Map { value, .. } => vec((any_text(carrier), any_value(value, carrier, depth)), 0..4)
            .prop_map(|mut entries| {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                entries.dedup_by(|a, b| a.0 == b.0);
                Value::Map(entries)
            })
            .boxed(),
        Kind::String { .. } if sensitive => {
            any_text(carrier).prop_map(|text| Value::SensitiveString(Sensitive::new(text))).boxed()
        }
        Kind::String { .. } => any_text(carrier).prop_map(Value::String).boxed(),
        Kind::Blob { .. } if sensitive => {
            vec(any::<u8>(), 0..9).prop_map(|bytes| Value::SensitiveBlob(Sensitive::new(bytes))).boxed()
        }
        Kind::Blob { .. } => vec(any::<u8>(), 0..9).prop_map(Value::Blob).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Integer { .. } => any::<i32>().prop_map(|number| Value::Integer(number.into())).boxed(),
        Kind::Long { .. } => any::<i64>().prop_map(Value::Integer).boxed(),
        Kind::Double { .. } => any_double().prop_map(Value::Double).boxed(),
        Kind::Timestamp { format } => {
            use landfall_shape::TimestampFormat::{Iso8601, Rfc822, UnixTimestamp};
            let whole = match format {
                None => carrier == Carrier::Xml,
                Some(UnixTimestamp) => false,
                Some(Iso8601 | Rfc822) => true,
            };
            any_moment(whole).prop_map(Value::Timestamp).boxed()
        }
    }
}

fn any_structure(members: &'static [Member], carrier: Carrier, depth: u32) -> BoxedStrategy<Value> {
    let mut strategy = Just(Structure::new()).boxed();
    for member in members {
        if matches!(member.schema.kind, Kind::Structure { .. }) && depth == 0 {
            continue;
        }
        let value = any_value(member.schema, carrier, depth.saturating_sub(1));
        // A required member is always there, so that no structure is empty.
        let value =
            if member.required { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() };
        let name = member.name;
        strategy = (strategy, value)
            .prop_map(move |(mut structure, value)| {
                structure.push_some(name, value);
                structure
            })
            .boxed();
    }
    strategy.prop_map(Value::Structure).boxed()
}

fn any_text(carrier: Carrier) -> BoxedStrategy<String> {
    let odd = prop_oneof![
        any::<char>(),
        proptest::char::range('\0', '\u{7f}'),
        Just('\r'),
        Just('\n'),
        Just(' '),
        Just('&'),
        Just(']')
    ];
    let carried = move |character: char| {
        let xml = matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
        if carrier == Carrier::Json || xml { character } else { '?' }
    };
    vec(odd, 0..8).prop_map(move |text| text.into_iter().map(carried).collect()).boxed()
}

fn any_double() -> BoxedStrategy<f64> {
    use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, ZERO};
    (NORMAL | ZERO | POSITIVE | NEGATIVE | INFINITE).boxed()
}

fn any_moment(whole_seconds: bool) -> BoxedStrategy<Timestamp> {
    // The years 1900 to 2200.
    (-2_208_988_800_000_i64..7_258_118_400_000)
        .prop_map(move |millis| {
            Timestamp::from_millis(if whole_seconds { millis.div_euclid(1000) * 1000 } else { millis })
        })
        .boxed()
}
