//! Whether both judges say the same about one case.

use landfall_iam::evaluate;
use landfall_iam::simulate::{Case, layer_key};

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
    for found in read.checks().iter().map(engine) {
        if (found.decision, found.layer) != (naive.decision, naive.layer) {
            return Err(format!("engine {found:?}, naive judge {naive:?}: {case:#}"));
        }
    }
    Ok(())
}

fn engine(check: &landfall_iam::simulate::Check) -> Verdict {
    check.with(|request, layers| {
        let decision = evaluate(request, layers);
        let effect = match decision.effect {
            landfall_iam::Effect::Allow => "Allow",
            landfall_iam::Effect::ImplicitDeny => "ImplicitDeny",
            landfall_iam::Effect::ExplicitDeny => "ExplicitDeny",
        };
        Verdict { decision: effect, layer: layer_key(decision.layer) }
    })
}
