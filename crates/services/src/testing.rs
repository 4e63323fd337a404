//! An installation in memory, for tests of this crate and of those above it.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Clock, ManualClock, Region, Timestamp};
use landfall_iam::Principal;
use landfall_registry::BlobStore;
use landfall_store::Store;
use landfall_store::journal::Journals;
use landfall_vault::Vault;

use crate::ecr::{LayerUploads, RegistryName};
use crate::pipe::{AuthMode, Call, Caller, Endpoint, Images, Installation};

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
    #[expect(clippy::unwrap_used, reason = "only tests call this")]
    pub fn new(tables: &'static [&'static [Endpoint]]) -> Self {
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
            auth: AuthMode::Enforce,
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
    }
}
