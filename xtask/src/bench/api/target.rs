//! The servers that are called, and what has to be on them before.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use landfall_wire::sigv4::Credentials;
use serde_json::json;

use crate::bench::Bench;
use crate::bench::aws::{Account, ECS, create_secret, credentials};
use crate::bench::http::Client;
use crate::bench::landfall::{CLUSTER, Landfall};
use crate::bench::process::{Server, free_address};

/// The secret that is read.
pub(super) const SECRET: &str = "prod/database";

/// Secrets that get new versions; several, as AWS keeps the versions of one.
pub(super) const WRITTEN: usize = 16;

/// A server under load.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) pid: u32,
    pub(super) keys: Credentials,
    _running: Running,
}

/// Keeps the server running.
enum Running {
    Landfall { _server: Box<Landfall> },
    Other { _server: Server },
}

/// Landfall with a user whom an inline policy allows what is measured.
pub(super) fn landfall(bench: &Bench) -> Result<Target> {
    let mut landfall = Landfall::start(&bench.landfall, &bench.directory("api-landfall")?)?;
    let actions = [
        "secretsmanager:GetSecretValue",
        "secretsmanager:CreateSecret",
        "secretsmanager:PutSecretValue",
        "ecs:DescribeClusters",
    ];
    let keys = landfall.user("bench", &actions)?;
    furnish(&mut landfall.admin)?;
    let (address, pid) = (landfall.address(), landfall.server.pid());
    Ok(Target { address, pid, keys, _running: Running::Landfall { _server: Box::new(landfall) } })
}

/// The bare HTTP server, which is this program.
pub(super) fn bare(bench: &Bench) -> Result<Target> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(["bench-bare-server", &address.to_string()]);
    let mut server = Server::start("bare server", command, &bench.scratch.path().join("bare.log"))?;
    server.wait_listening(address)?;
    Ok(other(address, server))
}

/// moto's server.
pub(super) fn moto(bench: &Bench) -> Result<Target> {
    furnished(start_moto(bench)?)
}

/// ministack.
pub(super) fn ministack(bench: &Bench) -> Result<Target> {
    furnished(start_ministack(bench)?)
}

/// moto's server, ready for calls.
pub(in crate::bench) fn start_moto(bench: &Bench) -> Result<(SocketAddr, Server)> {
    let address = free_address()?;
    let server = Server::start("moto_server", moto_command(programs(bench)?, address), &log(bench, "moto"))?;
    ready(address, server, MOTO_HEALTH)
}

/// ministack, ready for calls.
pub(in crate::bench) fn start_ministack(bench: &Bench) -> Result<(SocketAddr, Server)> {
    let address = free_address()?;
    let command = ministack_command(bench, programs(bench)?, address)?;
    let server = Server::start("ministack", command, &log(bench, "ministack"))?;
    ready(address, server, MINISTACK_HEALTH)
}

fn ready(address: SocketAddr, mut server: Server, health: &str) -> Result<(SocketAddr, Server)> {
    let mut client = Client::new(address)?;
    server.wait(Duration::from_millis(20), || client.is_well(health))?;
    Ok((address, server))
}

/// Keys that emulators take as well as any others.
pub(in crate::bench) fn example_keys() -> Credentials {
    credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
}

/// Where moto says that it is ready.
pub(in crate::bench) const MOTO_HEALTH: &str = "/moto-api/";

/// Where ministack does.
pub(in crate::bench) const MINISTACK_HEALTH: &str = "/_ministack/health";

/// `moto_server` as its documentation starts it.
pub(in crate::bench) fn moto_command(programs: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(programs.join("moto_server"));
    command.args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()]);
    command
}

/// `ministack` with its defaults, except that it shall neither listen to the network nor write elsewhere nor look for a Docker daemon.
pub(in crate::bench) fn ministack_command(
    bench: &Bench,
    programs: &Path,
    address: SocketAddr,
) -> Result<Command> {
    let directory = bench.directory("ministack")?;
    let mut command = Command::new(programs.join("ministack"));
    command.env("GATEWAY_PORT", address.port().to_string()).env("BIND_HOST", address.ip().to_string());
    command.env("TMPDIR", &directory).env("DOCKER_HOST", format!("unix://{}/none.sock", directory.display()));
    command.current_dir(&directory);
    Ok(command)
}

/// The programs of the Python environment.
pub(in crate::bench) fn programs(bench: &Bench) -> Result<&Path> {
    bench.emulators.as_deref().map_err(|reason| anyhow!("{reason}"))
}

fn log(bench: &Bench, name: &str) -> std::path::PathBuf {
    bench.scratch.path().join(format!("{name}.log"))
}

fn furnished((address, server): (SocketAddr, Server)) -> Result<Target> {
    let target = other(address, server);
    furnish(&mut Account::new(address, target.keys.clone())?)?;
    Ok(target)
}

fn other(address: SocketAddr, server: Server) -> Target {
    Target { address, pid: server.pid(), keys: example_keys(), _running: Running::Other { _server: server } }
}

/// The same on every server.
fn furnish(account: &mut Account) -> Result<()> {
    let value = json!({ "username": "app", "password": "p".repeat(24), "host": "db.internal", "port": 5432 })
        .to_string();
    create_secret(account, SECRET, &value)?;
    for number in 0..WRITTEN {
        create_secret(account, &written(number), "first")?;
    }
    account.json(ECS, "CreateCluster", &json!({ "clusterName": CLUSTER }))?;
    Ok(())
}

/// Name of a secret that gets new versions.
pub(super) fn written(number: usize) -> String {
    format!("written/{}", number % WRITTEN)
}
