//! `cargo xtask models`: fetches the pinned botocore wheel and reduces the models of the selected services to facts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

use crate::files;
use crate::model::{Model, Pagination, Selection};

/// The package that carries the models, and what it must hash to.
const REQUIREMENT: &str =
    "botocore==1.43.11 --hash=sha256:0108b5604df5a26918936c845e1e761866ee9ea8d1c1f9358ed3c69afdc37436\n";

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let selection: Selection = files::read_json(&files::models().join("operations.json"))?;
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let data = fetch(scratch.path())?.join("botocore/data");
    for (service, operations) in &selection {
        let model = reduce(&data, service, operations).with_context(|| format!("service `{service}`"))?;
        files::write_json(&files::models().join(format!("{service}.json")), &model)?;
        println!("{service}: {} operations, {} shapes", model.operations.len(), model.shapes.len());
    }
    Ok(())
}

/// Downloads and unpacks the wheel; answers where.
fn fetch(scratch: &Path) -> Result<PathBuf> {
    let requirements = scratch.join("requirements.txt");
    files::write(&requirements, REQUIREMENT)?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest"]);
    succeed(download.arg(scratch).arg("--requirement").arg(&requirements))?;
    let unpacked = scratch.join("wheel");
    let mut unzip = Command::new("python3");
    succeed(unzip.args(["-m", "zipfile", "-e"]).arg(wheel(scratch)?).arg(&unpacked))?;
    Ok(unpacked)
}

fn wheel(directory: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths = entries.iter().map(fs::DirEntry::path);
    paths.find(|path| path.extension().is_some_and(|it| it == "whl")).context("pip downloaded no wheel")
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run `python3`: install Python 3 with pip")?;
    ensure!(status.success(), "`{command:?}` failed: see its output above");
    Ok(())
}

fn reduce(data: &Path, service: &str, operations: &[String]) -> Result<Model> {
    let directory = newest_version(&data.join(service))?;
    let mut model: Model = read_gzip_json(&directory.join("service-2.json.gz"))?;
    model.select(operations)?;
    model.prune()?;
    let mut pagination: Pagination = files::read_json(&directory.join("paginators-1.json"))?;
    for (name, operation) in &mut model.operations {
        operation.paginator = pagination.pagination.remove(name);
    }
    Ok(model)
}

/// The directory of the newest API version: they are named by date.
fn newest_version(service: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(service).context("botocore has no such service")?;
    let directories = entries.collect::<Result<Vec<_>, _>>()?;
    directories.iter().map(fs::DirEntry::path).max().context("no API version")
}

fn read_gzip_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_reader(GzDecoder::new(file))
        .with_context(|| format!("cannot decode `{}`", path.display()))
}
