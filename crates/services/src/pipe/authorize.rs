//! The authorizer: the only maker of [`Authorized`].

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use landfall_base::{AccountId, Region, Timestamp};
use landfall_iam::{
    Ask, Attached, Context as Conditions, Decision, Fix, Layer, Layers, Reason, Request, ResourceKind,
    ResourceLayer, StatementRef, Trace, evaluate, explain, suggest_fix_for_all, trace,
};
use landfall_shape::{Protocol, ServiceError, ServiceSchema};
use landfall_store::View;
use serde::{Deserialize, Serialize};

use super::audit::{audit_passed, audit_refusals};
use super::encoded;
use super::permission::{Guarded, Later, Permission};
use super::{Caller, Context, Failure, SessionFacts, SessionPolicy, user_sessions};
use crate::ec2::Way;
use crate::ec2::record::Endpoint;
use crate::iam::organization::{self, ControlKind, Levels, levels_of};
use crate::iam::{AttachedPolicy, PrincipalPolicies, policies_for};
use crate::s3::error as s3;

/// Whether refusals are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// Refused calls fail.
    Enforce,
    /// Refused calls pass; what would have been refused is logged.
    Audit,
    /// Nothing is evaluated.
    Off,
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enforce => "IAM enforced",
            Self::Audit => "IAM audited, not enforced",
            Self::Off => "IAM off",
        })
    }
}

/// A request that its caller may make. Only [`authorize`] makes one.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// The request.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Authorized<super::Checked<T>> {
    /// The request behind its checks.
    pub fn into_request(self) -> T {
        self.0.request
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One check that was made, as audit log and start trace keep it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Who asked.
    pub principal: String,
    /// `service:Action`
    pub action: String,
    /// The resource's ARN or `*`.
    pub resource: String,
    /// It may.
    pub allowed: bool,
    /// The kind of policy that decided.
    pub layer: Layer,
    /// The statement that decided, if one did: `policy X, statement 2 (Sid)`.
    pub deciding: Option<String>,
    /// AWS's sentence, for refusals.
    pub message: Option<String>,
    /// Statement by statement; for refusals only.
    pub trace: Option<Trace>,
    /// What nearly matched, and what kept it from matching; for refusals only.
    pub hints: Vec<String>,
    /// What to add so that it is allowed, evaluated again with that; for refusals only. For the first refusal of a call it
    /// allows the call's other checks as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Condition keys that the operation gave, beside the global ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<(String, Vec<String>)>,
}

/// Makes every check that `request` declares, in order, up to the first refusal. What was checked is added to `checks`.
///
/// # Errors
/// The service's denial, in AWS's words.
pub fn authorize<R: Guarded>(
    cx: &Context<'_>,
    view: &View,
    service: &ServiceSchema,
    request: R,
    checks: &mut Vec<CheckRecord>,
) -> Result<Authorized<R>, Failure> {
    if cx.installation.auth == AuthMode::Off {
        return Ok(Authorized(request));
    }
    let permissions = request.permissions();
    if let Some(refused) = user_sessions::refused(cx.caller, service, permissions) {
        enforce(cx, refused)?;
    }
    if permissions.is_empty() {
        return Ok(Authorized(request));
    }
    let policies = policies_for(view, cx.caller)?;
    for permission in permissions {
        let (record, refusal) = check(cx, view, &policies, service, permission)?;
        checks.push(record);
        let Some(refusal) = refusal else { continue };
        if let Some(record) = checks.last_mut() {
            record.fix = fix(cx, view, &policies, service, permissions, &request.later())?;
        }
        enforce(cx, refusal)?;
    }
    Ok(Authorized(request))
}

/// Makes one check in the middle of an operation: for operations that answer refusals item by item. The check is not
/// recorded beside those of the operation; a refusal is in the audit log all the same.
///
/// # Errors
/// The service's denial, in AWS's words.
pub fn is_allowed(
    cx: &Context<'_>,
    view: &View,
    service: &ServiceSchema,
    permission: &Permission,
) -> Result<(), Failure> {
    if cx.installation.auth == AuthMode::Off {
        return Ok(());
    }
    let policies = policies_for(view, cx.caller)?;
    let (mut record, refusal) = check(cx, view, &policies, service, permission)?;
    let Some(refusal) = refusal else { return Ok(()) };
    record.fix = fix(cx, view, &policies, service, std::slice::from_ref(permission), &[])?;
    audit_refusals(cx.call, &cx.caller.unsaid.hide_in(vec![record]));
    enforce(cx, refusal)
}

