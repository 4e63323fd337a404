//! Whom Landfall's tasks are compared with.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow};

use super::{bundle, stamp};
use crate::bench::engine::{Docker, PODMAN_LIMITS, Podman};
use crate::bench::outcome::Series;
use crate::bench::process::{self, Server, milliseconds};
use crate::bench::sandbox::Sandbox;

const IMAGE: &str = "bench";

/// The command that runs a program in a container, removes the container, and ends.
type Run = Box<dyn Fn(&str) -> Result<Command>>;

/// An engine or a runtime.
pub(super) struct Contender {
    pub(super) name: &'static str,
    run: Run,
    /// From the command to the program's first act, in milliseconds.
    pub(super) running: Series,
    /// From the command to its end, for `/bin/true`.
    pub(super) whole: Series,
}

impl Contender {
    fn new(name: &'static str, run: Run) -> Self {
        Self { name, run, running: Series::default(), whole: Series::default() }
    }

    /// One that only says why it is not there.
    fn missing(name: &'static str, error: &anyhow::Error) -> Self {
        let mut contender = Self::new(name, Box::new(|_| Err(anyhow!("not there"))));
        contender.running.fail(error);
        contender.whole.fail(error);
        contender
    }

    /// One repetition.
    pub(super) fn once(&mut self) {
        if self.running.goes_on() {
            self.running.take(self.until_running());
        }
        if self.whole.goes_on() {
            self.whole
                .take((self.run)("/bin/true").and_then(|command| milliseconds(|| process::output(command))));
        }
    }

    fn until_running(&self) -> Result<f64> {
        let command = (self.run)("/bin/stamp")?;
        let began = stamp::now();
        stamp::since(began, &process::output(command)?)
    }
}

/// Everybody, ready to run. The daemon runs as long as the returned server.
pub(super) fn all(directory: &Path, root: &[u8], sandbox: &Sandbox) -> (Option<Server>, Vec<Contender>) {
    let archive = directory.join("root.tar");
    let written = std::fs::write(&archive, root).map_err(anyhow::Error::from);
    let bare = bundle::unpack(directory, root);
    let mut contenders =
        vec![runtime("crun", directory, &bare, sandbox), runtime("runc", directory, &bare, sandbox)];
    let daemon = written.and_then(|()| docker(directory, &archive, sandbox));
    let daemon = match daemon {
        Ok((server, docker)) => {
            contenders.extend(docker_contenders(&docker));
            Some(server)
        }
        Err(error) => {
            contenders.extend(DOCKER.map(|(name, _)| Contender::missing(name, &error)));
            None
        }
    };
    contenders.extend(podman_contenders(directory, &archive, sandbox));
    (daemon, contenders)
}

fn runtime(
    name: &'static str,
    directory: &Path,
    root: &Result<std::path::PathBuf>,
    sandbox: &Sandbox,
) -> Contender {
    let title = if name == "crun" { "crun run" } else { "runc run" };
    let bundles = || -> Result<_> {
        let root = root.as_deref().map_err(|error| anyhow!("{error:#}"))?;
        let one = |program| bundle::write(directory, name, root, program);
        Ok((one("/bin/stamp")?, one("/bin/true")?))
    };
    let (stamp, nothing) = match bundles() {
        Ok(bundles) => bundles,
        Err(error) => return Contender::missing(title, &error),
    };
    let (state, sandbox) = (directory.join(format!("{name}-state")), sandbox.clone());
    Contender::new(
        title,
        Box::new(move |program| {
            let mut command = Command::new(name);
            let bundle = if program == "/bin/stamp" { &stamp } else { &nothing };
            command.arg("--root").arg(&state).arg("run").arg("--bundle").arg(bundle).arg("landfall-bench");
            sandbox.enter(&mut command);
            Ok(command)
        }),
    )
}

fn docker(directory: &Path, archive: &Path, sandbox: &Sandbox) -> Result<(Server, Docker)> {
    let (server, docker) = Docker::start(&directory.join("docker"), Some(sandbox))?;
    process::output(docker.command(&["import", &archive.display().to_string(), IMAGE]))?;
    Ok((server, docker))
}

const DOCKER: [(&str, &[&str]); 2] =
    [("docker run", &[]), ("docker run --network none", &["--network", "none"])];

fn docker_contenders(docker: &Docker) -> Vec<Contender> {
    let each = DOCKER.map(|(name, options)| {
        let docker = docker.clone();
        let run =
            move |program: &str| Ok(docker.command(&[&["run", "--rm"], options, &[IMAGE, program]].concat()));
        Contender::new(name, Box::new(run))
    });
    each.into()
}

const PODMAN: [(&str, &[&str]); 2] =
    [("podman run", &[]), ("podman run --network none", &["--network", "none"])];

fn podman_contenders(directory: &Path, archive: &Path, sandbox: &Sandbox) -> Vec<Contender> {
    let podman = podman(directory, archive, sandbox);
    let each = PODMAN.map(|(name, options)| match &podman {
        Ok(podman) => {
            let podman = podman.clone();
            let run = move |program: &str| {
                Ok(podman
                    .command(&[&["run", "--rm"], &PODMAN_LIMITS[..], options, &[IMAGE, program]].concat()))
            };
            Contender::new(name, Box::new(run))
        }
        Err(error) => Contender::missing(name, error),
    });
    each.into()
}

fn podman(directory: &Path, archive: &Path, sandbox: &Sandbox) -> Result<Podman> {
    let podman = Podman::new(&directory.join("podman"), Some(sandbox))?;
    process::output(podman.command(&["import", "--quiet", &archive.display().to_string(), IMAGE]))?;
    Ok(podman)
}
