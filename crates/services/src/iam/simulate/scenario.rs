//! From a request to what is asked of the evaluator.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::iam::error::{invalid_input_exception, no_such_entity_exception};
use landfall_base::{AccountId, Arn};
use landfall_iam::{Context as Conditions, Policy, PolicyKind, Principal, ResourceService, reference};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::super::entity::{Entity, find_by_arn};
use super::super::organization::{ControlKind, Levels, levels_of};
use super::super::policies::{AttachedPolicy, PrincipalPolicies, entity_policies, policies_of};
use super::super::record::{Group, Role, User};
use super::context_keys;
use crate::pipe::{Context, Failure, Permission};

/// Whose policies are simulated.
#[derive(Debug)]
pub(in crate::iam) struct Source {
    /// `None` if the policies are nobody's.
    principal: Option<Principal>,
    policies: PrincipalPolicies,
}

/// Everything but actions and resources.
#[derive(Debug)]
pub(in crate::iam) struct Scenario {
    pub(super) principal: Principal,
    pub(super) policies: PrincipalPolicies,
    pub(super) resource_policy: Option<Arc<Policy>>,
    pub(super) owner: Option<AccountId>,
    pub(super) context: Conditions,
    /// Keys that the caller gave.
    pub(super) given: Vec<String>,
    pub(super) scp: Levels,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
}

/// No principal's policies.
pub(in crate::iam) fn custom_source() -> Source {
    Source { principal: None, policies: PrincipalPolicies::default() }
}

/// The policies of a user (with those of its groups), a group or a role; `None` if there is none of that ARN in the
/// caller's account.
fn principal_source(cx: &Context<'_>, view: &View, arn: &str) -> Result<Option<Source>, Failure> {
    let own = arn.parse::<Arn>().ok().and_then(|arn| arn.account_id()).as_ref() == Some(cx.account());
    if !own {
        return Ok(None);
    }
    if let Some(principal) = principal_of(view, arn)? {
        let policies = named(policies_of(view, &principal)?, &principal);
        return Ok(Some(Source { principal: Some(principal), policies }));
    }
    let Some(group) = find_by_arn::<Group>(view, arn)? else { return Ok(None) };
    let mut policies = entity_policies(view, cx.account(), group.as_ref())?;
    policies.identity.iter_mut().for_each(|policy| name_inline(policy, Group::KIND, &group.name));
    Ok(Some(Source { principal: None, policies }))
}

/// The user of an ARN, or a session of the role.
fn principal_of(view: &View, arn: &str) -> Result<Option<Principal>, Failure> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let Some(account) = parsed.account_id() else { return Ok(None) };
    if let Some(user) = find_by_arn::<User>(view, arn)?.filter(|_| parsed.resource().starts_with("user/")) {
        return Ok(Some(Principal::user(parsed, &account, &user.id)));
    }
    let role = find_by_arn::<Role>(view, arn)?;
    Ok(role.map(|role| Principal::role_session(parsed, &account, &role.id, "simulated")))
}

/// Names inline policies as `SourcePolicyId` does: `user_<user>_<policy>`.
fn named(mut policies: PrincipalPolicies, principal: &Principal) -> PrincipalPolicies {
    let (kind, name) = match principal.user_name() {
        Some(name) => (User::KIND, name),
        None => (Role::KIND, principal.principal_arn().map(Arn::resource).unwrap_or_default()),
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    for policy in &mut policies.identity {
        match policy.group.clone() {
            Some(group) => name_inline(policy, Group::KIND, &group),
            None => name_inline(policy, kind, name),
        }
    }
    policies
}

fn name_inline(policy: &mut AttachedPolicy, kind: &str, owner: &str) {
    if !policy.managed {
        policy.name = format!("{kind}_{owner}_{}", policy.name);
    }
}

/// The user, group or role whose policies a call is about, if there is one of that ARN.
#[derive(Debug)]
pub struct SourceTarget {
    arn: Arn,
    source: Option<Source>,
}

impl SourceTarget {
    /// Looks up an ARN.
    ///
    /// # Errors
    /// `InvalidInput` for what is no ARN.
    pub(in crate::iam) fn find(cx: &Context<'_>, view: &View, arn: &str) -> Result<Self, Failure> {
        let invalid = |_| invalid_input_exception(format!("ARN {arn} is not valid."));
        Ok(Self { arn: arn.parse().map_err(invalid)?, source: principal_source(cx, view, arn)? })
    }

    /// A check on it.
    pub(in crate::iam) fn permission(&self, action: &'static str) -> Permission {
        Permission::on(action, &self.arn)
    }

    /// Its policies.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(in crate::iam) fn into_source(self) -> Result<Source, Failure> {
        let missing = || no_such_entity_exception(format!("The entity {} cannot be found.", self.arn));
        Ok(self.source.ok_or_else(missing)?)
    }
}

/// The condition keys that a principal's policies and further ones ask for.
///
/// # Errors
/// `InvalidInput` for documents that are no policies.
pub(in crate::iam) fn keys_of(source: Option<&Source>, documents: &[String]) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    for policy in source.iter().flat_map(|source| &source.policies.identity) {
        context_keys(policy.policy.text(), &mut keys);
    }
    for policy in parsed("PolicyInputList", documents)? {
        context_keys(policy.policy.text(), &mut keys);
    }
    Ok(keys)
}