/// Whether a call that nobody makes would be allowed. An answer decides about nobody's access, so the audit log has none.
/// As long as refusals are not enforced everything is.
///
/// # Errors
/// A row cannot be read.
pub fn would_allow(
    cx: &Context<'_>,
    view: &View,
    service: &ServiceSchema,
    permission: &Permission,
) -> Result<bool, Failure> {
    if cx.installation.auth != AuthMode::Enforce {
        return Ok(true);
    }
    let policies = policies_for(view, cx.caller)?;
    let prepared = Prepared::new(cx, view, &policies, service, permission)?;
    Ok(prepared.ask(|request, layers| evaluate(request, layers).is_allowed()))
}

/// Returns a refusal, or lets it pass and says so.
fn enforce(cx: &Context<'_>, refusal: ServiceError) -> Result<(), Failure> {
    if cx.installation.auth == AuthMode::Enforce {
        return Err(refusal.into());
    }
    audit_passed(cx.call, &cx.caller.unsaid.hide(&refusal.message));
    Ok(())
}

/// What allows all checks of a call, those too that would be made after the first refusal.
fn fix(
    cx: &Context<'_>,
    view: &View,
    policies: &PrincipalPolicies,
    service: &ServiceSchema,
    permissions: &[Permission],
    later: &[Later],
) -> Result<Option<Fix>, Failure> {
    let now = permissions.iter().map(|it| Prepared::new(cx, view, policies, service, it));
    let later = later
        .iter()
        .map(|it| Prepared::new(&cx.as_caller(&it.caller), view, policies, service, &it.permission));
    Ok(suggest_fix_for_all(&now.chain(later).collect::<Result<Vec<_>, _>>()?))
}

/// The decision as the audit log keeps it, but for its fix, and the refusal.
fn check(
    cx: &Context<'_>,
    view: &View,
    policies: &PrincipalPolicies,
    service: &ServiceSchema,
    permission: &Permission,
) -> Result<(CheckRecord, Option<ServiceError>), Failure> {
    let prepared = Prepared::new(cx, view, policies, service, permission)?;
    prepared.ask(|request, layers| prepared.decide(cx, service, request, layers))
}

/// One check, with everything that has a say in it.
struct Prepared<'a> {
    caller: &'a Caller,
    policies: &'a PrincipalPolicies,
    permission: &'a Permission,
    passed: Passed,
    organization: Organization,
    conditions: Conditions,
}

impl<'a> Prepared<'a> {
    fn new(
        cx: &Context<'a>,
        view: &View,
        policies: &'a PrincipalPolicies,
        service: &ServiceSchema,
        permission: &'a Permission,
    ) -> Result<Self, Failure> {
        let passed = Passed::of(cx, view, service, permission)?;
        let region = requested_region(service.name, &cx.caller.region);
        let mut conditions = conditions(cx.caller, policies, cx.now, region, permission, &passed);
        add_organization(&mut conditions, cx.caller, permission);
        let organization = Organization::of(cx, view, permission)?;
        Ok(Self { caller: cx.caller, policies, permission, passed, organization, conditions })
    }

