//! `ListAllowedPrincipals`: which users and roles may do something to a resource, as their policies are now. Sessions with
//! policies or tags of their own may differ from their role.

use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::{
    Context as Conditions, Decision, Layer, Policy, Principal, ResourceKind, evaluate, reference,
};
use landfall_store::View;

use super::is_of_default_account;
use crate::ecr::registry::registry_policy;
use crate::iam::organization::{self, ControlKind, Levels, levels_of};
use crate::iam::record::{ROLES, USERS};
use crate::iam::simulate::{Question, ask};
use crate::iam::{accounts, policies_of};
use crate::landfall::resource_keys::keys_of;
use crate::landfall::resource_policies::{ResourcePolicy, policy_of_resource};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListAllowedPrincipals {
    type Request = Checked<api::ListAllowedPrincipalsRequest>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("landfall:ListAllowedPrincipals")))
    }
}

impl ReadHandler for api::ListAllowedPrincipals {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let search = Search::new(cx, view, &input)?;
        let mut principals = Vec::new();
        for (account, _) in accounts(view)? {
            // Principals of other accounts are the business of those who look after the installation.
            if account == *cx.account() || is_of_default_account(cx) {
                principals.extend(search.in_account(cx, view, &account)?);
            }
        }
        Ok(api::ListAllowedPrincipalsResponse { principals })
    }
}

/// Every user may get a session token, whatever policies say (IAM User Guide, "Permissions for GetSessionToken").
const SESSION_TOKEN: &str = "sts:GetSessionToken";

/// What is asked about every principal.
struct Search<'a> {
    action: &'a str,
    resource: &'a str,
    owner: Option<AccountId>,
    policy: Option<ResourcePolicy>,
    /// The policy of the registry that a repository is in.
    registry: Option<Arc<Policy>>,
    context: Conditions,
    rcp: Levels,
}

impl<'a> Search<'a> {
    fn new(
        cx: &Context<'_>,
        view: &View,
        input: &'a api::ListAllowedPrincipalsRequest,
    ) -> Result<Self, Failure> {
        let arn = input.resource.parse::<Arn>().ok();
        if arn.is_none() && input.resource != "*" {
            let text = format!("resource `{}` is not an ARN: expected one, or `*`", input.resource);
            return Err(api::error::invalid_parameter_exception(text).into());
        }
        check_action(&input.action, arn.is_some())?;
        let policy = arn.as_ref().map(|arn| policy_of_resource(view, arn)).transpose()?.flatten();
        // A trust policy says who may become the role, not who may change it.
        let policy = policy.filter(|policy| !policy.is_role_trust() || input.action.starts_with("sts:"));
        let named = arn.as_ref().and_then(Arn::account_id);
        let owner = policy.as_ref().map(|policy| policy.owner.clone()).or(named);
        let management = &cx.installation.default_account;
        Ok(Self {
            action: &input.action,
            resource: &input.resource,
            rcp: levels_of(view, management, owner.as_ref(), ControlKind::Resource)?,
            context: context(cx, view, input, arn.as_ref(), owner.as_ref())?,
            owner,
            policy,
            registry: arn
                .as_ref()
                .map(|arn| registry_policy(view, &input.action, arn))
                .transpose()?
                .flatten(),
        })
    }

    /// The root user, users and roles of an account that may.
    fn in_account(
        &self,
        cx: &Context<'_>,
        view: &View,
        account: &AccountId,
    ) -> Result<Vec<api::AllowedPrincipal>, Failure> {
        let scp = levels_of(view, &cx.installation.default_account, Some(account), ControlKind::Service)?;
        let mut candidates = vec![(Arn::global("iam", account.as_str(), "root"), Principal::root(account))];
        for (_, user) in view.list(&USERS, (account,))? {
            let arn: Arn = user.arn.parse().map_err(Failure::internal)?;
            candidates.push((arn.clone(), Principal::user(arn, account, &user.id)));
        }
        for (_, role) in view.list(&ROLES, (account,))? {
            let arn: Arn = role.arn.parse().map_err(Failure::internal)?;
            let session = Principal::role_session(arn.clone(), account, &role.id, "any");
            let linked = role.path.starts_with("/aws-service-role/");
            candidates.push((arn, if linked { session.service_linked() } else { session }));
        }
        let mut allowed = Vec::new();
        for (arn, principal) in candidates {
            allowed.extend(
                self.ask(view, &principal, &scp)?.map(|(layer, deciding)| api::AllowedPrincipal {
                    arn: arn.to_string(),
                    layer,
                    deciding,
                }),
            );
        }
        Ok(allowed)
    }

