//! STS: who am I, and becoming somebody else for a while.
//!
//! Temporary credentials are not kept: the session token *is* the session, sealed by the vault. It names the principal by
//! unique id, so that a role created again under an old name does not inherit sessions.

mod credentials;
mod ops;
mod passed;
mod service_role;
mod session;
mod token;
pub mod web_identity;

use landfall_api::sts as api;

pub use credentials::{CredentialError, Credentials, find_credentials, principal_exists};
pub use service_role::{
    ServiceSession, assume_role_for_service, credentials_for_service, credentials_of_session,
    session_of_planned_role, session_without_trust,
};

use crate::pipe::{Endpoint, read};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    read::<api::AssumeRole>(),
    read::<api::AssumeRoleWithWebIdentity>(),
    read::<api::DecodeAuthorizationMessage>(),
    read::<api::GetAccessKeyInfo>(),
    read::<api::GetCallerIdentity>(),
    read::<api::GetFederationToken>(),
    read::<api::GetSessionToken>(),
];