    /// See [`check`].
    fn decide(
        &self,
        cx: &Context<'_>,
        service: &ServiceSchema,
        request: &Request<'_>,
        layers: &Layers<'_>,
    ) -> Result<(CheckRecord, Option<ServiceError>), Failure> {
        let permission = self.permission;
        let decision = evaluate(request, layers);
        let denied = !decision.is_allowed();
        let trace = denied.then(|| trace(request, layers));
        let denial = denied.then(|| denial(service, permission, &decision, request));
        let record = CheckRecord {
            principal: self.caller.arn(),
            action: permission.action.to_owned(),
            resource: permission.resource.clone(),
            allowed: !denied,
            layer: decision.layer,
            deciding: decision.deciding.as_ref().map(statement_text),
            message: denial.as_ref().map(|denial| denial.message.clone()),
            hints: trace.as_ref().map(explain).unwrap_or_default(),
            fix: None,
            context: permission.context.iter().cloned().chain(self.passed.keys()).collect(),
            trace,
        };
        let mut refusal = match denial {
            Some(denial) if has_message(service, permission) => denial,
            denial => return Ok((record, denial)),
        };
        let message = encoded::encode(cx.vault(), cx.now, cx.account(), (request, layers, &decision))?;
        refusal.message.push_str(". Encoded authorization failure message: ");
        refusal.message.push_str(&message);
        Ok((record, Some(refusal)))
    }
}

impl Ask for Prepared<'_> {
    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        let permission = self.permission;
        let request = Request {
            principal: &self.caller.principal,
            action: permission.action,
            resource: &permission.resource,
            resource_account: permission.account.as_ref(),
            context: &self.conditions,
        };
        let stack = Stack::of(self.caller, self.policies, permission);
        let resource = stack.resource_layer(permission);
        let (scp, rcp) = (self.organization.scp.attached(), self.organization.rcp.attached());
        let scp: Vec<_> = scp.iter().map(Vec::as_slice).collect();
        let rcp: Vec<_> = rcp.iter().map(Vec::as_slice).collect();
        let through = self.passed.attached();
        let layers = Layers {
            identity: &stack.identity,
            boundary: &stack.boundary,
            session: &stack.session,
            resource,
            scp: &scp,
            rcp: &rcp,
            endpoint: &through,
        };
        answer(&request, &layers)
    }
}

/// Whether the refusal ends in a message that STS decodes: EC2's do, except of lists.
fn has_message(service: &ServiceSchema, permission: &Permission) -> bool {
    service.protocol == Protocol::Ec2Query && !permission.action.starts_with("ec2:Describe")
}

/// The VPC endpoint that a call passed on its way to the service, if it did.
struct Passed(Option<(Arc<Way>, Arc<Endpoint>)>);

impl Passed {
    /// What a service asks of another one for its caller does not come through the caller's endpoint.
    fn of(
        cx: &Context<'_>,
        view: &View,
        service: &ServiceSchema,
        permission: &Permission,
    ) -> Result<Self, Failure> {
        let own = permission.action.split(':').next() == Some(service.name);
        let mut keys = cx.caller.via.iter().chain(&permission.context).map(|(key, _)| key);
        let direct = own && keys.all(|key| key != "kms:ViaService");
        let Some(way) = cx.caller.way.as_ref().filter(|_| direct) else { return Ok(Self(None)) };
        Ok(Self(way.endpoint(view)?.map(|endpoint| (Arc::clone(way), endpoint))))
    }

    fn attached(&self) -> Vec<Attached<'_>> {
        self.0.iter().map(|(way, it)| Attached::to_resource(way.endpoint_id(), &it.policy)).collect()
    }

    /// The condition keys that only such calls have.
    fn keys(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        self.0.iter().flat_map(|(way, endpoint)| {
            let address = way.address.map(|address| ("aws:VpcSourceIp", address.to_string()));
            [("aws:SourceVpc", endpoint.vpc.clone()), ("aws:SourceVpce", way.endpoint_id().to_owned())]
                .into_iter()
                .chain(address)
                .map(|(key, value)| (key.to_owned(), vec![value]))
        })
    }
}

/// The policies of the organization that have a say in one check.
struct Organization {
    scp: Levels,
    rcp: Levels,
}

impl Organization {
    fn of(cx: &Context<'_>, view: &View, permission: &Permission) -> Result<Self, Failure> {
        let management = &cx.installation.default_account;
        let (caller, owner) = (cx.caller.principal.account(), owner(cx.caller, permission));
        Ok(Self {
            scp: levels_of(view, management, caller.filter(is_member), ControlKind::Service)?,
            rcp: levels_of(view, management, owner.filter(is_member), ControlKind::Resource)?,
        })
    }
}

/// Accounts of AWS's own are outside of every organization.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as `Option::filter` takes it")]
fn is_member(account: &&AccountId) -> bool {
    **account != *crate::lightsail::owner()
}

