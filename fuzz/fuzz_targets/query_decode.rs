//! awsQuery forms and XML answers.
#![no_main]

#[allow(dead_code, reason = "this target needs one operation of many schemas")]
#[path = "../../crates/wire/tests/common/schemas.rs"]
mod schemas;

use landfall_wire::query::{self, Form};
use libfuzzer_sys::fuzz_target;
use schemas::{DO_IT, QUERY};

fuzz_target!(|body: &[u8]| {
    query::decode_error(400, body);
    let _ = query::decode_output(&DO_IT, body);
    let Ok(form) = Form::parse(body) else { return };
    let Ok(value) = query::decode_input(&DO_IT, &form) else { return };
    let again = Form::parse(&query::encode_input(&QUERY, &DO_IT, &value));
    assert!(again.is_ok_and(|form| query::decode_input(&DO_IT, &form).is_ok()));
});
