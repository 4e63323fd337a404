//! Who may do something to a resource: every principal of the installation's accounts is asked, and whoever the policies on
//! the resource name beside them.

mod named;
mod provided;
mod subject;

use std::borrow::Cow;
use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_base::{AccountId, Arn, Region};
use landfall_iam::{Context as Conditions, Decision, Layer, Policy, Principal, Trace, evaluate, trace};
use landfall_store::View;

use crate::ecr::registry::registry_policy;
use crate::iam::organization::{self, ControlKind, Levels, levels_of};
use crate::iam::record::{ROLES, USERS};
use crate::iam::simulate::{Question, ask};
use crate::iam::{PrincipalPolicies, policies_of};
use crate::landfall::resource_keys::keys_of;
use crate::landfall::resource_policies::{ResourcePolicy, policy_of_resource};
use crate::pipe::{Context, Failure, everything, requested_region};
use crate::s3::record::BUCKETS;

/// Every user may get a session token, whatever policies say (IAM User Guide, "Permissions for GetSessionToken").
const SESSION_TOKEN: &str = "sts:GetSessionToken";

/// How everybody is shown.
const EVERYBODY: &str = "*";

/// What is asked about every principal.
pub(super) struct Search<'a> {
    action: &'a str,
    /// Its ARN as the service knows it, or `*`.
    resource: String,
    region: Region,
    /// The accounts whose principals are asked one by one.
    accounts: Vec<AccountId>,
    owner: Option<AccountId>,
    policy: Option<ResourcePolicy>,
    /// The policy of the registry that a repository is in.
    registry: Option<Arc<Policy>>,
    context: Conditions,
    rcp: Levels,
}

/// Somebody who may be allowed.
struct Candidate {
    /// How it is shown: an ARN, the name of a service, `*`.
    shown: String,
    principal: Principal,
    policies: Whose,
    /// What is not known of it and must hold.
    provided: Option<&'static str>,
}

/// Where the policies of a candidate come from.
enum Whose {
    /// What rows say of the principal.
    Stored,
    /// Nothing but the resource's policy counts.
    Nobodys,
    Own(PrincipalPolicies),
}

/// The layer that allows, and the statement.
type Found = (Layer, Option<String>);

impl Candidate {
    fn new(shown: &str, principal: Principal, policies: Whose, provided: Option<&'static str>) -> Self {
        Self { shown: shown.to_owned(), principal, policies, provided }
    }

    fn allowed(&self, (layer, deciding): Found, further: Option<String>) -> api::AllowedPrincipal {
        let provided: Vec<_> = self.provided.map(str::to_owned).into_iter().chain(further).collect();
        api::AllowedPrincipal {
            arn: self.shown.clone(),
            layer: layer_name(layer),
            deciding,
            provided: (!provided.is_empty()).then(|| provided.join(", ")),
        }
    }
}

