//! The IAM policy language: parse, validate, evaluate, explain. Pure, without I/O.
//!
//! A [`Policy`] is parsed and compiled once, when it is written. A [`Request`] says who does what to which resource,
//! with which condition context; [`Layers`] are the policies that have a say. [`evaluate`] decides,
//! [`Decision::denial`] words a refusal as AWS does, [`trace`] shows which statements matched and why the nearest
//! others missed, [`explain`] turns a trace into hints, and [`suggest_fix`] finds the smallest change that would allow
//! the request.
//!
//! ```
//! use landfall_iam::{Attached, Context, Effect, Layers, Policy, PolicyKind, Principal, Request, evaluate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::parse(
//!     r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:Get*","Resource":"*"}}"#,
//!     PolicyKind::Identity,
//! )?;
//! let account = "111122223333".parse()?;
//! let principal = Principal::user("arn:aws:iam::111122223333:user/alice".parse()?, &account, "AIDAALICE");
//! let context = Context::new();
//! let request = Request {
//!     principal: &principal,
//!     action: "ecr:GetAuthorizationToken",
//!     resource: "*",
//!     resource_account: None,
//!     context: &context,
//! };
//! let identity = [Attached::inline("pull", &policy)];
//! let decision = evaluate(&request, &Layers { identity: &identity, ..Layers::default() });
//! assert_eq!(decision.effect, Effect::Allow);
//! # Ok(())
//! # }
//! ```

mod arn_match;
pub mod choices;
mod compile;
mod condition;
mod context;
mod document;
mod error;
mod evaluate;
mod explain;
mod fix;
mod grant;
mod holder;
mod index;
mod layers;
mod message;
mod pattern;
mod policy;
mod principal;
mod principal_match;
pub mod reference;
mod request;
mod service_principal;
pub mod simulate;
mod trace;
mod validate;

pub use condition::is_condition_operator;
pub use context::Context;
pub use error::{PolicyError, PolicyErrorReason};
pub use evaluate::{Decision, Effect, Reason, StatementRef, evaluate, required_policy};
pub use explain::explain;
pub use fix::{Ask, Blocker, Fix, FixStep, suggest_fix, suggest_fix_for_all};
pub use grant::{Grant, GrantConstraint};
pub use holder::policy_holder;
pub use layers::{Attached, Layer, Layers, Origin, ResourceKind, ResourceLayer};
pub use message::MessageStyle;
pub use policy::{Policy, PolicyKind, ResourceService, policy_size};
pub use principal::Principal;
pub use principal_match::{NamedPrincipal, Strength};
pub use request::Request;
pub use trace::{
    Element, LayerTrace, Miss, Others, PolicyTrace, StatementEffect, StatementTrace, Trace, trace,
};
