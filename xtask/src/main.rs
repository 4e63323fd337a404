//! `cargo xtask`: automation that the workspace needs, one file per command.

mod bench;
mod codegen;
mod files;
mod model;
mod models;
mod overlay;
mod soak;
mod test;

use clap::Parser;

/// Automation of the Landfall workspace.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
enum Command {
    /// Fetch the pinned service models and reduce them to facts in `models/`.
    Models,
    /// Write `crates/api` from `models/` and `models/overlay/`.
    Codegen,
    /// Check style and lints, run the Rust tests, then the end-to-end tests; installs what they need.
    Test(test::Arguments),
    /// Measure beside the alternatives, in one run on this machine, and write `docs/benchmarks.md`.
    Bench(bench::Arguments),
    /// Push, pull, mount, delete and collect at random on a registry that is killed again and again, and look for what is lost.
    Soak(soak::Arguments),
    /// The bare HTTP server that `bench` compares with.
    #[command(hide = true)]
    BenchBareServer(bench::BareServerArguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Models => models::run(),
        Command::Codegen => codegen::run(),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::BenchBareServer(arguments) => bench::serve_bare(&arguments),
    }
}
