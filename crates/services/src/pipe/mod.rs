//! The pipe: what every call goes through, whether it came over HTTP or from inside.
//!
//! A call is decoded (by the gateway), *resolved* (names looked up in one snapshot; absence is carried, not reported),
//! *authorized* (every permission it declares), *run* (in the same snapshot or transaction), and encoded. An operation's
//! body takes [`Authorized`], which only [`authorize`] can make: forgetting the check is a type error.

mod audit;
mod authorize;
mod call;
mod caller;
mod context;
mod encoded;
mod endpoint;
mod failure;
mod permission;
mod unsaid;
mod user_sessions;

pub use audit::{ALLOWED_READ, CallName, audit, audit_refusals};
pub use authorize::{AuthMode, Authorized, CheckRecord, authorize, is_allowed, would_allow};
pub(crate) use authorize::{ciphertext_refusal, requested_region};
pub use call::{Call, Calls, Outcome};
pub use caller::{Caller, PlannedPolicy, SessionFacts, SessionPolicy, SessionPolicyText};
pub use context::{Context, Images, Installation};
pub(crate) use encoded::decode as decode_authorization_message;
pub use endpoint::{
    AwaitingHandler, Endpoint, EndpointKind, ReadHandler, Resolve, Surroundings, WriteHandler, awaiting,
    awaiting_read, blocking, read, read_in, write, write_in,
};
pub use failure::Failure;
pub use permission::{
    Allowed, Checked, Guarded, KeyGuard, Later, OuterGuard, Permission, ResourceGuard, everything,
};
pub use unsaid::Unsaid;