impl<'a> Search<'a> {
    /// Reads a request. Principals of `accounts` are asked one by one.
    ///
    /// # Errors
    /// `InvalidParameterException`, or a row cannot be read.
    pub(super) fn new(
        cx: &Context<'_>,
        view: &View,
        input: &'a api::ListAllowedPrincipalsRequest,
        accounts: Vec<AccountId>,
    ) -> Result<Self, Failure> {
        let arn = input.resource.parse::<Arn>().ok();
        if arn.is_none() && input.resource != "*" {
            let text = format!("resource `{}` is not an ARN: expected one, or `*`", input.resource);
            return Err(api::error::invalid_parameter_exception(text).into());
        }
        subject::check(&input.action, arn.as_ref())?;
        let arn = arn.map(|arn| subject::known(cx, view, &input.action, arn)).transpose()?;
        let policy = arn.as_ref().map(|arn| policy_of_resource(view, arn)).transpose()?.flatten();
        // A trust policy says who may become the role, not who may change it.
        let policy = policy.filter(|policy| !policy.is_role_trust() || input.action.starts_with("sts:"));
        let owner = match &arn {
            Some(arn) => owner(view, &input.action, arn)?,
            None => None,
        };
        let management = &cx.installation.default_account;
        Ok(Self {
            action: &input.action,
            resource: arn.as_ref().map_or("*", Arn::as_str).to_owned(),
            region: cx.region().clone(),
            accounts,
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

    /// Everybody who may.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn run(&self, cx: &Context<'_>, view: &View) -> Result<Vec<api::AllowedPrincipal>, Failure> {
        let mut allowed = Vec::new();
        for account in &self.accounts {
            let scp = levels_of(view, &cx.installation.default_account, Some(account), ControlKind::Service)?;
            for candidate in candidates_of(view, account)? {
                let found = self.ask(view, &candidate, &scp)?;
                allowed.extend(found.map(|found| candidate.allowed(found, None)));
            }
        }
        // Who looks after one account learns of others only what the policies on its own resources say.
        if self.owner.as_ref().is_some_and(|owner| self.accounts.contains(owner)) {
            for candidate in self.named(view)? {
                self.ask_named(cx, view, &candidate, &mut allowed)?;
            }
        }
        Ok(allowed)
    }

    /// Asks about somebody whom a policy names; once more with the keys that its statements ask for, if none lets it in.
    fn ask_named(
        &self,
        cx: &Context<'_>,
        view: &View,
        candidate: &Candidate,
        allowed: &mut Vec<api::AllowedPrincipal>,
    ) -> Result<(), Failure> {
        let account = candidate.principal.account().filter(|account| self.accounts.contains(account));
        let scp = match account {
            Some(account) => {
                levels_of(view, &cx.installation.default_account, Some(account), ControlKind::Service)?
            }
            None => Levels::default(),
        };
        // Who may without credentials may with them.
        if candidate.shown == EVERYBODY && allowed.iter().any(|it| it.arn == EVERYBODY) {
            return Ok(());
        }
        if let Some(found) = self.ask(view, candidate, &scp)? {
            allowed.push(candidate.allowed(found, None));
            return Ok(());
        }
        let policies = self.policies(view, candidate)?;
        let near = self.trace(&candidate.principal, &policies, &scp);
        for provided in provided::nearly(&near) {
            let (principal, context) =
                (provided.principal(&candidate.principal), provided.context(&self.context));
            if let Some(found) = self.decide(&principal, &policies, &context, &scp) {
                allowed.push(candidate.allowed(found, Some(provided.text())));
            }
        }
        Ok(())
    }

    fn policies<'b>(
        &self,
        view: &View,
        candidate: &'b Candidate,
    ) -> Result<Cow<'b, PrincipalPolicies>, Failure> {
        Ok(match &candidate.policies {
            Whose::Stored => Cow::Owned(policies_of(view, &candidate.principal)?),
            Whose::Nobodys => Cow::Owned(PrincipalPolicies::default()),
            Whose::Own(policies) => Cow::Borrowed(policies),
        })
    }

    fn ask(&self, view: &View, candidate: &Candidate, scp: &Levels) -> Result<Option<Found>, Failure> {
        let principal = &candidate.principal;
        if self.action.eq_ignore_ascii_case(SESSION_TOKEN) {
            // Neither allowed nor denied by policies; not for sessions.
            let lasting = principal.user_name().is_some() || principal.is_root();
            return Ok(lasting.then_some((Layer::Inherent, None)));
        }
        if self.comes_with_token() && principal.account().is_some() {
            return Ok(None);
        }
        Ok(self.decide(principal, &*self.policies(view, candidate)?, &self.context, scp))
    }

    fn decide(
        &self,
        principal: &Principal,
        policies: &PrincipalPolicies,
        context: &Conditions,
        scp: &Levels,
    ) -> Option<Found> {
        let context = self.context_of(principal, policies, context);
        let resource = self.resource_for(principal);
        let question = Question { resource: &resource, ..self.question(principal, policies, &context, scp) };
        ask(&question, |request, layers| outcome(&evaluate(request, layers)))
    }

    fn trace(&self, principal: &Principal, policies: &PrincipalPolicies, scp: &Levels) -> Trace {
        let context = self.context_of(principal, policies, &self.context);
        ask(&self.question(principal, policies, &context, scp), trace)
    }

    /// The keys that depend on who calls.
    fn context_of(
        &self,
        principal: &Principal,
        policies: &PrincipalPolicies,
        context: &Conditions,
    ) -> Conditions {
        let mut context = context.clone();
        for (key, value) in &policies.tags {
            context.set_tag("aws:PrincipalTag", key, value.as_str());
        }
        let Some(account) = principal.account() else { return context };
        if self.service().eq_ignore_ascii_case("kms") {
            context.set("kms:CallerAccount", account.as_str());
        }
        if self.accounts.contains(account) {
            context.set("aws:PrincipalOrgID", organization::ID);
            context.set_all("aws:PrincipalOrgPaths", [organization::PATH]);
        }
        context
    }

