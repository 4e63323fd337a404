//! Whether both judges say the same about one case.

use landfall_iam::simulate::{Case, layer_key};
use landfall_iam::{Bundle, Layers, evaluate};

use crate::generator::{self, Scope};
use crate::naive::{self, Switches, Verdict};

/// The error shows the case and what was said about it.
pub(crate) fn check(seed: u64, scope: Scope) -> Result<(), String> {
    check_case(&generator::case(seed, scope))
}

/// The same for a case at hand.
pub(crate) fn check_case(case: &serde_json::Value) -> Result<(), String> {
    let naive = naive::decide(case, Switches::default());
    let read = Case::parse(&case.to_string())?;
    for found in read.checks().iter().flat_map(engine) {
        if (found.decision, found.layer) != (naive.decision, naive.layer) {
            return Err(format!("engine {found:?}, naive judge {naive:?}: {case:#}"));
        }
    }
    Ok(())
}

/// With the index of each policy, and with one over all policies of the caller.
fn engine(check: &landfall_iam::simulate::Check) -> [Verdict; 2] {
    check.with(|request, layers| {
        let bundle = Bundle::new(layers.identity);
        [*layers, Layers { bundle: Some(&bundle), ..*layers }].map(|layers| {
            let decision = evaluate(request, &layers);
            let effect = match decision.effect {
                landfall_iam::Effect::Allow => "Allow",
                landfall_iam::Effect::ImplicitDeny => "ImplicitDeny",
                landfall_iam::Effect::ExplicitDeny => "ExplicitDeny",
            };
            Verdict { decision: effect, layer: layer_key(decision.layer) }
        })
    })
}
