//! What handlers may reach beside their transaction.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use landfall_acs::ImageProbe;
use landfall_base::{AccountId, Clock, Region, Timestamp};
use landfall_registry::BlobStore;
use landfall_store::journal::Journals;
use landfall_store::{Store, Tx};
use landfall_vault::Vault;

use super::{AuthMode, CallName, Caller};
use crate::ecr::{LayerUploads, RegistryName};

/// Everything that one installation of Landfall keeps: made once, shared by all calls.
#[derive(Debug)]
pub struct Installation {
    /// Rows.
    pub store: Store,
    /// Log events.
    pub journals: Journals,
    /// Insights queries over them.
    pub queries: crate::logs::Queries,
    /// Live Tail sessions.
    pub live_tails: crate::logs::LiveTails,
    /// Sealing of secrets.
    pub vault: Vault,
    /// The bytes of S3's objects.
    pub objects: crate::s3::files::ObjectFiles,
    /// Layers and manifests.
    pub blobs: BlobStore,
    /// Layers that come in parts through the API.
    pub layer_uploads: LayerUploads,
    /// The name of the registries in answers.
    pub registry: RegistryName,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether refusals are enforced.
    pub auth: AuthMode,
    /// The account that exists from the first start.
    pub default_account: AccountId,
    /// The Region of clients that name none.
    pub default_region: Region,
    /// Who can ask registries for images, where there is an agent.
    pub images: Images,
    /// Who fetches images from upstream registries.
    pub upstreams: crate::ecr::pull_through::Upstreams,
    /// What is known of the installation that this one is a snapshot of, if it is one.
    pub origin: Option<crate::snapshot::Origin>,
}

/// Who can ask registries: set once, when the agent is there.
#[derive(Default)]
pub struct Images(OnceLock<Arc<dyn ImageProbe>>);

impl Images {
    /// Sets it. A second one is not taken.
    pub fn set(&self, probe: Arc<dyn ImageProbe>) {
        let _ = self.0.set(probe);
    }

    /// Who can be asked.
    pub fn get(&self) -> Option<&Arc<dyn ImageProbe>> {
        self.0.get()
    }
}

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() { "Images" } else { "no Images" })
    }
}

type Deferred = Box<dyn FnOnce(&mut Tx) + Send>;

/// One call's surroundings.
pub struct Context<'a> {
    /// The installation.
    pub installation: &'a Installation,
    /// Who calls.
    pub caller: &'a Caller,
    /// What is called, as the audit log names it.
    pub call: CallName,
    /// When the call began; the same for the whole call.
    pub now: Timestamp,
    deferred: RefCell<Vec<Deferred>>,
}

impl<'a> Context<'a> {
    /// The surroundings of a call by `caller` that begins now.
    pub fn new(installation: &'a Installation, caller: &'a Caller, call: CallName) -> Self {
        Self::at(installation, caller, call, installation.clock.now())
    }

    pub(super) fn at(
        installation: &'a Installation,
        caller: &'a Caller,
        call: CallName,
        now: Timestamp,
    ) -> Self {
        Self { installation, caller, call, now, deferred: RefCell::default() }
    }

    /// The same call, as far as it is made by somebody else or in another Region: by a service in its own name, for
    /// example. What is deferred there is not done.
    #[must_use]
    pub fn as_caller<'b>(&self, caller: &'b Caller) -> Context<'b>
    where
        'a: 'b,
    {
        Context::at(self.installation, caller, self.call, self.now)
    }

    /// Sealing of secrets.
    pub fn vault(&self) -> &'a Vault {
        &self.installation.vault
    }

    /// Log events.
    pub fn journals(&self) -> &'a Journals {
        &self.installation.journals
    }

    /// The Region that the call is made to.
    pub fn region(&self) -> &'a Region {
        &self.caller.region
    }

    /// The caller's account.
    pub fn account(&self) -> &'a AccountId {
        &self.caller.account
    }

    /// Has a write done after a successful read, without the caller waiting for it: bookkeeping such as the date of the
    /// last access, which may be lost in a crash.
    pub fn defer(&self, write: impl FnOnce(&mut Tx) + Send + 'static) {
        self.deferred.borrow_mut().push(Box::new(write));
    }

    pub(super) fn into_deferred(self) -> Vec<Deferred> {
        self.deferred.into_inner()
    }
}