    fn question<'b>(
        &'b self,
        principal: &'b Principal,
        policies: &'b PrincipalPolicies,
        context: &'b Conditions,
        scp: &'b Levels,
    ) -> Question<'b> {
        let stranger = principal.account() != self.owner.as_ref();
        let policy = self.policy.as_ref().filter(|policy| !(stranger && policy.is_restricted()));
        Question {
            principal,
            policies,
            action: self.action,
            resource: &self.resource,
            owner: self.owner.as_ref(),
            context,
            resource_policy: policy.map(|policy| policy.policy.as_ref()),
            outer_policy: self.registry.as_deref(),
            resource_kind: policy.map(ResourcePolicy::kind),
            scp,
            rcp: &self.rcp,
        }
    }

    /// What a call of the principal would be about.
    fn resource_for(&self, principal: &Principal) -> Cow<'_, str> {
        let everything = principal
            .account()
            .filter(|_| self.resource == "*")
            .and_then(|account| everything(self.action, &self.region, account));
        everything.map_or(Cow::Borrowed(self.resource.as_str()), |arn| Cow::Owned(arn.to_string()))
    }

    fn service(&self) -> &str {
        self.action.split(':').next().unwrap_or_default()
    }

    /// Whether callers are known by the token of an identity provider only.
    fn comes_with_token(&self) -> bool {
        let start = self.action.get(..18);
        start.is_some_and(|start| start.eq_ignore_ascii_case("sts:AssumeRoleWith"))
    }
}

/// Whose a resource is: the account in its ARN, or the bucket's. `None` for a bucket that is to be made: everybody makes
/// it in the own account.
///
/// # Errors
/// `InvalidParameterException` for a bucket that is not there, or a row cannot be read.
fn owner(view: &View, action: &str, arn: &Arn) -> Result<Option<AccountId>, Failure> {
    let made = action.eq_ignore_ascii_case("s3:CreateBucket");
    if arn.service() != "s3" || arn.account_id().is_some() || made {
        return Ok(arn.account_id());
    }
    let name = arn.resource().split('/').next().unwrap_or_default();
    let Some(bucket) = view.get(&BUCKETS, name)? else {
        let text = format!(
            "bucket `{name}` of `{arn}` does not exist, and only a bucket tells which account it is of"
        );
        return Err(api::error::invalid_parameter_exception(text).into());
    };
    Ok(Some(bucket.owner.clone()))
}

/// The root user, users and roles of an account.
fn candidates_of(view: &View, account: &AccountId) -> Result<Vec<Candidate>, Failure> {
    let root = Arn::global("iam", account.as_str(), "root");
    let mut candidates = vec![Candidate::new(root.as_str(), Principal::root(account), Whose::Stored, None)];
    for (_, user) in view.list(&USERS, (account,))? {
        let principal = Principal::user(user.arn.parse().map_err(Failure::internal)?, account, &user.id);
        candidates.push(Candidate::new(&user.arn, principal, Whose::Stored, None));
    }
    for (_, role) in view.list(&ROLES, (account,))? {
        let arn: Arn = role.arn.parse().map_err(Failure::internal)?;
        let session = Principal::role_session(arn, account, &role.id, "any");
        let linked = role.path.starts_with("/aws-service-role/");
        let principal = if linked { session.service_linked() } else { session };
        candidates.push(Candidate::new(&role.arn, principal, Whose::Stored, None));
    }
    Ok(candidates)
}

fn outcome(decision: &Decision<'_>) -> Option<Found> {
    let deciding = decision.deciding.map(|statement| {
        let sid = statement.sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
        format!(
            "policy {}, statement {}{sid}",
            statement.arn.unwrap_or(statement.policy),
            statement.index + 1
        )
    });
    decision.is_allowed().then_some((decision.layer, deciding))
}

fn layer_name(layer: Layer) -> String {
    let layer = serde_json::to_value(layer).ok();
    layer.and_then(|layer| layer.as_str().map(str::to_owned)).unwrap_or_default()
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
    let service = input.action.split(':').next().unwrap_or_default();
    let region = region.unwrap_or_else(|| requested_region(service, cx.region()));
    let mut context = Conditions::new();
    context
        .set("aws:CurrentTime", cx.now.iso8601())
        .set("aws:EpochTime", cx.now.whole_seconds().to_string())
        .set("aws:RequestedRegion", region)
        .set("aws:SecureTransport", cx.caller.secure_transport.to_string())
        .set("aws:ResourceAccount", owner.unwrap_or(cx.account()).as_str())
        .set("aws:ResourceOrgID", organization::ID)
        .set_all("aws:ResourceOrgPaths", [organization::PATH]);
    let resource = arn.map(|arn| keys_of(cx, view, arn)).transpose()?;
    for (key, values) in resource.unwrap_or_default() {
        context.add_all(key, values);
    }
    for entry in input.context.iter().flatten() {
        context.set_all(entry.key.as_str(), entry.values.iter().map(String::as_str));
    }
    Ok(context)
}
