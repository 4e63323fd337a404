//! The server's log on standard error, and the audit log in the data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The audit log's file, opened for appending: each line is one write, so lines of several threads stay whole.
#[derive(Clone)]
struct AuditFile(Arc<File>);

impl Write for AuditFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (&*self.0).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts logging. `LANDFALL_LOG` chooses what goes to standard error, in the syntax of `tracing`'s `EnvFilter`; warnings
/// do unless it says otherwise.
pub(super) fn start(data_dir: &Path) -> Result<()> {
    let path = data_dir.join("audit.log");
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    let file = AuditFile(Arc::new(file.with_context(|| format!("cannot open `{}`", path.display()))?));
    let audit = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .with_writer(move || file.clone())
        .with_filter(Targets::new().with_target("audit", LevelFilter::INFO));
    let chosen =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).with_env_var("LANDFALL_LOG");
    let console =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(chosen.from_env_lossy());
    tracing_subscriber::registry().with(audit).with(console).try_init().context("logging was started twice")
}