    /// The layer that allows, and the statement.
    fn ask(
        &self,
        view: &View,
        principal: &Principal,
        scp: &Levels,
    ) -> Result<Option<(String, Option<String>)>, Failure> {
        if self.action.eq_ignore_ascii_case(SESSION_TOKEN) {
            // Neither allowed nor denied by policies; not for sessions.
            let lasting = principal.user_name().is_some() || principal.is_root();
            return Ok(lasting.then(|| (layer_name(Layer::Inherent), None)));
        }
        let policies = policies_of(view, principal)?;
        let mut context = self.context.clone();
        for (key, value) in &policies.tags {
            context.set_tag("aws:PrincipalTag", key, value.as_str());
        }
        if let Some(account) = principal.account().filter(|_| is_kms(self.action)) {
            context.set("kms:CallerAccount", account.as_str());
        }
        context.set("aws:PrincipalOrgID", organization::ID);
        context.set_all("aws:PrincipalOrgPaths", [organization::PATH]);
        let question = Question {
            principal,
            policies: &policies,
            action: self.action,
            resource: self.resource,
            owner: self.owner.as_ref(),
            context: &context,
            resource_policy: self.policy.as_ref().map(|policy| policy.policy.as_ref()),
            outer_policy: self.registry.as_deref(),
            resource_kind: self.policy.as_ref().map_or(ResourceKind::Ordinary, ResourcePolicy::kind),
            scp,
            rcp: &self.rcp,
        };
        Ok(ask(&question, |request, layers| outcome(&evaluate(request, layers))))
    }
}

fn outcome(decision: &Decision<'_>) -> Option<(String, Option<String>)> {
    let deciding = decision.deciding.map(|statement| {
        let sid = statement.sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
        format!(
            "policy {}, statement {}{sid}",
            statement.arn.unwrap_or(statement.policy),
            statement.index + 1
        )
    });
    decision.is_allowed().then(|| (layer_name(decision.layer), deciding))
}

fn layer_name(layer: Layer) -> String {
    let layer = serde_json::to_value(layer).ok();
    layer.and_then(|layer| layer.as_str().map(str::to_owned)).unwrap_or_default()
}

fn is_kms(action: &str) -> bool {
    action.split_once(':').is_some_and(|(service, _)| service.eq_ignore_ascii_case("kms"))
}

/// Refuses actions that do not exist, and resources of actions that have none.
fn check_action(action: &str, has_resource: bool) -> Result<(), Failure> {
    let refuse = |text: String| Err(api::error::invalid_parameter_exception(text).into());
    let Some((service, _)) = action.split_once(':') else {
        return refuse(format!("action `{action}` names no service: expected `service:Action`"));
    };
    match reference::action_resources(action) {
        None if reference::covers_service(service) => {
            refuse(format!("`{action}` is no action of `{service}`"))
        }
        Some([]) if has_resource => {
            refuse(format!("`{action}` is about no single resource: give `*` in place of an ARN"))
        }
        _ => Ok(()),
    }
}

/// The keys that a call made now would have, those of the resource, and in their place those that the request gives.
fn context(
    cx: &Context<'_>,
    view: &View,
    input: &api::ListAllowedPrincipalsRequest,
    arn: Option<&Arn>,
    owner: Option<&AccountId>,
) -> Result<Conditions, Failure> {
    let region = arn.map(Arn::region).filter(|region| !region.is_empty());
    let mut context = Conditions::new();
    context
        .set("aws:CurrentTime", cx.now.iso8601())
        .set("aws:EpochTime", cx.now.whole_seconds().to_string())
        .set("aws:RequestedRegion", region.unwrap_or(cx.region().as_str()))
        .set("aws:SecureTransport", cx.caller.secure_transport.to_string())
        .set("aws:ResourceAccount", owner.unwrap_or(cx.account()).as_str())
        .set("aws:ResourceOrgID", organization::ID)
        .set_all("aws:ResourceOrgPaths", [organization::PATH]);
    let resource = arn.map(|arn| keys_of(cx, view, arn)).transpose()?;
    for (key, values) in resource.unwrap_or_default() {
        context.set_all(key, values);
    }
    for entry in input.context.iter().flatten() {
        context.set_all(entry.key.as_str(), entry.values.iter().map(String::as_str));
    }
    Ok(context)
}
