//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod schemas;
pub(crate) mod values;

use landfall_shape::{Structure, Value};

/// A structure value of named members.
pub(crate) fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let mut structure = Structure::new();
    for (name, value) in members {
        structure.push(name, value);
    }
    Value::Structure(structure)
}

/// A string value.
pub(crate) fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}
