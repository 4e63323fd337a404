//! `AssumeRole`: temporary credentials of a role.

use std::sync::Arc;

use landfall_api::sts as api;
use landfall_base::{Arn, Timestamp};
use landfall_iam::{Policy, PolicyKind, Principal};
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::iam::record::{ROLES, Role, key_name};
use crate::iam::{managed_policy, role_needs_touch, touch_role};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve, ResourceGuard};
use crate::sts::token::Session;

/// One hour, in seconds: the default, and the most when roles are chained.
const HOUR: i32 = 3600;

/// What AWS says of tokens that grow too big: a limit on the inline session policy, in characters.
const POLICY_LIMIT: usize = 2048;

/// A role to become.
#[derive(Debug)]
pub struct Request {
    role_arn: Arn,
    role: Option<Arc<Role>>,
    session_name: String,
    seconds: i32,
    session_policies: Vec<String>,
    tags: Vec<(String, String)>,
    source_identity: Option<String>,
}

impl Resolve for api::AssumeRole {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let role_arn = role_arn(&input.role_arn)?;
        let role = find_role(view, &role_arn)?;
        let tags: Vec<_> =
            input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        let permissions = permissions(&input, &role_arn, role.as_deref(), &tags);
        let request = Request {
            session_policies: session_policies(view, &input)?,
            session_name: input.role_session_name,
            seconds: input.duration_seconds.unwrap_or(HOUR),
            source_identity: input.source_identity.or_else(|| inherited_identity(cx)),
            role_arn,
            role,
            tags,
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

fn inherited_identity(cx: &Context<'_>) -> Option<String> {
    cx.caller.session.as_ref()?.source_identity.clone()
}

fn permissions(
    input: &api::AssumeRoleRequest,
    role_arn: &Arn,
    role: Option<&Role>,
    tags: &[(String, String)],
) -> Vec<Permission> {
    let guard = role.map(|role| ResourceGuard { policy: Arc::clone(&role.trust), role_trust: true });
    let on_role = |action| {
        let mut permission = Permission::on(action, role_arn)
            .with("sts:RoleSessionName", &input.role_session_name)
            .with_some("sts:ExternalId", input.external_id.as_deref())
            .with_some("sts:SourceIdentity", input.source_identity.as_deref())
            .with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        permission.guard = guard.clone();
        permission
    };
    let mut permissions = vec![on_role("sts:AssumeRole")];
    permissions.extend((!tags.is_empty()).then(|| on_role("sts:TagSession")));
    permissions.extend(input.source_identity.as_ref().map(|_| on_role("sts:SetSourceIdentity")));
    permissions
}

fn session_policies(view: &View, input: &api::AssumeRoleRequest) -> Result<Vec<String>, Failure> {
    let mut policies = Vec::new();
    if let Some(text) = &input.policy {
        if text.chars().count() > POLICY_LIMIT {
            let text = "The session policy is longer than 2048 characters.";
            return Err(api::error::packed_policy_too_large_exception(text).into());
        }
        let parsed = Policy::parse(text, PolicyKind::Session);
        parsed.map_err(|error| api::error::malformed_policy_document_exception(error.to_string()))?;
        policies.push(text.clone());
    }
    for arn in input.policy_arns.iter().flatten().filter_map(|descriptor| descriptor.arn.as_deref()) {
        let policy = managed_policy(view, arn)?;
        let missing = || {
            ServiceError::client(
                "ValidationError",
                format!("Policy {arn} does not exist or is not attachable."),
            )
        };
        policies.push(policy.ok_or_else(missing)?.text().to_owned());
    }
    Ok(policies)
}

impl ReadHandler for api::AssumeRole {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
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
        let session = session(role, &request, cx.now)?;
        note_use(cx, role);
        let assumed = api::AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.id, request.session_name),
            arn: session.principal.display().to_owned(),
        };
        let packed = !session.policies.is_empty() || !session.tags.is_empty();
        Ok(api::AssumeRoleResponse {
            credentials: Some(session.credentials(cx.vault())?),
            assumed_role_user: Some(assumed),
            packed_policy_size: packed.then(|| packed_size(&session)),
            source_identity: request.source_identity,
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
    let chained = cx.caller.session.is_some();
    let text = if seconds > role.max_session_duration {
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    } else if chained && seconds > HOUR {
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    } else {
        return Ok(());
    };
    Err(ServiceError::client("ValidationError", text))
}

fn session(role: &Role, request: &Request, now: Timestamp) -> Result<Session, Failure> {
    let arn: Arn = role.arn.parse().map_err(Failure::internal)?;
    let account = arn.account_id().ok_or_else(|| Failure::internal("a role without account"))?;
    let principal = Principal::role_session(arn, &account, &role.id, &request.session_name);
    let mut session = Session::new(principal, account, now, request.seconds);
    session.policies.clone_from(&request.session_policies);
    session.tags.clone_from(&request.tags);
    session.source_identity.clone_from(&request.source_identity);
    Ok(session)
}

/// Percentage of the space that AWS's packed form has; ours is not packed, so this is of the characters.
fn packed_size(session: &Session) -> i32 {
    let policies: usize = session.policies.iter().map(String::len).sum();
    let tags: usize = session.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    i32::try_from((policies + tags) * 100 / (POLICY_LIMIT * 2)).unwrap_or(100).clamp(1, 100)
}
