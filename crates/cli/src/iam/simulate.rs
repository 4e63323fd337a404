//! `landfall iam simulate`: one case a line in, one decision a line out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use landfall_iam::simulate::run_case;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::terminal;

/// Decides cases from a file of JSON lines: `{"id", "request": {"principal", "action", "resource", …}, "policies": {…}}`.
/// Prints one JSON line for each: `id`, `decision`, `layer`, `message`. For a line that is no case it has `id`, `line` and
/// `error`; the others are decided all the same, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// File with one case a line, `-` for standard input
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
    /// Add what each statement did, and the smallest change that would allow a refused case
    #[arg(long)]
    trace: bool,
}

pub(crate) fn run(args: &SimulateArgs) -> Result<ExitCode, CliError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for (number, line) in open(&args.cases)?.lines().enumerate() {
        let line = line.map_err(|error| unreadable(&args.cases, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = run_case(&line, args.trace).unwrap_or_else(|why| {
            code = ExitCode::FAILURE;
            terminal::note(&format!("line {} of `{}`: {why}", number + 1, args.cases.display()));
            no_case(&line, number + 1, &why)
        });
        writeln!(out, "{answer}").map_err(CliError::from)?;
    }
    out.flush().map_err(CliError::from)?;
    Ok(code)
}

/// What is printed for a line that is no case.
fn no_case(line: &str, number: usize, why: &str) -> String {
    let written: Value = serde_json::from_str(line).unwrap_or_default();
    json!({"id": written.get("id"), "line": number, "error": why}).to_string()
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

fn unreadable(path: &Path, error: &io::Error) -> CliError {
    CliError::new(format!("cannot read `{}`: {error}", path.display()))
}
