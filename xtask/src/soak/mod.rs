//! `cargo xtask soak`: does the registry keep what it acknowledged, and nothing else?
//!
//! Workers push, pull, mount and delete at random, and remove repositories under their own pushes, while unused layers are
//! collected every few seconds and the server is killed (`kill -9`) again and again. After each start every worker looks for everything that was acknowledged to it.
//! In the end the images of the API are those of the workers, and the files on the disk are what those images name.

mod model;
mod random;
mod server;
mod wire;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use random::Random;
use server::Victim;
use worker::Worker;

/// How many repositories the workers share.
const REPOSITORIES: usize = 5;

/// How long collections may take until nothing unused is left.
const COLLECTED: Duration = Duration::from_secs(60);

/// What `cargo xtask soak` may be told.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How long, in minutes; fractions are fine.
    #[arg(long, default_value_t = 120.0)]
    minutes: f64,
    /// Repeats the choices of another run, as far as timing lets it.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at the same time.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Rest between two operations of a client, in milliseconds.
    #[arg(long, default_value_t = 40)]
    pause: u64,
    /// Longest time between two kills, in seconds.
    #[arg(long, default_value_t = 45)]
    kill_within: usize,
    /// Use this program and build nothing.
    #[arg(long, value_name = "FILE")]
    landfall: Option<PathBuf>,
}

/// What the workers share.
struct Shared {
    address: SocketAddr,
    /// Names of the repositories, and their paths in the registry: first those that the workers share, then one for each worker
    /// that is removed and made again.
    names: Vec<String>,
    repositories: Vec<String>,
    stop: AtomicBool,
    /// How often the server was started again.
    epoch: AtomicU64,
    pause: Duration,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Shared {
    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    fn told(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
    }
}

/// Runs, and fails with the first thing that must not be.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = match &arguments.landfall {
        Some(program) => program.clone(),
        None => crate::test::build()?,
    };
    let seed = arguments.seed.unwrap_or_else(|| u64::from_le_bytes(landfall_base::random::bytes()));
    let directory = tempfile::Builder::new().prefix("landfall-soak-").tempdir()?;
    eprintln!("seed {seed}, {} minutes, in `{}`", arguments.minutes, directory.path().display());
    let told = soak(arguments, seed, &program, directory.path());
    if told.is_err() {
        // What is there tells more than the error.
        eprintln!("left for a look: `{}`", directory.keep().display());
    }
    println!("{}", told?);
    Ok(())
}

fn soak(arguments: &Arguments, seed: u64, program: &Path, directory: &Path) -> Result<String> {
    let began = Instant::now();
    let mut victim = Victim::start(program, directory)?;
    let mut admin = victim.admin()?;
    let common = (0..REPOSITORIES).map(|number| format!("soak/r{number}"));
    let own = (0..arguments.workers).map(|number| format!("soak/again{number}"));
    let names: Vec<_> = common.chain(own).collect();
    let repositories =
        names.iter().map(|name| server::repository(&mut admin, name)).collect::<Result<Vec<_>>>()?;
    server::allow_mounts(&mut admin)?;
    let token = server::token(&mut admin)?;
    let shared = Shared {
        address: victim.address,
        names,
        repositories,
        stop: AtomicBool::new(false),
        epoch: AtomicU64::new(0),
        pause: Duration::from_millis(arguments.pause),
        counts: Mutex::default(),
    };
    let mut workers = Vec::new();
    for number in 0..arguments.workers {
        workers.push(Worker::new(number, seed, &shared, victim.admin()?, &token)?);
    }
    let until = began + Duration::from_secs_f64(arguments.minutes * 60.0);
    let worked = std::thread::scope(|scope| {
        let work = |worker: &mut Worker<'_>| {
            let done = worker.work();
            shared.stop.fetch_or(done.is_err(), Ordering::SeqCst);
            done
        };
        let running: Vec<_> = workers.iter_mut().map(|worker| scope.spawn(move || work(worker))).collect();
        let killed = kill_until(until, Random::new(seed), arguments.kill_within, &mut victim, &shared);
        shared.stop.store(true, Ordering::SeqCst);
        let ended: Vec<_> = running.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        killed?;
        for result in ended {
            result.map_err(|_| anyhow::anyhow!("a worker broke off"))??;
        }
        anyhow::Ok(())
    });
    worked.with_context(|| {
        format!("seed {seed}, after {:.0} s: {}", began.elapsed().as_secs_f64(), shared.told())
    })?;
    for worker in &mut workers {
        ensure!(worker.verify_all()?, "the server was not killed, and the connection broke");
        worker.remove_own()?;
    }
    let (images, blobs) = nothing_is_left(&mut workers, &victim)?;
    let starts = shared.epoch.load(Ordering::SeqCst);
    Ok(format!(
        "{:.1} minutes, seed {seed}: nothing that was acknowledged was lost in {starts} kills; {images} images and {blobs} blobs \
         in the end, no blob without an image. {}.",
        began.elapsed().as_secs_f64() / 60.0,
        shared.told()
    ))
}

