//! Questions written down as JSON: a request and all policies that have a say in it, for `landfall iam simulate` and
//! for tests.
//!
//! ```json
//! {"id": "one", "request": {"principal": {"type": "User", "arn": "arn:aws:iam::111122223333:user/alice",
//!  "account": "111122223333", "uniqueId": "AIDAALICE"}, "action": "ecr:GetAuthorizationToken", "resource": "*",
//!  "resourceAccount": "111122223333", "context": {}}, "policies": {"identity": [{"Version": "2012-10-17", …}]}}
//! ```
//!
//! Without `resourceAccount` a resource belongs to the account in its ARN, or to the principal's if there is none in it.
//! A field of `request` that is none of these is an error.
//!
//! `policies` has `identity`, `boundary`, `session`, `resource`, `vpce` (one document or a list), `scp` and `rcp` (a
//! list of levels) and `grants` on a KMS key. `request.checks` lists what an operation asks beside each other: objects
//! that replace parts of `request` and of `policies`, all of which have to be allowed.

mod case;
mod read;

pub use case::{Case, Check};

use serde::Serialize;

use crate::evaluate::Effect;
use crate::explain::explain;
use crate::fix::{Fix, suggest_fix_for_all};
use crate::layers::Layer;
use crate::trace::{Trace, trace};

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    decision: Effect,
    layer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<Trace>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hints: Option<Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Vec<Fix>>,
}

/// Decides one case and answers one line of JSON: `id`, `decision` (`Allow`, `ImplicitDeny`, `ExplicitDeny`), `layer`
/// (named as in `policies`) and, for a refusal, `message`; the first refused check counts. With `with_trace` also
/// `trace`, one for each check, `hints`, what nearly matched and why it did not, for each check, and `fix`, a list of one
/// for a refusal: what allows all checks. Documents are called by their place: `identity[0]`, `scp[1][0]`.
///
/// # Errors
/// The text is no case: which part, and what was expected there.
pub fn run_case(json: &str, with_trace: bool) -> Result<String, String> {
    let case = Case::parse(json)?;
    let (decision, layer, message) = case.decide();
    let (mut traces, mut hints, mut fix) = (Vec::new(), Vec::new(), None);
    if with_trace {
        for check in case.checks() {
            check.with(|request, layers| {
                let trace = trace(request, layers);
                hints.push(explain(&trace));
                traces.push(trace);
            });
        }
        fix = suggest_fix_for_all(case.checks());
    }
    let answer = Answer {
        id: case.id(),
        decision,
        layer: layer_key(layer),
        message,
        trace: with_trace.then_some(traces),
        hints: with_trace.then_some(hints),
        fix: with_trace.then(|| Vec::from_iter(fix)),
    };
    serde_json::to_string(&answer).map_err(|error| format!("the answer could not be written: {error}"))
}

/// The name of a layer in `policies`. A trust policy stands under `resource`.
pub fn layer_key(layer: Layer) -> &'static str {
    match layer {
        Layer::ResourceControl => "rcp",
        Layer::ServiceControl => "scp",
        Layer::Endpoint => "vpce",
        Layer::Resource | Layer::RoleTrust => "resource",
        Layer::Grant => "grants",
        Layer::Identity => "identity",
        Layer::Boundary => "boundary",
        Layer::Session => "session",
        Layer::Inherent => "inherent",
    }
}
