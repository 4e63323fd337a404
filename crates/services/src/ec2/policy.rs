//! Policies of VPC endpoints.

use std::sync::Arc;

use landfall_iam::{Policy, PolicyKind};
use landfall_store::View;

use super::errors;
use super::record::EndpointKind;
use crate::pipe::Failure;
use crate::principals;

/// What an interface endpoint has that was made without one.
const OPEN_INTERFACE: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;

/// What a gateway endpoint has.
const OPEN_GATEWAY: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// The policy that allows everything.
///
/// # Errors
/// Never: the text is right.
pub(super) fn open(kind: EndpointKind) -> Result<Arc<Policy>, Failure> {
    let text = if kind == EndpointKind::Gateway { OPEN_GATEWAY } else { OPEN_INTERFACE };
    Policy::stored(text, PolicyKind::Endpoint).map(Arc::new).map_err(Failure::internal)
}

/// A policy that somebody wants to put on an endpoint. The users and roles that it names must exist; it is bound to them, not
/// to their names.
///
/// # Errors
/// `InvalidPolicyDocument`
pub(super) fn parse(view: &View, text: &str) -> Result<Arc<Policy>, Failure> {
    let policy = Policy::parse(text, PolicyKind::Endpoint).map_err(|error| errors::invalid_policy(&error))?;
    let bound = principals::bind(view, &policy)?.map_err(|error| errors::invalid_policy(&error))?;
    Ok(Arc::new(bound))
}
