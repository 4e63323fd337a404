//! Whom the lines are sent to.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::bench::Bench;
use crate::bench::api::target::{example_keys, start_ministack, start_moto};
use crate::bench::aws::{Account, LOGS};
use crate::bench::landfall::Landfall;
use crate::bench::machine::proc::resident_mib;
use crate::bench::process::Server;

/// The log group.
pub(super) const GROUP: &str = "/bench/lines";

/// Streams that are written in turn.
pub(super) const STREAMS: usize = 4;

pub(super) fn stream(number: usize) -> String {
    format!("web/main/{number}")
}

/// A server with a user.
pub(super) struct Party {
    pub(super) account: Account,
    pub(super) is_own: bool,
    /// Where it keeps the lines, if on the disk.
    journals: Option<PathBuf>,
    pid: u32,
    _running: Running,
}

/// Keeps the server running.
enum Running {
    Landfall { _server: Box<Landfall> },
    Other { _server: Server },
}

impl Party {
    /// Landfall with a user whom an inline policy allows what is measured.
    pub(super) fn landfall(bench: &Bench) -> Result<Self> {
        let directory = bench.directory("logs-landfall")?;
        let mut landfall = Landfall::start(&bench.landfall, &directory)?;
        let keys = landfall.user("bench", &["logs:*"])?;
        Ok(Self {
            account: Account::new(landfall.address(), keys)?,
            is_own: true,
            journals: Some(directory.join("data/journals")),
            pid: landfall.server.pid(),
            _running: Running::Landfall { _server: Box::new(landfall) },
        })
    }

    /// ministack.
    pub(super) fn ministack(bench: &Bench) -> Result<Self> {
        Self::other(start_ministack(bench)?)
    }

    /// moto's server.
    pub(super) fn moto(bench: &Bench) -> Result<Self> {
        Self::other(start_moto(bench)?)
    }

    fn other((address, server): (SocketAddr, Server)) -> Result<Self> {
        let account = Account::new(address, example_keys())?;
        let pid = server.pid();
        Ok(Self { account, is_own: false, journals: None, pid, _running: Running::Other { _server: server } })
    }

    pub(super) fn create(&mut self) -> Result<()> {
        self.account.json(LOGS, "CreateLogGroup", &json!({ "logGroupName": GROUP }))?;
        for number in 0..STREAMS {
            let stream = json!({ "logGroupName": GROUP, "logStreamName": stream(number) });
            self.account.json(LOGS, "CreateLogStream", &stream)?;
        }
        Ok(())
    }

    /// MiB in memory.
    pub(super) fn resident(&self) -> f64 {
        resident_mib(self.pid)
    }

    /// Bytes on the disk.
    pub(super) fn disk(&self) -> Result<Option<u64>> {
        self.journals.as_deref().map(size).transpose()
    }
}

fn size(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { size(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}
