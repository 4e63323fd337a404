//! The server's log on standard error, and the audit log in the data directory.

mod audit_file;
mod audit_line;

use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use audit_file::AuditFile;
use audit_line::AuditLine;

/// What is logged until this is dropped reaches its file.
#[must_use = "dropped at once it writes nothing that is logged later"]
pub(super) struct Logging(AuditFile);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.write_collected();
    }
}

/// Starts logging. `LANDFALL_LOG` chooses what goes to standard error, in the syntax of `tracing`'s `EnvFilter`; warnings
/// do unless it says otherwise.
pub(super) fn start(data_dir: &Path) -> Result<Logging> {
    let path = data_dir.join("audit.log");
    let file = AuditFile::open(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let audit = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(AuditLine)
        .with_writer(file.clone())
        .with_filter(Targets::new().with_target("audit", LevelFilter::INFO));
    let chosen =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).with_env_var("LANDFALL_LOG");
    let console =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(chosen.from_env_lossy());
    tracing_subscriber::registry()
        .with(audit)
        .with(console)
        .try_init()
        .context("logging was started twice")?;
    Ok(Logging(file))
}