impl Scenario {
    /// Reads a request; `source` is whose policies count beside those of the request.
    ///
    /// # Errors
    /// `InvalidInput` for policies and ARNs that are none.
    pub(in crate::iam) fn read(
        cx: &Context<'_>,
        view: &View,
        source: Source,
        input: api::SimulateCustomPolicyRequest,
    ) -> Result<Self, Failure> {
        let mut policies = source.policies;
        policies.identity.extend(parsed("PolicyInputList", &input.policy_input_list)?);
        let boundary = input.permissions_boundary_policy_input_list.unwrap_or_default();
        if let Some(policy) = parsed("PermissionsBoundaryPolicyInputList", &boundary)?.pop() {
            policies.boundary = Some(policy);
        }
        if input.resource_policy.is_some() && input.caller_arn.is_none() && source.principal.is_none() {
            return Err(invalid_input_exception("CallerArn must be specified with ResourcePolicy.").into());
        }
        let principal = caller(cx, view, input.caller_arn.as_deref(), source.principal)?;
        let (context, given) = context(&policies, input.context_entries.unwrap_or_default())?;
        let management = &cx.installation.default_account;
        Ok(Self {
            scp: levels_of(view, management, principal.account(), ControlKind::Service)?,
            principal,
            policies,
            resource_policy: input.resource_policy.as_deref().map(resource_policy).transpose()?,
            owner: input.resource_owner.as_deref().map(owner).transpose()?,
            context,
            given,
            actions: actions(input.action_names)?,
            resources: resources(input.resource_arns)?,
        })
    }
}

fn parsed(list: &str, documents: &[String]) -> Result<Vec<AttachedPolicy>, ServiceError> {
    let parse = |(at, document): (usize, &String)| {
        let policy = Policy::parse(document, PolicyKind::Identity);
        let policy = policy.map_err(|error| invalid_input_exception(error.message()))?;
        Ok(AttachedPolicy {
            name: format!("{list}.{}", at + 1),
            managed: false,
            group: None,
            policy: Arc::new(policy),
        })
    };
    documents.iter().enumerate().map(parse).collect()
}

fn resource_policy(document: &str) -> Result<Arc<Policy>, ServiceError> {
    let policy = Policy::parse(document, PolicyKind::Resource(ResourceService::Other));
    policy.map(Arc::new).map_err(|error| invalid_input_exception(error.message()))
}

/// The account that `ResourceOwner` means: its number, or an ARN in it.
fn owner(text: &str) -> Result<AccountId, ServiceError> {
    let account = text.parse().ok().or_else(|| text.parse::<Arn>().ok()?.account_id());
    account.ok_or_else(|| invalid_arn(text))
}

fn resources(arns: Option<Vec<String>>) -> Result<Vec<String>, ServiceError> {
    let arns = arns.unwrap_or_else(|| vec!["*".to_owned()]);
    match arns.iter().find(|arn| *arn != "*" && arn.parse::<Arn>().is_err()) {
        Some(arn) => Err(invalid_arn(arn)),
        None => Ok(arns),
    }
}

fn invalid_arn(text: &str) -> ServiceError {
    invalid_input_exception(format!("ARN {text} is not valid."))
}

fn actions(names: Vec<String>) -> Result<Vec<String>, ServiceError> {
    match names.iter().find(|name| !is_action(name)) {
        Some(name) => Err(invalid_input_exception(format!("Invalid action name: {name}"))),
        None => Ok(names),
    }
}

/// Whether there may be an action of that name. Of services that are not known here every one may be.
fn is_action(name: &str) -> bool {
    let Some((service, action)) = name.split_once(':') else { return false };
    let plain =
        |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let known = reference::action_resources(name).is_some() || !reference::covers_service(service);
    plain(service) && plain(action) && known
}

/// Who calls: the named user or role, the source, or somebody without name.
fn caller(
    cx: &Context<'_>,
    view: &View,
    arn: Option<&str>,
    source: Option<Principal>,
) -> Result<Principal, Failure> {
    let Some(arn) = arn else {
        return Ok(source.unwrap_or_else(|| unnamed(cx.account())));
    };
    if arn.parse::<Arn>().is_err() {
        return Err(invalid_input_exception(format!("ARN {arn} is not valid.")).into());
    }
    let missing = || no_such_entity_exception(format!("The caller {arn} cannot be found."));
    Ok(principal_of(view, arn)?.ok_or_else(missing)?)
}

/// A principal whose policies are all in the request. It is no user, so that `aws:username` stays absent.
fn unnamed(account: &AccountId) -> Principal {
    let role = Arn::global("iam", account.as_str(), "role/simulated");
    Principal::role_session(role, account, "AROASIMULATED", "simulated")
}

fn context(
    policies: &PrincipalPolicies,
    entries: Vec<api::ContextEntry>,
) -> Result<(Conditions, Vec<String>), ServiceError> {
    let (mut context, mut given) = (Conditions::new(), Vec::new());
    for (key, value) in &policies.tags {
        context.set_tag("aws:PrincipalTag", key, value.as_str());
        given.push(format!("aws:PrincipalTag/{key}"));
    }
    for entry in entries {
        let Some(key) = entry.context_key_name else { continue };
        let values = entry.context_key_values.unwrap_or_default();
        let kind = entry.context_key_type.as_ref().map_or("string", api::ContextKeyTypeEnum::as_str);
        if let Some(wrong) = values.iter().find(|value| !is_of_type(kind, value)) {
            let text = format!("Invalid value {wrong} of the context key {key}: it is not of type {kind}.");
            return Err(invalid_input_exception(text));
        }
        context.set_all(key.as_str(), values);
        given.push(key);
    }
    Ok((context, given))
}

/// Whether a value is what the type of its key, or of the items in its list, says.
fn is_of_type(kind: &str, value: &str) -> bool {
    match kind.trim_end_matches("List") {
        "numeric" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => matches!(value, "true" | "false"),
        "ip" => value.split('/').next().unwrap_or_default().parse::<std::net::IpAddr>().is_ok(),
        _ => true,
    }
}