/// Kills the server again and again; tells how it stands from time to time.
fn kill_until(
    until: Instant,
    mut random: Random,
    within: usize,
    victim: &mut Victim,
    shared: &Shared,
) -> Result<()> {
    let mut told = Instant::now();
    loop {
        let pause = Duration::from_millis(500 + random.below(within * 1000) as u64);
        let next = (Instant::now() + pause).min(until);
        while Instant::now() < next {
            if shared.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if next >= until {
            return Ok(());
        }
        victim.kill();
        std::thread::sleep(Duration::from_millis(random.below(400) as u64));
        victim.revive()?;
        let starts = shared.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            eprintln!("{starts} kills: {}", shared.told());
        }
    }
}

/// After collection the disk has what the images name, and nothing else. Returns the numbers of images and blobs.
fn nothing_is_left(workers: &mut [Worker<'_>], victim: &Victim) -> Result<(usize, usize)> {
    let mut reached = BTreeSet::new();
    let mut images = 0;
    for repository in 0..REPOSITORIES {
        let known: BTreeSet<_> = workers.iter().flat_map(|it| it.model.digests(repository)).collect();
        let Some(worker) = workers.first_mut() else { bail!("there are no workers") };
        let listed: BTreeSet<_> = worker.listed(repository)?.into_iter().collect();
        let lost: Vec<_> = known.difference(&listed).collect();
        let strange: Vec<_> = listed.difference(&known).collect();
        ensure!(known == listed, "repository {repository} has lost {lost:?} and has {strange:?} beyond");
        images += listed.len();
        for digest in &listed {
            named(&worker.manifest(repository, digest)?, &mut reached)?;
        }
        reached.extend(listed);
    }
    let began = Instant::now();
    loop {
        let files = files(&victim.blobs())?;
        let orphans: Vec<_> = files.difference(&reached).cloned().collect();
        let uploads = std::fs::read_dir(victim.uploads())?.count();
        if orphans.is_empty() && uploads == 0 {
            return Ok((images, files.len()));
        }
        ensure!(
            began.elapsed() < COLLECTED,
            "{} blobs without an image, the first {:?}, and {uploads} uploads are left",
            orphans.len(),
            orphans.first()
        );
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The digests in a manifest.
fn named(manifest: &[u8], reached: &mut BTreeSet<String>) -> Result<()> {
    let manifest: Value = serde_json::from_slice(manifest).context("a manifest is not JSON")?;
    let lists = [&manifest["layers"], &manifest["manifests"]];
    let listed = lists.into_iter().filter_map(Value::as_array).flatten();
    let digests = listed.chain([&manifest["config"]]).filter_map(|it| it["digest"].as_str());
    reached.extend(digests.map(str::to_owned));
    Ok(())
}

fn files(blobs: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for shelf in std::fs::read_dir(blobs)? {
        let shelf = shelf?.path();
        if shelf.is_dir() {
            for file in std::fs::read_dir(shelf)? {
                found.insert(format!("sha256:{}", file?.file_name().to_string_lossy()));
            }
        }
    }
    Ok(found)
}
