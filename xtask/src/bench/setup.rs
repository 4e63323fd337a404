//! What has to be there before anything is measured: release builds, Debian packages, Python packages.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::outcome::one_line;
use super::{Arguments, Bench, process};
use crate::files::root;

/// Emulators of PyPI that Landfall is compared with.
pub(super) const EMULATORS: [&str; 2] = ["moto[server]==5.2.5", "ministack==1.5.33"];

/// Programs, and the Debian packages that hold them.
const PROGRAMS: [(&str, &str); 8] = [
    ("dockerd", "docker.io"),
    ("docker", "docker.io"),
    ("podman", "podman"),
    ("crun", "crun"),
    ("runc", "runc"),
    ("skopeo", "skopeo"),
    ("docker-registry", "docker-registry"),
    ("busybox", "busybox-static"),
];

/// The program to measure. Builds it; and where this program was built without optimisation, an optimised one takes its place,
/// because a slow load generator would take the processor from whom it measures.
pub(super) fn program(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(program) = &arguments.landfall {
        return fs::canonicalize(program).with_context(|| format!("cannot find `{}`", program.display()));
    }
    let release = target_directory()?.join("release");
    step(cargo(&["build", "--release", "--package", "landfall", "--package", "xtask"]))?;
    let landfall = release.join("landfall");
    if cfg!(debug_assertions) {
        let mut again = Command::new(release.join("xtask"));
        again.args(std::env::args_os().skip(1)).arg("--landfall").arg(&landfall);
        return Err(again.exec()).context("cannot run the optimised `xtask`");
    }
    Ok(landfall)
}

/// Makes everything ready. What cannot be made ready is reported in its row later.
pub(super) fn prepare(landfall: PathBuf, quick: bool) -> Result<Bench> {
    let cache = target_directory()?.join("bench");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make `{}`", cache.display()))?;
    if let Err(error) = packages() {
        eprintln!("some alternatives will be missing: {error:#}");
    }
    let emulators = environment(&cache.join("venv")).map_err(|error| one_line(&error));
    let scratch = tempfile::Builder::new().prefix("run-").tempdir_in(&cache)?;
    Ok(Bench { landfall, emulators, scratch, cache, quick })
}

fn packages() -> Result<()> {
    let mut missing: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| !on_path(program)).map(|(_, package)| *package).collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    if !on_path("apt-get") || !rustix::process::geteuid().is_root() {
        bail!("install these Debian packages, or run as root on a machine with apt: {}", missing.join(" "));
    }
    eprintln!("installing {} from Debian", missing.join(" "));
    // A fresh machine has no package lists; one with old lists may not find the files any more.
    install(&missing).or_else(|_| {
        let mut update = Command::new("apt-get");
        update.args(["update", "--quiet"]);
        step(update)?;
        install(&missing)
    })
}

fn install(packages: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    step({
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    })
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// A Python environment with the emulators. Returns where its programs are.
fn environment(directory: &Path) -> Result<PathBuf> {
    let stamp = directory.join("installed");
    let wanted = EMULATORS.join("\n");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(directory);
        step(create)?;
        let mut install = Command::new(directory.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check"]).args(EMULATORS);
        step(install)?;
        // Last, so that a half-made environment is made again.
        fs::write(&stamp, wanted)?;
    }
    Ok(directory.join("bin"))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

fn target_directory() -> Result<PathBuf> {
    let text = process::output(cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(PathBuf::from(target.context("`cargo metadata` does not say `target_directory`")?))
}

/// Runs a program whose output the user should see.
fn step(mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}
