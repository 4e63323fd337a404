//! `cargo xtask bench`: Landfall beside its alternatives, on loopback, in one run, with interleaved repetitions; writes
//! `docs/benchmarks.md`.

mod api;
pub(crate) mod aws;
mod document;
mod engine;
pub(crate) mod http;
mod iam;
mod image;
pub(crate) mod landfall;
mod listing;
mod logs;
mod machine;
mod outcome;
pub(crate) mod process;
mod pull;
mod ready;
mod registry;
mod residue;
mod sandbox;
mod setup;
mod start;
mod stats;
mod traffic;
mod zot;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

pub(crate) use api::bare::{BareServerArguments, serve as serve_bare};
use document::Section;

/// What `cargo xtask bench` may be told.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Measure only this part, and put it in the place of the same part of the document.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Fewer and shorter repetitions, to see that everything runs; the document is not written then.
    #[arg(long)]
    quick: bool,
    /// Measure this program and build nothing.
    #[arg(long, value_name = "FILE")]
    landfall: Option<PathBuf>,
}

/// The parts of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// API calls over HTTP.
    Api,
    /// From RunTask to a running process, and to nothing left.
    Start,
    /// Decisions of the policy engine beside two others.
    Iam,
    /// Log events by the million.
    Logs,
    /// Many secrets, page by page.
    Listing,
    /// Pulling and unpacking an image.
    Pull,
    /// Pushing to registries and pulling from them.
    Registry,
    /// From the server's start to its first answer; memory when idle.
    Ready,
}

/// What every part needs to know.
struct Bench {
    /// The program under test.
    landfall: PathBuf,
    /// The programs of the Python environment with the emulators, or why there is none.
    emulators: Result<PathBuf, String>,
    /// A directory on the repository's disk for everything that is made; removed at the end.
    scratch: tempfile::TempDir,
    /// Where costly preparations are kept between runs.
    cache: PathBuf,
    quick: bool,
}

impl Bench {
    /// How often something is measured: `full` times, or `quick` times where the caller is in a hurry.
    fn repetitions(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// A directory of its own for one purpose.
    fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(path)
    }
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let landfall = setup::program(arguments)?;
    let bench = setup::prepare(landfall, arguments.quick)?;
    let machine = machine::describe(&bench);
    let sections = measure(&bench, arguments.only);
    let text = document::render(&machine, &sections);
    if arguments.quick {
        println!("{text}");
        eprintln!(
            "`docs/benchmarks.md` was left as it is: a quick run is for looking whether everything runs"
        );
        return Ok(());
    }
    let path = crate::files::root().join("docs/benchmarks.md");
    let text = match (arguments.only, sections.as_slice()) {
        (Some(_), [section]) => {
            let before =
                std::fs::read_to_string(&path).context("there is no document to put the part into")?;
            document::with_section(&before, &machine, section)
        }
        _ => text,
    };
    crate::files::write(&path, &text)?;
    eprintln!("wrote `{}`", path.display());
    Ok(())
}

type Measure = fn(&Bench) -> Result<Section>;

/// A part that fails as a whole is reported in its place, and the others still run.
fn measure(bench: &Bench, only: Option<Part>) -> Vec<Section> {
    let parts: [(Part, &'static str, Measure); 8] = [
        (Part::Iam, "Decisions of IAM", iam::measure),
        (Part::Api, "API calls", api::measure),
        (Part::Listing, "Many secrets, page by page", listing::measure),
        (Part::Logs, "Log events by the million", logs::measure),
        (Part::Start, "Task start", start::measure),
        (Part::Pull, "Pull and unpack", pull::measure),
        (Part::Registry, "Registry: push and pull", traffic::measure),
        (Part::Ready, "Start to ready, and idle memory", ready::measure),
    ];
    let mut sections = Vec::new();
    for (part, title, measure) in parts {
        if only.is_some_and(|only| only != part) {
            continue;
        }
        eprintln!("\n== {title}");
        sections.push(measure(bench).unwrap_or_else(|error| Section::did_not_run(title, &error)));
    }
    sections
}
