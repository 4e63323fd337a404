//! Who is calling.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::tls::Secure;
use bytes::Bytes;
use http::request::Parts;
use landfall_base::{AccountId, Region};
use landfall_services::pipe::{AuthMode, Caller, Installation, Unsaid};
use landfall_services::sts::{CredentialError, Credentials, find_credentials};
use landfall_shape::{ServiceError, ServiceSchema};
use landfall_wire::auth::{AuthFailure, auth_error};
use landfall_wire::sigv4::{Claim, ClaimError, Payload, RequestParts, Verifier};

/// A request as signatures see it.
pub fn signed_parts(parts: &Parts) -> RequestParts<'_> {
    RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    }
}

/// Finds the caller of a request and proves that it is the caller.
///
/// # Errors
/// AWS's refusal, in the protocol of the service.
pub(crate) fn authenticate(
    installation: &Installation,
    verifier: &Verifier,
    service: &ServiceSchema,
    parts: &Parts,
    body: &Bytes,
    peer: SocketAddr,
    claim: Result<Claim, ClaimError>,
) -> Result<Arc<Caller>, ServiceError> {
    let refuse = |failure: &AuthFailure| auth_error(failure, service.protocol);
    if installation.auth == AuthMode::Off {
        return Ok(Arc::new(anybody(installation, parts, peer, claim.ok())));
    }
    let claim = claim.map_err(|error| refuse(&error.into()))?;
    claim.check_scope(None, service.signing_name).map_err(|error| refuse(&error.into()))?;
    let region: Region = claim.region.parse().map_err(|_| {
        refuse(&AuthFailure::BadSignature("Credential should be scoped to a valid region. ".to_owned()))
    })?;
    let credentials = credentials(installation, service, &claim)?;
    if service.name == "iam" && is_barred_from_iam(&credentials) {
        return Err(refuse(&AuthFailure::UnknownKey));
    }
    let payload = Payload::Bytes(body);
    verifier
        .verify(&claim, &credentials.secret, &signed_parts(parts), payload, installation.clock.now())
        .map_err(|error| refuse(&error.into()))?;
    Ok(Arc::new(caller(credentials, region, claim.access_key_id, parts, peer)))
}

fn credentials(
    installation: &Installation,
    service: &ServiceSchema,
    claim: &Claim,
) -> Result<Credentials, ServiceError> {
    let view = installation.store.view();
    let found = find_credentials(installation, &view, &claim.access_key_id, claim.session_token.as_ref());
    found.map_err(|error| match error {
        CredentialError::Unknown => auth_error(&AuthFailure::UnknownKey, service.protocol),
        CredentialError::Expired => auth_error(&AuthFailure::Expired, service.protocol),
        CredentialError::Internal(failure) => failure.into_service_error(service.name),
    })
}

/// Session tokens of users and federated sessions are not taken by IAM unless a second factor was shown (STS API Reference,
/// `GetSessionToken` and `GetFederationToken`).
fn is_barred_from_iam(credentials: &Credentials) -> bool {
    let session = credentials.session.as_ref();
    session.is_some_and(|session| !session.mfa && !credentials.principal.is_role_session())
}

/// The caller that credentials and a request make.
pub fn caller(
    credentials: Credentials,
    region: Region,
    access_key_id: String,
    parts: &Parts,
    peer: SocketAddr,
) -> Caller {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let referer = header(http::header::REFERER).map(|referer| ("aws:Referer".to_owned(), vec![referer]));
    Caller {
        principal: credentials.principal,
        account: credentials.account,
        region,
        access_key_id,
        session: credentials.session,
        source_ip: Some(peer.ip()),
        secure_transport: parts.extensions.get::<Secure>().is_some(),
        user_agent: header(http::header::USER_AGENT),
        via: referer.into_iter().collect(),
        way: None,
        unsaid: Unsaid::default(),
        planned: Vec::new(),
    }
}

/// With enforcement off everybody is somebody: whom the key belongs to, the root user of the account that the key is the
/// number of, or the root user of the first account.
fn anybody(installation: &Installation, parts: &Parts, peer: SocketAddr, claim: Option<Claim>) -> Caller {
    let region = claim.as_ref().and_then(|claim| claim.region.parse().ok());
    let region = region.unwrap_or_else(|| installation.default_region.clone());
    let view = installation.store.view();
    let known = claim.as_ref().and_then(|claim| {
        find_credentials(installation, &view, &claim.access_key_id, claim.session_token.as_ref()).ok()
    });
    let key = claim.map(|claim| claim.access_key_id).unwrap_or_default();
    let account: AccountId = key.parse().unwrap_or_else(|_| installation.default_account.clone());
    let credentials = known.unwrap_or_else(|| Credentials {
        secret: String::new().into(),
        principal: landfall_services::root_of(&account),
        account,
        session: None,
    });
    caller(credentials, region, key, parts, peer)
}
