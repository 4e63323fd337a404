//! awsJson bodies: what can be decoded can be validated, and survives encoding.
#![no_main]

#[allow(dead_code, reason = "this target needs one schema of many")]
#[path = "../../crates/wire/tests/common/schemas.rs"]
mod schemas;

use landfall_wire::{json, validate};
use libfuzzer_sys::fuzz_target;
use schemas::EVERYTHING;

fuzz_target!(|body: &[u8]| {
    json::decode_error(400, &http::HeaderMap::new(), body);
    let Ok(value) = json::decode(&EVERYTHING, body) else { return };
    let _ = validate::validate(&EVERYTHING, &value);
    let again = json::encode(&EVERYTHING, &value);
    assert!(json::decode(&EVERYTHING, &again).is_ok());
});