/// Whose the resource is: the caller's own, where nothing else is said.
fn owner<'a>(caller: &'a Caller, permission: &'a Permission) -> Option<&'a AccountId> {
    permission.account.as_ref().or(caller.principal.account())
}

/// The keys about the organization that caller and resource are in, and the account that a service calls for.
fn add_organization(conditions: &mut Conditions, caller: &Caller, permission: &Permission) {
    if caller.principal.account().filter(is_member).is_some() {
        conditions.set("aws:PrincipalOrgID", organization::ID);
        conditions.set_all("aws:PrincipalOrgPaths", [organization::PATH]);
    }
    let source = conditions.get("aws:SourceAccount").and_then(|values| values.first()).cloned();
    if source.and_then(|account| account.parse().ok()).is_some_and(|account| is_member(&&account)) {
        conditions.set("aws:SourceOrgID", organization::ID);
        conditions.set_all("aws:SourceOrgPaths", [organization::PATH]);
    }
    let Some(owner) = owner(caller, permission) else { return };
    conditions.set("aws:ResourceAccount", owner.as_str());
    if is_member(&owner) {
        conditions.set("aws:ResourceOrgID", organization::ID);
        conditions.set_all("aws:ResourceOrgPaths", [organization::PATH]);
    }
}

/// The policies of one check, in the form the evaluator takes.
struct Stack<'a> {
    identity: Vec<Attached<'a>>,
    boundary: Vec<Attached<'a>>,
    session: Vec<Attached<'a>>,
    resource: Vec<Attached<'a>>,
}

impl<'a> Stack<'a> {
    fn of(caller: &'a Caller, policies: &'a PrincipalPolicies, permission: &'a Permission) -> Self {
        let session = caller.session.iter().flat_map(|session| &session.policies);
        Self {
            identity: policies.identity.iter().map(AttachedPolicy::attached).collect(),
            boundary: policies.boundary.iter().map(AttachedPolicy::attached).collect(),
            session: session.map(attached_to_session).collect(),
            resource: permission.attached_guards().collect(),
        }
    }

    fn resource_layer<'b>(&'b self, permission: &'b Permission) -> Option<ResourceLayer<'b>> {
        let Some(guard) = permission.guard.as_ref() else {
            return permission.outer.as_ref().map(|_| ResourceLayer::ordinary(&self.resource));
        };
        Some(match &permission.key {
            Some(key) => {
                let kind = ResourceKind::KmsKey { grants: &key.grants, aws_managed: key.aws_managed };
                ResourceLayer { policies: &self.resource, kind }
            }
            None if guard.role_trust => ResourceLayer::role_trust(&self.resource),
            None => ResourceLayer::ordinary(&self.resource),
        })
    }
}

fn attached_to_session(it: &SessionPolicy) -> Attached<'_> {
    match &it.arn {
        Some(arn) => Attached::managed("session policy", arn, &it.policy),
        None => Attached::inline("session policy", &it.policy),
    }
}

/// `policy X, statement 2 (Sid)`; statements count from one.
fn statement_text(statement: &StatementRef<'_>) -> String {
    let sid = statement.sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
    format!("policy {}, statement {}{sid}", statement.arn.unwrap_or(statement.policy), statement.index + 1)
}

/// The condition context: what the operation says, and the keys that every call has (IAM User Guide, "AWS global
/// condition context keys"). Keys that do not apply stay absent.
fn conditions(
    caller: &Caller,
    policies: &PrincipalPolicies,
    now: Timestamp,
    region: &str,
    permission: &Permission,
    passed: &Passed,
) -> Conditions {
    let mut conditions = Conditions::new();
    conditions
        .set("aws:CurrentTime", now.iso8601())
        .set("aws:EpochTime", now.whole_seconds().to_string())
        .set("aws:RequestedRegion", region)
        .set("aws:SecureTransport", if caller.secure_transport { "true" } else { "false" });
    for (key, values) in passed.keys() {
        conditions.set_all(key.as_str(), values.iter().map(String::as_str));
    }
    if let Some(address) = caller.source_ip.filter(|_| passed.0.is_none()) {
        conditions.set("aws:SourceIp", address.to_string());
    }
    if let Some(agent) = &caller.user_agent {
        conditions.set("aws:UserAgent", agent.as_str());
    }
    for (key, value) in principal_tags(policies, caller.session.as_deref()) {
        conditions.set_tag("aws:PrincipalTag", key, value);
    }
    if let Some(session) = &caller.session {
        conditions
            .set("aws:TokenIssueTime", session.issued_at.iso8601())
            .set("aws:MultiFactorAuthPresent", if session.mfa { "true" } else { "false" });
        if let Some(identity) = &session.source_identity {
            conditions.set("aws:SourceIdentity", identity.as_str());
        }
    }
    for (key, values) in caller.via.iter().chain(&permission.context) {
        conditions.add_all(key.as_str(), values.iter().map(String::as_str));
    }
    conditions
}

