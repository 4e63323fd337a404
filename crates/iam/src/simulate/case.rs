//! A case, compiled, and its checks as requests and layers.

use landfall_base::AccountId;

use super::read;
use crate::context::Context;
use crate::evaluate::{Effect, evaluate};
use crate::fix::Ask;
use crate::grant::Grant;
use crate::layers::{Attached, Layer, Layers, Origin, ResourceKind, ResourceLayer};
use crate::policy::{Policy, PolicyKind, ResourceService};
use crate::principal::Principal;
use crate::request::Request;

/// A request, or several beside each other, with all policies that have a say.
#[derive(Debug)]
pub struct Case {
    id: String,
    checks: Vec<Check>,
}

/// One request with its policies.
#[derive(Debug)]
pub struct Check {
    pub(super) principal: Principal,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) account: Option<AccountId>,
    pub(super) context: Context,
    pub(super) identity: Vec<Policy>,
    pub(super) boundary: Vec<Policy>,
    pub(super) session: Vec<Policy>,
    pub(super) resource_policies: Vec<Policy>,
    pub(super) scp: Vec<Vec<Policy>>,
    pub(super) rcp: Vec<Vec<Policy>>,
    pub(super) endpoint: Vec<Policy>,
    pub(super) grants: Vec<Grant>,
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// Which part is missing or wrong, and what was expected there.
    pub fn parse(json: &str) -> Result<Self, String> {
        let (id, checks) = read::case(json)?;
        Ok(Self { id, checks })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What has to be allowed, in order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The outcome, the layer that decided, and the sentence of a refusal; of the first refused check, or of the last
    /// one when all are allowed.
    pub fn decide(&self) -> (Effect, Layer, Option<String>) {
        let mut last = (Effect::Allow, Layer::Inherent, None);
        for check in &self.checks {
            last = check.with(|request, layers| {
                let decision = evaluate(request, layers);
                let refusal = (!decision.is_allowed())
                    .then(|| decision.denial_through_service(request, Some(request.resource)));
                (decision.effect, decision.layer, refusal)
            });
            if last.0 != Effect::Allow {
                break;
            }
        }
        last
    }
}

impl Ask for Check {
    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        self.with(answer)
    }
}

impl Check {
    /// Hands the request and its layers to `use_them`.
    pub fn with<T>(&self, use_them: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.account.as_ref(),
            context: &self.context,
        };
        let names = Names::of(self);
        let identity = attach(&self.identity, &names.identity);
        let boundary = attach(&self.boundary, &names.boundary);
        let session = attach(&self.session, &names.session);
        let endpoint: Vec<_> = self.endpoint.iter().zip(&names.endpoint).map(to_resource).collect();
        let scp = attach_levels(&self.scp, &names.scp);
        let rcp = attach_levels(&self.rcp, &names.rcp);
        let scp: Vec<&[Attached<'_>]> = scp.iter().map(Vec::as_slice).collect();
        let rcp: Vec<&[Attached<'_>]> = rcp.iter().map(Vec::as_slice).collect();
        let own: Vec<_> = self.resource_policies.iter().zip(&names.resource).map(to_resource).collect();
        let layers = Layers {
            identity: &identity,
            boundary: &boundary,
            session: &session,
            resource: self.kind().map(|kind| ResourceLayer { policies: &own, kind }),
            scp: &scp,
            rcp: &rcp,
            endpoint: &endpoint,
        };
        use_them(&request, &layers)
    }

    /// None where the resource has no policy and needs none.
    fn kind(&self) -> Option<ResourceKind<'_>> {
        match resource_kind(&self.action) {
            _ if self.resource_policies.is_empty() && self.grants.is_empty() => None,
            PolicyKind::RoleTrust => Some(ResourceKind::RoleTrust),
            PolicyKind::Resource(ResourceService::KmsKey) => {
                Some(ResourceKind::KmsKey { grants: &self.grants, aws_managed: false })
            }
            _ => Some(ResourceKind::Ordinary),
        }
    }
}

/// What documents are called: their place in the case.
struct Names {
    identity: Vec<String>,
    boundary: Vec<String>,
    session: Vec<String>,
    resource: Vec<String>,
    endpoint: Vec<String>,
    scp: Vec<Vec<String>>,
    rcp: Vec<Vec<String>>,
}

impl Names {
    fn of(check: &Check) -> Self {
        let list = |name: &str, policies: &[Policy]| -> Vec<String> {
            (0..policies.len()).map(|at| format!("{name}[{at}]")).collect()
        };
        let levels = |name: &str, levels: &[Vec<Policy>]| -> Vec<Vec<String>> {
            levels.iter().enumerate().map(|(at, policies)| list(&format!("{name}[{at}]"), policies)).collect()
        };
        Self {
            identity: list("identity", &check.identity),
            boundary: list("boundary", &check.boundary),
            session: list("session", &check.session),
            resource: list("resource", &check.resource_policies),
            endpoint: list("vpce", &check.endpoint),
            scp: levels("scp", &check.scp),
            rcp: levels("rcp", &check.rcp),
        }
    }
}

fn attach<'a>(policies: &'a [Policy], names: &'a [String]) -> Vec<Attached<'a>> {
    policies.iter().zip(names).map(|(policy, name)| Attached::inline(name, policy)).collect()
}

fn to_resource<'a>((policy, name): (&'a Policy, &'a String)) -> Attached<'a> {
    Attached::to_resource(name, policy)
}

/// A level has no name in a case: its policies are named by its place.
fn attach_levels<'a>(levels: &'a [Vec<Policy>], names: &'a [Vec<String>]) -> Vec<Vec<Attached<'a>>> {
    let of_level = |attached: Vec<Attached<'a>>| {
        attached
            .into_iter()
            .map(|it| Attached { origin: Origin::Organization(level_of(it.name)), ..it })
            .collect()
    };
    levels.iter().zip(names).map(|(policies, names)| of_level(attach(policies, names))).collect()
}

/// `scp[1]` of `scp[1][0]`.
fn level_of(name: &str) -> &str {
    name.rsplit_once('[').map_or(name, |(level, _)| level)
}

/// What a policy of the resource is, by the action's service.
pub(super) fn resource_kind(action: &str) -> PolicyKind {
    PolicyKind::Resource(match action.split_once(':').map_or("", |(service, _)| service) {
        "sts" => return PolicyKind::RoleTrust,
        "ecr" => ResourceService::EcrRepository,
        "kms" => ResourceService::KmsKey,
        "secretsmanager" => ResourceService::Secret,
        "s3" => ResourceService::Bucket,
        "logs" => ResourceService::LogGroup,
        _ => ResourceService::Other,
    })
}
