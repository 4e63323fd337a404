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
pub struct Wanted {
    role_arn: Arn,
    role: Option<Arc<Role>>,
    session_name: String,
    seconds: i32,
    inline_policy: Option<String>,
    managed_policies: Vec<api::PolicyDescriptorType>,
    passed: Passed,
}

impl Wanted {
    /// A session without policies and tags.
    pub(super) fn new(
        role_arn: Arn,
        role: Option<Arc<Role>>,
        session_name: String,
        seconds: Option<i32>,
    ) -> Self {
        Self {
            role_arn,
            role,
            session_name,
            seconds: seconds.unwrap_or(HOUR),
            inline_policy: None,
            managed_policies: Vec::new(),
            passed: Passed::default(),
        }
    }

    /// With policies that narrow it.
    pub(super) fn with_policies(
        mut self,
        inline: Option<String>,
        managed: Option<Vec<api::PolicyDescriptorType>>,
    ) -> Self {
        (self.inline_policy, self.managed_policies) = (inline, managed.unwrap_or_default());
        self
    }
}

/// What comes of it.
pub(super) struct Issued {
    pub(super) credentials: api::Credentials,
    pub(super) user: api::AssumedRoleUser,
    pub(super) packed_policy_size: Option<i32>,
}

impl Resolve for api::AssumeRole {
    type Request = Checked<Wanted>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let role_arn = role_arn(&input.role_arn)?;
        check_second_factor(input.serial_number.as_deref(), input.token_code.as_deref())?;
        let role = find_role(view, &role_arn)?;
        let passed = Passed::of(cx.caller.session.as_deref(), &input)?;
        let permissions = permissions(&input, &role_arn, role.as_deref(), &passed);
        let wanted = Wanted::new(role_arn, role, input.role_session_name, input.duration_seconds)
            .with_policies(input.policy, input.policy_arns);
        Ok(Checked::all(Wanted { passed, ..wanted }, permissions))
    }
}

pub(super) fn role_arn(text: &str) -> Result<Arn, Failure> {
    let invalid = || ServiceError::client("ValidationError", format!("{text} is invalid"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let is_role = arn.service() == "iam" && arn.account_id().is_some() && arn.resource().starts_with("role/");
    if is_role { Ok(arn) } else { Err(invalid().into()) }
}

pub(super) fn find_role(view: &View, arn: &Arn) -> Result<Option<Arc<Role>>, Failure> {
    let Some(account) = arn.account_id() else { return Ok(None) };
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let role = view.get(&ROLES, &(&account, key_name(name).as_str()))?;
    Ok(role.filter(|role| role.arn == arn.as_str()))
}

/// A check on a role, with its trust policy and its tags.
pub(super) fn role_permission(action: &'static str, role_arn: &Arn, role: Option<&Role>) -> Permission {
    let mut permission = Permission::on(action, role_arn);
    permission.guard = role.map(|role| ResourceGuard { policy: Arc::clone(&role.trust), role_trust: true });
    with_tags_of(permission, role.map_or(&[], |role| &role.tags))
}

fn permissions(
    input: &api::AssumeRoleRequest,
    role_arn: &Arn,
    role: Option<&Role>,
    passed: &Passed,
) -> Vec<Permission> {
    let on_role = |action| {
        let mut permission = role_permission(action, role_arn, role)
            .with("sts:RoleSessionName", &input.role_session_name)
            .with_some("sts:ExternalId", input.external_id.as_deref())
            .with_some("sts:SourceIdentity", passed.source_identity.as_deref())
            .with_request_tags(passed.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        if !passed.transitive.is_empty() {
            permission = permission.with_all("sts:TransitiveTagKeys", passed.transitive.iter().cloned());
        }
        permission
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
        let issued = issue(cx, view, &request)?;
        Ok(api::AssumeRoleResponse {
            credentials: Some(issued.credentials),
            assumed_role_user: Some(issued.user),
            packed_policy_size: issued.packed_policy_size,
            source_identity: request.passed.source_identity,
        })
    }
}

/// Makes the session.
pub(super) fn issue(cx: &Context<'_>, view: &View, wanted: &Wanted) -> Result<Issued, Failure> {
    let Some(role) = &wanted.role else {
        // Only without enforcement does a missing role come this far.
        let text = format!("Role {} does not exist.", wanted.role_arn);
        return Err(ServiceError::with_status("AccessDenied", 403, text).into());
    };
    check_duration(cx, role, wanted.seconds)?;
    let session = session(view, role, wanted, cx.now)?;
    let packed_policy_size = packed_size(&session)?;
    note_use(cx, role);
    let user = api::AssumedRoleUser {
        assumed_role_id: format!("{}:{}", role.id, wanted.session_name),
        arn: session.principal.display().to_owned(),
    };
    Ok(Issued { credentials: session.credentials(cx.vault())?, user, packed_policy_size })
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

fn session(view: &View, role: &Role, request: &Wanted, now: Timestamp) -> Result<Session, Failure> {
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