/// The Region that a service is called in: IAM has one endpoint in each partition, whatever the client's Region is (IAM
/// User Guide, `aws:RequestedRegion`).
pub(crate) fn requested_region<'a>(service: &str, region: &'a Region) -> &'a str {
    match (service, region.partition()) {
        ("iam", "aws-cn") => "cn-north-1",
        ("iam", "aws-us-gov") => "us-gov-west-1",
        ("iam", _) => "us-east-1",
        _ => region.as_str(),
    }
}

/// The tags of the session, and of those of its user or role the ones whose key no tag of the session has, whatever its
/// case (AWS STS API Reference, `AssumeRole`, `Tags`).
fn principal_tags<'a>(
    policies: &'a PrincipalPolicies,
    session: Option<&'a SessionFacts>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let passed = session.map(|session| session.tags.as_slice()).unwrap_or_default();
    let taken = |key: &str| passed.iter().any(|(other, _)| other.eq_ignore_ascii_case(key));
    let own = policies.tags.iter().filter(move |(key, _)| !taken(key));
    own.chain(passed).map(|(key, value)| (key.as_str(), value.as_str()))
}

fn denial(
    service: &ServiceSchema,
    permission: &Permission,
    decision: &Decision<'_>,
    request: &Request<'_>,
) -> ServiceError {
    let mut message = decision.denial_through_service(request, permission.shown());
    if permission.key.as_ref().is_some_and(|key| key.by_ciphertext) {
        if decision.layer == Layer::Resource {
            message = ciphertext_refusal(request.principal.display(), permission.action);
        } else if permission.account.as_ref() != request.principal.account() {
            // The key lets the caller's account in, which has a say of its own.
            message = decision.denial_on_ciphertext(request);
        }
    }
    if decision.reason == Reason::NotAcrossAccounts && permission.action.starts_with("s3:") {
        return s3::method_not_allowed();
    }
    if permission.action == "sts:AssumeRoleWithWebIdentity" {
        // AWS tells nobody of whom it knows no more than a token.
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned();
    }
    if is_about_role(permission)
        && let Some((sentence, _)) = message.split_once(" because ")
    {
        // AWS gives no reason here, and the same sentence for a role that does not exist.
        message = sentence.to_owned();
    }
    match service.protocol {
        Protocol::AwsQuery => ServiceError::with_status("AccessDenied", 403, message),
        Protocol::Ec2Query => ServiceError::with_status(
            "UnauthorizedOperation",
            403,
            format!("You are not authorized to perform this operation. {message}"),
        ),
        Protocol::AwsJson10 | Protocol::AwsJson11 => ServiceError::client("AccessDeniedException", message),
    }
}

/// The refusal for ciphertexts of keys that are not there or do not let the caller in. One sentence for both, so that nobody
/// learns which.
pub(crate) fn ciphertext_refusal(principal: &str, action: &str) -> String {
    format!(
        "User: {principal} is not authorized to perform: {action} on the resource associated with this ciphertext because the \
         resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly \
         denies access"
    )
}

/// Whether the check is one of those for becoming a role.
fn is_about_role(permission: &Permission) -> bool {
    let one = matches!(permission.action, "sts:AssumeRole" | "sts:TagSession" | "sts:SetSourceIdentity");
    one && permission.resource.contains(":role/")
}
