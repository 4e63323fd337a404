//! Who pulls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::{REPOSITORY, reference};
use crate::bench::Bench;
use crate::bench::engine::{Docker, Podman};
use crate::bench::landfall::Landfall;
use crate::bench::machine::proc::{Counters, CpuTime};
use crate::bench::outcome::Series;
use crate::bench::process::{self, Server, milliseconds};
use crate::bench::registry::{PASSWORD, Registry, USERNAME};

/// What one pull took.
struct Pulled {
    milliseconds: f64,
    /// CPU time of processes that are neither this one's children nor the daemon's.
    cpu: CpuTime,
    /// From RunTask to STOPPED, where a task was run.
    task: Option<f64>,
}

/// Removes the image and pulls it again.
type Pull = Box<dyn Fn(&Registry) -> Result<Pulled>>;

/// Somebody who can pull.
pub(super) struct Contender {
    pub(super) name: &'static str,
    pull: Pull,
    /// In milliseconds.
    pub(super) wall: Series,
    /// CPU time of everybody who took part except the registry, in milliseconds.
    pub(super) user: Series,
    pub(super) system: Series,
    /// Share of all cores that was busy, in percent.
    pub(super) busy: Series,
    /// From RunTask to STOPPED.
    pub(super) task: Series,
}

impl Contender {
    fn new(name: &'static str, pull: Pull) -> Self {
        let new = Series::default;
        Self { name, pull, wall: new(), user: new(), system: new(), busy: new(), task: new() }
    }

    fn missing(name: &'static str, error: &anyhow::Error) -> Self {
        let mut contender = Self::new(name, Box::new(|_| Err(anyhow!("not there"))));
        contender.wall.fail(error);
        contender
    }

    /// One repetition.
    pub(super) fn once(&mut self, registry: &Registry, daemon: Option<u32>) {
        if !self.wall.goes_on() {
            return;
        }
        // What the last one left to be written must not be this one's burden.
        rustix::fs::sync();
        let daemon_time = || daemon.map_or_else(CpuTime::default, CpuTime::of_tree);
        let before = (CpuTime::own(), daemon_time(), Counters::now());
        match (self.pull)(registry) {
            Ok(pulled) => {
                let (own, others) = (CpuTime::own().since(before.0), daemon_time().since(before.1));
                self.wall.samples.add(pulled.milliseconds);
                self.user.samples.add(1000.0 * (own.user + others.user + pulled.cpu.user));
                self.system.samples.add(1000.0 * (own.system + others.system + pulled.cpu.system));
                self.busy.samples.add(Counters::now().since(before.2).busy_percent());
                pulled.task.into_iter().for_each(|task| self.task.samples.add(task));
            }
            Err(error) => self.wall.fail(&error),
        }
    }
}

/// Everybody, ready to pull. The daemon runs as long as the returned server.
pub(super) fn all(
    bench: &Bench,
    directory: &Path,
    registry: &Registry,
    layout: &Path,
) -> (Option<Server>, Vec<Contender>) {
    let mut contenders = vec![landfall(bench, directory)];
    let daemon = Docker::start(&directory.join("docker"), None).and_then(|(server, docker)| {
        docker.log_in(&registry.credentials())?;
        Ok((server, docker))
    });
    let daemon = match daemon {
        Ok((server, client)) => {
            contenders.push(docker(client));
            Some(server)
        }
        Err(error) => {
            contenders.push(Contender::missing("docker pull", &error));
            None
        }
    };
    contenders.push(podman(directory).unwrap_or_else(|error| Contender::missing("podman pull", &error)));
    contenders.push(skopeo(directory));
    contenders.push(least(layout));
    (daemon, contenders)
}

/// Each pull by a server of its own, which can have nothing yet.
fn landfall(bench: &Bench, directory: &Path) -> Contender {
    let (program, directory) = (bench.landfall.clone(), directory.to_owned());
    Contender::new(
        "Landfall",
        Box::new(move |registry| {
            let place = tempfile::Builder::new().prefix("landfall-").tempdir_in(&directory)?;
            let mut landfall = Landfall::start(&program, place.path())?;
            let (role, secret) = landfall.prepare_tasks(USERNAME, PASSWORD)?;
            landfall.define("large", &registry.reference(REPOSITORY), &["/bin/true"], &role, &secret)?;
            pull_by_task(&mut landfall)
        }),
    )
}

fn pull_by_task(landfall: &mut Landfall) -> Result<Pulled> {
    let pid = landfall.server.pid();
    let before = CpuTime::of_tree(pid);
    let began = std::time::Instant::now();
    let arn = landfall.run_task("large")?;
    let task = landfall.wait_for(&arn, &["STOPPED"])?;
    let whole = began.elapsed().as_secs_f64() * 1000.0;
    let moment = |name: &str| {
        let found = task.get(name).and_then(Value::as_f64);
        found.with_context(|| format!("the task has no `{name}`"))
    };
    let pull = (moment("pullStoppedAt")? - moment("pullStartedAt")?) * 1000.0;
    Ok(Pulled { milliseconds: pull, cpu: CpuTime::of_tree(pid).since(before), task: Some(whole) })
}

fn docker(docker: Docker) -> Contender {
    Contender::new(
        "docker pull",
        Box::new(move |registry| {
            let image = registry.reference(REPOSITORY);
            let present = process::output(docker.command(&["images", "--quiet", &image]))?;
            if !present.trim().is_empty() {
                process::output(docker.command(&["rmi", "--force", &image]))?;
                rustix::fs::sync();
            }
            timed(docker.command(&["pull", "--quiet", &image]))
        }),
    )
}

fn podman(directory: &Path) -> Result<Contender> {
    let podman = Podman::new(&directory.join("podman"), None)?;
    let pull = move |registry: &Registry| {
        process::output(podman.command(&["rmi", "--all", "--force"]))?;
        rustix::fs::sync();
        let mut command = podman.command(&["pull", "--quiet", "--tls-verify=false", "--authfile"]);
        command.arg(registry.credentials()).arg(registry.reference(REPOSITORY));
        timed(command)
    };
    Ok(Contender::new("podman pull", Box::new(pull)))
}

fn skopeo(directory: &Path) -> Contender {
    let place: PathBuf = directory.join("skopeo");
    Contender::new(
        "skopeo copy to a directory (does not unpack)",
        Box::new(move |registry| {
            let _ = fs::remove_dir_all(&place);
            let mut command = Command::new("skopeo");
            command.args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--authfile"]);
            command.arg(registry.credentials()).arg(format!("docker://{}", registry.reference(REPOSITORY)));
            command.arg(format!("dir:{}", place.display()));
            timed(command)
        }),
    )
}

/// Not a rival but a floor.
fn least(layout: &Path) -> Contender {
    let layout = layout.to_owned();
    Contender::new(
        "floor: digest and gunzip of local files on all cores, nothing written",
        Box::new(move |_| {
            let milliseconds = milliseconds(|| reference::run(&layout))?;
            Ok(Pulled { milliseconds, cpu: CpuTime::default(), task: None })
        }),
    )
}

fn timed(command: Command) -> Result<Pulled> {
    let milliseconds = milliseconds(|| process::output(command))?;
    Ok(Pulled { milliseconds, cpu: CpuTime::default(), task: None })
}
