//! Random cases against both judges.
//!
//! `differential inside FIRST COUNT` compares the engine with the naive judge on the cases of `COUNT` seeds.
//! `differential emit FIRST COUNT` writes cases for the outside judge, one line of JSON each, with the decision that is
//! expected of it; `tests/differential` has the other end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test tool: it fails by panicking")]

#[path = "../tests/agree/mod.rs"]
mod agree;
#[path = "../tests/generator/mod.rs"]
mod generator;
#[path = "../tests/naive/mod.rs"]
mod naive;

use std::io::Write;
use std::process::ExitCode;

use generator::Scope;
use naive::Switches;
use serde_json::json;

/// How `@cloud-copilot/iam-simulate` 0.1 differs, and only so.
const OUTSIDE_JUDGE: Switches = Switches {
    session_limits_direct_grants: true,
    null_variable_fails_negated: true,
    not_ip_fails_for_other_family: true,
    null_variable_drops_not_resource: true,
    empty_value_leaves_the_variable: true,
};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("inside"), [first, count]) => inside(*first, *count),
        (Some("emit"), [first, count]) => emit(*first, *count),
        _ => {
            eprintln!("usage: differential inside|emit FIRST-SEED COUNT");
            ExitCode::FAILURE
        }
    }
}

fn inside(first: u64, count: u64) -> ExitCode {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let compare = |part: u64| {
        let seeds = (first..first + count).filter(|seed| seed % threads == part);
        seeds
            .filter_map(|seed| agree::check(seed, Scope::Everything).err())
            .inspect(|it| eprintln!("{it}"))
            .count()
    };
    let differences: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|part| scope.spawn(move || compare(part))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    println!("{count} cases, {differences} differences");
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn emit(first: u64, count: u64) -> ExitCode {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for seed in first..first + count {
        agree::check(seed, Scope::OutsideJudge).unwrap();
        let mut case = generator::case(seed, Scope::OutsideJudge);
        let [plain, switched] = [Switches::default(), OUTSIDE_JUDGE].map(|it| naive::decide(&case, it));
        case["expected"] = json!({
            "decision": switched.decision, "layer": switched.layer, "withoutSwitches": plain.decision,
        });
        if writeln!(out, "{case}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    if out.flush().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
