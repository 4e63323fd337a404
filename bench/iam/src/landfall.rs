//! Landfall's own engine.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_base::AccountId;
use landfall_iam::{Attached, Context, Layers, Policy, PolicyKind, Principal, Request, evaluate, trace};

use super::measure::{Figures, measure};
use super::{ACCOUNT, ADDRESS, Asked, REGION, ROLE};

pub(crate) struct Engine {
    policies: [Policy; 4],
    principal: Principal,
    account: AccountId,
    context: Context,
}

impl Engine {
    pub(crate) fn new(document: &str) -> Self {
        let kinds =
            [PolicyKind::Identity, PolicyKind::Boundary, PolicyKind::Session, PolicyKind::ServiceControl];
        let account: AccountId = ACCOUNT.parse().unwrap();
        Self {
            policies: kinds.map(|kind| Policy::parse(document, kind).unwrap()),
            principal: Principal::role_session(ROLE.parse().unwrap(), &account, "AROAEXEC", "s1"),
            account,
            context: Context::new()
                .with("aws:SecureTransport", "true")
                .with("aws:CurrentTime", "2026-06-01T12:00:00Z")
                .with("aws:UserAgent", "aws-cli/2")
                .with("aws:PrincipalTag/team", "blue")
                .with("aws:RequestedRegion", REGION)
                .with("aws:SourceIp", ADDRESS),
        }
    }

    pub(crate) fn decide(&self, asked: &[Asked]) -> Figures {
        self.with(|layers| {
            measure(asked.len(), |at| {
                let request = self.request(&asked[at]);
                let decision = evaluate(&request, layers);
                assert!(decision.is_allowed());
            })
        })
    }

    pub(crate) fn trace(&self, asked: &[Asked]) -> Figures {
        self.with(|layers| measure(asked.len(), |at| trace(&self.request(&asked[at]), layers)))
    }

    fn request<'a>(&'a self, asked: &'a Asked) -> Request<'a> {
        Request {
            principal: &self.principal,
            action: asked.action,
            resource: &asked.resource,
            resource_account: Some(&self.account),
            context: &self.context,
        }
    }

    fn with<T>(&self, test: impl FnOnce(&Layers<'_>) -> T) -> T {
        let [identity, boundary, session, scp] =
            self.policies.each_ref().map(|policy| [Attached::inline("policy", policy)]);
        let levels: [&[Attached<'_>]; 1] = [&scp];
        test(&Layers {
            identity: &identity,
            boundary: &boundary,
            session: &session,
            scp: &levels,
            ..Layers::default()
        })
    }
}

/// Counts what the thread of the benchmark asks for.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Prints how often decisions ask for memory.
pub(crate) fn allocations() {
    let engine = Engine::new(&super::document(100));
    let asked = super::shuffled(100);
    let used = engine.with(|layers| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for asked in &asked {
            assert!(evaluate(&engine.request(asked), layers).is_allowed());
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    });
    println!("\nAllocations in {} decisions of landfall: {used}", asked.len());
}
