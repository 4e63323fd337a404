//! An installation in memory, for tests of this crate and of those above it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use landfall_base::{AccountId, Arn, Clock, ManualClock, Region, Timestamp};
use landfall_iam::Principal;
use landfall_registry::BlobStore;
use landfall_store::Store;
use landfall_store::journal::Journals;
use landfall_vault::Vault;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, span};

use crate::ecr::{LayerUploads, RegistryName};
use crate::pipe::{AuthMode, Call, Caller, Endpoint, Images, Installation, Unsaid};

/// 2026-11-23T02:30:41Z, where a test's clock stands at first.
pub const START: Timestamp = Timestamp::from_millis(1_795_401_041_000);

/// How long a silent upstream registry is waited for: tests wait for it in real time.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// An installation in memory with a clock that the test moves.
pub struct TestInstallation {
    /// Calls into it.
    pub call: Call,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
}

impl TestInstallation {
    /// An empty installation with these operation tables.
    ///
    /// # Panics
    /// If the machine has no temporary directory.
    pub fn new(tables: &'static [&'static [Endpoint]]) -> Self {
        Self::with_auth(tables, AuthMode::Enforce)
    }

    /// The same, where refusals may not be enforced.
    ///
    /// # Panics
    /// If the machine has no temporary directory.
    #[expect(clippy::unwrap_used, reason = "only tests call this")]
    pub fn with_auth(tables: &'static [&'static [Endpoint]], auth: AuthMode) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let installation = Installation {
            store: Store::in_memory().unwrap(),
            journals: Journals::open(&directory.path().join("journals")).unwrap(),
            queries: crate::logs::Queries::default(),
            live_tails: crate::logs::LiveTails::default(),
            vault: Vault::in_memory().unwrap(),
            objects: crate::s3::files::ObjectFiles::open(&directory.path().join("s3")).unwrap(),
            blobs: BlobStore::open_with_clock(
                &directory.path().join("registry"),
                Arc::clone(&clock) as Arc<dyn Clock>,
            )
            .unwrap(),
            layer_uploads: LayerUploads::default(),
            registry: RegistryName::host("127.0.0.1:4566"),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            auth,
            default_account: account(),
            default_region: region(),
            images: Images::default(),
            upstreams: crate::ecr::pull_through::Upstreams::with_patience(PATIENCE),
            origin: None,
        };
        Self { call: Call::new(Arc::new(installation), tables), clock, directory }
    }

    /// Where the installation keeps files.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// 111122223333.
///
/// # Panics
/// Never.
#[expect(clippy::unwrap_used, reason = "only tests call this, and the text is right")]
pub fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

/// us-east-1.
///
/// # Panics
/// Never.
#[expect(clippy::unwrap_used, reason = "only tests call this, and the text is right")]
pub fn region() -> Region {
    "us-east-1".parse().unwrap()
}

/// The root user of [`account`]: may do everything in it.
pub fn root() -> Caller {
    caller(Principal::root(&account()))
}

/// A user `nobody` without policies.
pub fn nobody() -> Caller {
    let arn = Arn::global("iam", account().as_str(), "user/nobody");
    caller(Principal::user(arn, &account(), "AIDANOBODY"))
}

/// A caller of [`account`] in [`region`].
pub fn caller(principal: Principal) -> Caller {
    let account = principal.account().cloned().unwrap_or_else(account);
    Caller {
        principal,
        account,
        region: region(),
        access_key_id: String::new(),
        session: None,
        source_ip: None,
        secure_transport: false,
        user_agent: None,
        via: Vec::new(),
        way: None,
        unsaid: Unsaid::default(),
        planned: Vec::new(),
    }
}

/// A line of the audit log: its fields by name.
pub type AuditLine = BTreeMap<String, String>;

/// The lines that a test's own thread writes to the audit log, from [`AuditLog::start`] until this is dropped.
pub struct AuditLog {
    lines: AuditLines,
    _until_dropped: tracing::subscriber::DefaultGuard,
}

impl AuditLog {
    /// Reads along from now on.
    #[must_use]
    pub fn start() -> Self {
        let lines = AuditLines::default();
        let until_dropped = tracing::subscriber::set_default(lines.clone());
        Self { lines, _until_dropped: until_dropped }
    }

    /// What was written since the last time.
    pub fn lines(&self) -> Vec<AuditLine> {
        self.lines.0.lock().map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default()
    }
}

#[derive(Clone, Default)]
struct AuditLines(Arc<Mutex<Vec<AuditLine>>>);

impl tracing::Subscriber for AuditLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "audit"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Fields(AuditLine::new());
        event.record(&mut line);
        if let Ok(mut lines) = self.0.lock() {
            lines.push(line.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Fields(AuditLine);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
