//! `AssumeRole`: temporary credentials of a role.

use std::sync::Arc;

use landfall_api::sts as api;
use landfall_base::{Arn, Timestamp};
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::iam::record::{ROLES, Role, key_name};
use crate::iam::{role_needs_touch, touch_role, with_tags_of};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve, ResourceGuard};
use crate::sts::passed::Passed;
use crate::sts::session::{check_second_factor, packed_size, role_session, session_policies};
use crate::sts::token::Session;

/// One hour, in seconds: the default, and the most when roles are chained.
const HOUR: i32 = 3600;

/// A role to become.
#[derive(Debug)]
pub struct Request {
    role_arn: Arn,
    role: Option<Arc<Role>>,
    session_name: String,
    seconds: i32,
    inline_policy: Option<String>,
    managed_policies: Vec<api::PolicyDescriptorType>,
    passed: Passed,
}

impl Resolve for api::AssumeRole {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let role_arn = role_arn(&input.role_arn)?;
        check_second_factor(input.serial_number.as_deref(), input.token_code.as_deref())?;
        let role = find_role(view, &role_arn)?;
        let passed = Passed::of(cx.caller.session.as_deref(), &input)?;
        let permissions = permissions(&input, &role_arn, role.as_deref(), &passed);
        let request = Request {
            inline_policy: input.policy,
            managed_policies: input.policy_arns.unwrap_or_default(),
            session_name: input.role_session_name,
            seconds: input.duration_seconds.unwrap_or(HOUR),
            role_arn,
            role,
            passed,
        };
        Ok(Checked::all(request, permissions))
    }
}

fn role_arn(text: &str) -> Result<Arn, Failure> {
    let invalid = || ServiceError::client("ValidationError", format!("{text} is invalid"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let is_role = arn.service() == "iam" && arn.account_id().is_some() && arn.resource().starts_with("role/");
    if is_role { Ok(arn) } else { Err(invalid().into()) }
}

fn find_role(view: &View, arn: &Arn) -> Result<Option<Arc<Role>>, Failure> {
    let Some(account) = arn.account_id() else { return Ok(None) };
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let role = view.get(&ROLES, &(&account, key_name(name).as_str()))?;
    Ok(role.filter(|role| role.arn == arn.as_str()))
}

fn permissions(
    input: &api::AssumeRoleRequest,
    role_arn: &Arn,
    role: Option<&Role>,
    passed: &Passed,
) -> Vec<Permission> {
    let guard = role.map(|role| ResourceGuard { policy: Arc::clone(&role.trust), role_trust: true });
    let on_role = |action| {
        let mut permission = Permission::on(action, role_arn)
            .with("sts:RoleSessionName", &input.role_session_name)
            .with_some("sts:ExternalId", input.external_id.as_deref())
            .with_some("sts:SourceIdentity", passed.source_identity.as_deref())
            .with_request_tags(passed.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        if !passed.transitive.is_empty() {
            permission = permission.with_all("sts:TransitiveTagKeys", passed.transitive.iter().cloned());
        }
        permission.guard = guard.clone();
        with_tags_of(permission, role.map_or(&[], |role| &role.tags))
    };
    let mut permissions = vec![on_role("sts:AssumeRole")];
    permissions.extend((!passed.tags.is_empty()).then(|| on_role("sts:TagSession")));
    permissions.extend(passed.source_identity.as_ref().map(|_| on_role("sts:SetSourceIdentity")));
    permissions
}

impl ReadHandler for api::AssumeRole {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        if cx.caller.principal.is_root() {
            let text = "Roles may not be assumed by root accounts.";
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        }
        let Some(role) = &request.role else {
            // Only without enforcement does a missing role come this far.
            let text = format!("Role {} does not exist.", request.role_arn);
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        };
        check_duration(cx, role, request.seconds)?;
        let session = session(view, role, &request, cx.now)?;
        note_use(cx, role);
        let assumed = api::AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.id, request.session_name),
            arn: session.principal.display().to_owned(),
        };
        Ok(api::AssumeRoleResponse {
            credentials: Some(session.credentials(cx.vault())?),
            assumed_role_user: Some(assumed),
            packed_policy_size: packed_size(&session)?,
            source_identity: request.passed.source_identity,
        })
    }
}

/// Has the role's last use noted, once a day.
fn note_use(cx: &Context<'_>, role: &Role) {
    let (region, now) = (cx.region().clone(), cx.now);
    if role_needs_touch(role, &region, now) {
        let arn = role.arn.clone();
        cx.defer(move |tx| {
            if let Err(error) = touch_role(tx, &arn, &region, now) {
                tracing::warn!(role = arn, %error, "its last use was not noted");
            }
        });
    }
}

fn check_duration(cx: &Context<'_>, role: &Role, seconds: i32) -> Result<(), ServiceError> {
    // A user's own session token makes no chain.
    let chained = cx.caller.session.is_some() && cx.caller.principal.is_role_session();
    let text = if seconds > role.max_session_duration {
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    } else if chained && seconds > HOUR {
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    } else {
        return Ok(());
    };
    Err(ServiceError::client("ValidationError", text))
}

fn session(view: &View, role: &Role, request: &Request, now: Timestamp) -> Result<Session, Failure> {
    let arn: Arn = role.arn.parse().map_err(Failure::internal)?;
    let account = arn.account_id().ok_or_else(|| Failure::internal("a role without account"))?;
    let principal = role_session(role, arn, &account, &request.session_name);
    let mut session = Session::new(principal, account, now, request.seconds);
    let (inline, managed) = (request.inline_policy.as_deref(), &request.managed_policies);
    session.policies = session_policies(view, &session.account, inline, managed)?;
    session.tags.clone_from(&request.passed.tags);
    session.transitive.clone_from(&request.passed.transitive);
    session.source_identity.clone_from(&request.passed.source_identity);
    Ok(session)
}
