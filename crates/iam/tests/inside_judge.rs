//! The engine against the naive judge, on random cases.
//! `cargo run --release --example differential` runs as many as one likes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agree;
mod generator;
mod naive;

use generator::Scope;

#[test]
fn indexed_equals_naive() {
    std::thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                (0..5_000).for_each(|at| agree::check(4 * at + part, Scope::Everything).unwrap());
            });
        }
    });
}

#[test]
fn indexed_equals_naive_in_what_the_outside_judge_knows() {
    for seed in 0..2_000 {
        agree::check(seed, Scope::OutsideJudge).unwrap();
    }
}

/// With the statements of many other cases in front of them, the case's own are still found.
#[test]
fn long_policies_too() {
    for seed in 0..150 {
        let mut case = generator::case(seed, Scope::Everything);
        let others = (1..40).map(|at| generator::case(1_000_000 + 40 * seed + at, Scope::Everything));
        let statements = others.flat_map(|other| match &other["policies"]["identity"][0]["Statement"] {
            serde_json::Value::Array(statements) => statements.clone(),
            one => vec![one.clone()],
        });
        let allows = statements.filter(|statement| seed % 2 == 0 || statement["Effect"] == "Allow");
        let own = case["policies"]["identity"][0]["Statement"].as_array_mut().unwrap();
        own.splice(0..0, allows.collect::<Vec<_>>());
        agree::check_case(&case).unwrap();
    }
}

/// A generator that only made refusals, or only silent layers, would prove little.
#[test]
fn the_generator_reaches_every_layer_and_decision() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..4_000 {
        let verdict = naive::decide(&generator::case(seed, Scope::Everything), naive::Switches::default());
        seen.insert((verdict.decision, verdict.layer));
    }
    let layers = ["rcp", "scp", "vpce", "resource", "identity", "boundary", "session"];
    for layer in layers {
        assert!(seen.contains(&("ExplicitDeny", layer)), "no denial by {layer}");
        assert!(layer == "rcp" || seen.contains(&("ImplicitDeny", layer)), "no silence of {layer}");
    }
    for layer in ["identity", "resource", "grants", "inherent"] {
        assert!(seen.contains(&("Allow", layer)), "no Allow by {layer}");
    }
}
