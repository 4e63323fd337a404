//! Becoming a role on behalf of a service: how tasks get their execution role.

use std::sync::Arc;

use landfall_api::sts as api;
use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::Principal;
use landfall_store::View;

use super::session::role_session;
use super::token::Session;
use crate::iam::record::{ROLES, Role, key_name};
use crate::pipe::{
    CallName, Caller, CheckRecord, Checked, Context, Failure, Installation, Permission, ResourceGuard,
    SessionFacts, Unsaid, authorize,
};

/// How long a service's session of a role lasts, in seconds.
const SESSION_SECONDS: i64 = 6 * 3600;

/// The unique id of a role that has none yet.
const PLANNED_ID: &str = "AROAPLANNED";

/// A request by a service to become a role.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSession<'a> {
    /// `ecs-tasks.amazonaws.com`
    pub service: &'a str,
    /// The role's ARN.
    pub role_arn: &'a Arn,
    /// The session's name: the task id.
    pub session_name: &'a str,
    /// `aws:SourceArn`: on whose behalf.
    pub source_arn: &'a str,
    /// The Region that the session works in.
    pub region: &'a Region,
}

/// Becomes a role, if its trust policy lets the service in. The answer holds the caller to act as, or the denial, and
/// the check that was made.
///
/// # Errors
/// The denial in AWS's words; the same for a role that does not exist.
pub fn assume_role_for_service(
    installation: &Installation,
    view: &View,
    wanted: &ServiceSession<'_>,
) -> (Result<Caller, Failure>, Vec<CheckRecord>) {
    let mut checks = Vec::new();
    let caller = assume(installation, view, wanted, &mut checks);
    (caller, checks)
}

/// Becomes a role as [`assume_role_for_service`] does, for somebody who signs calls himself: the answer is a key, its
/// secret and a session token.
///
/// # Errors
/// As there.
pub fn credentials_for_service(
    installation: &Installation,
    view: &View,
    wanted: &ServiceSession<'_>,
) -> Result<api::Credentials, Failure> {
    let session = assume(installation, view, wanted, &mut Vec::new())?;
    credentials_of_session(installation, &session)
}

/// Credentials for a session that [`assume_role_for_service`] gave.
///
/// # Errors
/// The vault's.
pub fn credentials_of_session(
    installation: &Installation,
    session: &Caller,
) -> Result<api::Credentials, Failure> {
    let (principal, account) = (session.principal.clone(), session.account.clone());
    let seconds = i32::try_from(SESSION_SECONDS).map_err(Failure::internal)?;
    Session::new(principal, account, installation.clock.now(), seconds).credentials(&installation.vault)
}

fn assume(
    installation: &Installation,
    view: &View,
    wanted: &ServiceSession<'_>,
    checks: &mut Vec<CheckRecord>,
) -> Result<Caller, Failure> {
    let (account, role) = find(installation, view, wanted)?;
    let mut permission = Permission::on("sts:AssumeRole", wanted.role_arn)
        .with("aws:SourceArn", wanted.source_arn)
        .with("aws:SourceAccount", account.as_str())
        .with("sts:RoleSessionName", wanted.session_name);
    permission.guard =
        role.as_ref().map(|role| ResourceGuard { policy: Arc::clone(&role.trust), role_trust: true });

    let service = service_caller(wanted, &account);
    let cx = Context::new(installation, &service, CallName::of::<landfall_api::sts::AssumeRole>());
    let request = Checked::one(role, permission);
    let role = authorize(&cx, view, &landfall_api::sts::SERVICE, request, checks)?.into_request();
    let role = role.ok_or_else(|| missing(wanted))?;
    let principal = role_session(&role, wanted.role_arn.clone(), &account, wanted.session_name);
    Ok(session_of(principal, service_caller(wanted, &account), cx.now))
}

/// The session that a service would have of a role if the role's trust policy let it in; `None` if there is no such role.
/// For predictions only: nobody may act as it.
pub fn session_without_trust(
    installation: &Installation,
    view: &View,
    wanted: &ServiceSession<'_>,
) -> Option<Caller> {
    let (account, role) = find(installation, view, wanted).ok()?;
    let service = service_caller(wanted, &account);
    let principal = role_session(&*role?, wanted.role_arn.clone(), &account, wanted.session_name);
    Some(session_of(principal, service, installation.clock.now()))
}

/// The session of a role that there will be.
pub fn session_of_planned_role(wanted: &ServiceSession<'_>, account: &AccountId, now: Timestamp) -> Caller {
    let principal =
        Principal::role_session(wanted.role_arn.clone(), account, PLANNED_ID, wanted.session_name);
    session_of(principal, service_caller(wanted, account), now)
}

/// The role's account, and the role if it exists.
fn find(
    installation: &Installation,
    view: &View,
    wanted: &ServiceSession<'_>,
) -> Result<(AccountId, Option<Arc<Role>>), Failure> {
    let account = wanted.role_arn.account_id().unwrap_or_else(|| installation.default_account.clone());
    let name = wanted.role_arn.resource().rsplit('/').next().unwrap_or_default();
    let role = view.get(&ROLES, &(&account, key_name(name).as_str()))?;
    Ok((account, role.filter(|role| role.arn == wanted.role_arn.as_str())))
}

fn session_of(principal: Principal, service: Caller, issued_at: Timestamp) -> Caller {
    Caller {
        principal,
        session: Some(Arc::new(SessionFacts {
            issued_at,
            expires_at: issued_at.plus_seconds(SESSION_SECONDS),
            policies: Vec::new(),
            tags: Vec::new(),
            source_identity: None,
            transitive: Vec::new(),
            mfa: false,
            parent: None,
        })),
        ..service
    }
}

fn service_caller(wanted: &ServiceSession<'_>, account: &AccountId) -> Caller {
    Caller {
        principal: Principal::service(wanted.service),
        account: account.clone(),
        region: wanted.region.clone(),
        access_key_id: String::new(),
        session: None,
        source_ip: None,
        secure_transport: true,
        user_agent: Some(wanted.service.to_owned()),
        via: Vec::new(),
        way: None,
        unsaid: Unsaid::default(),
        planned: Vec::new(),
    }
}

/// With enforcement off a missing role is still missing.
fn missing(wanted: &ServiceSession<'_>) -> Failure {
    let text = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
        wanted.service, wanted.role_arn
    );
    landfall_shape::ServiceError::with_status("AccessDenied", 403, text).into()
}
