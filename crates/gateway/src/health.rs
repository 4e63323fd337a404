//! Health answers, at the paths that set-ups for other emulators probe as well.

use http::Method;
use landfall_shape::ServiceSchema;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, plain};

/// The answer, if the request asks for health.
pub(crate) fn answer(method: &Method, path: &str, services: &[&ServiceSchema]) -> Option<Answer> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let body = match path {
        "/_landfall/health" => json!({ "status": "ready", "version": env!("CARGO_PKG_VERSION") }),
        "/_localstack/health" | "/health" => json!({
            "services": running(services),
            "edition": "landfall",
            "version": env!("CARGO_PKG_VERSION"),
        }),
        _ => return None,
    };
    Some(plain(200, "application/json", body.to_string()))
}

fn running(services: &[&ServiceSchema]) -> Map<String, Value> {
    services.iter().map(|service| (service.name.to_owned(), Value::from("running"))).collect()
}
