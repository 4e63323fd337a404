//! What the evaluator answers, as the API shows it.

use landfall_api::iam as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::choices::simulated_kind;
use landfall_iam::{Effect, Layer, LayerTrace, PolicyTrace, StatementEffect, Trace, trace};
use landfall_shape::Entries;

use super::super::organization::Levels;
use super::super::page::Paging;
use super::positions::of_statement;
use super::{Question, Scenario, ask, context_keys};
use crate::pipe::Failure;

/// What came of one action on one resource.
struct Trial<'a> {
    resource: &'a str,
    /// Whether both sides have to allow.
    across_accounts: bool,
    trace: Trace,
}

impl Scenario {
    /// A page of the results.
    pub(in crate::iam) fn page(&self, paging: &Paging) -> Result<api::SimulatePolicyResponse, Failure> {
        let results = self.results().into_iter().enumerate();
        let page = paging.take(results.map(|(at, result)| Ok((format!("{at:08}"), result))))?;
        Ok(api::SimulatePolicyResponse {
            evaluation_results: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }

    /// One result for each action, over all resources. Since 2026 AWS answers so too: what it says of each resource is
    /// below `ResourceSpecificResults` (IAM API Reference, "EvaluationResult").
    fn results(&self) -> Vec<api::EvaluationResult> {
        self.actions.iter().map(|action| self.result(action)).collect()
    }

    fn result(&self, action: &str) -> api::EvaluationResult {
        let trials: Vec<_> = self.resources.iter().map(|resource| self.trial(action, resource)).collect();
        let named = self.resources.iter().any(|resource| resource != "*");
        // Of several resources the top has no single name.
        let name = match self.resources.as_slice() {
            [one] => one.as_str(),
            _ => "*",
        };
        let allowed = |layer| trials.iter().all(|it| allows(&it.trace, layer));
        api::EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(name.to_owned()),
            eval_decision: decision(strictest(trials.iter().map(|it| it.trace.effect))),
            matched_statements: Some(self.decisive(&trials)),
            // Where resources are named, they are told of each.
            missing_context_values: Some(if named { Vec::new() } else { self.missing() }),
            organizations_decision_detail: (!self.scp.is_empty()).then(|| api::OrganizationsDecisionDetail {
                allowed_by_organizations: Some(allowed(Layer::ServiceControl)),
            }),
            permissions_boundary_decision_detail: self.boundary_detail(allowed(Layer::Boundary)),
            eval_decision_details: (named || trials.iter().any(|it| it.across_accounts))
                .then(|| self.details(&trials)),
            resource_specific_results: named.then(|| trials.iter().map(|it| self.specific(it)).collect()),
        }
    }

    fn specific(&self, trial: &Trial<'_>) -> api::ResourceSpecificResult {
        let one = std::slice::from_ref(trial);
        api::ResourceSpecificResult {
            eval_resource_name: trial.resource.to_owned(),
            eval_resource_decision: decision(trial.trace.effect),
            matched_statements: Some(self.decisive(one)),
            missing_context_values: Some(self.missing()),
            eval_decision_details: Some(self.details(one)),
            permissions_boundary_decision_detail: self.boundary_detail(allows(&trial.trace, Layer::Boundary)),
        }
    }

    fn boundary_detail(&self, allowed: bool) -> Option<api::PermissionsBoundaryDecisionDetail> {
        self.policies.boundary.as_ref().map(|_| api::PermissionsBoundaryDecisionDetail {
            allowed_by_permissions_boundary: Some(allowed),
        })
    }

    fn trial<'a>(&self, action: &str, resource: &'a str) -> Trial<'a> {
        let named = resource.parse::<Arn>().ok().and_then(|arn| arn.account_id());
        let owner = named.or_else(|| self.owner.clone());
        let trace = self.trace(action, resource, owner.as_ref());
        Trial { resource, across_accounts: self.across_accounts(owner.as_ref()), trace }
    }

    fn trace(&self, action: &str, resource: &str, owner: Option<&AccountId>) -> Trace {
        let none = Levels::default();
        let question = Question {
            principal: &self.principal,
            policies: &self.policies,
            action,
            resource,
            owner,
            context: &self.context,
            resource_policy: self.resource_policy.as_deref(),
            outer_policy: None,
            resource_kind: Some(simulated_kind(action, resource, self.resource_policy.is_some())),
            scp: &self.scp,
            rcp: &none,
        };
        ask(&question, trace)
    }

    fn across_accounts(&self, owner: Option<&AccountId>) -> bool {
        self.resource_policy.is_some() && owner.is_some() && owner != self.principal.account()
    }

    /// The statements that decide, each once: those that deny, or else those that allow.
    fn decisive(&self, trials: &[Trial<'_>]) -> Vec<api::Statement> {
        let wanted = match strictest(trials.iter().map(|it| it.trace.effect)) {
            Effect::ExplicitDeny => StatementEffect::Deny,
            _ => StatementEffect::Allow,
        };
        let mut matched = Vec::new();
        let shown = |it: &&LayerTrace| it.layer == Layer::Identity || is_of_resource(it.layer);
        for layer in trials.iter().flat_map(|it| &it.trace.layers).filter(shown) {
            for policy in &layer.policies {
                let statements = policy.statements.iter();
                let statements = statements.filter(|it| it.effect == wanted && it.matched.is_some());
                for statement in statements.map(|it| self.statement(layer.layer, policy, it.index)) {
                    if !matched.contains(&statement) {
                        matched.push(statement);
                    }
                }
            }
        }
        matched
    }

    /// What each side of a call to another account says; empty inside an account.
    fn details(&self, trials: &[Trial<'_>]) -> Entries<api::PolicyEvaluationDecisionType> {
        if !trials.iter().any(|it| it.across_accounts) {
            return Entries(Vec::new());
        }
        let side = |own: fn(Layer) -> bool| {
            let said = |trial: &Trial<'_>| {
                let found = trial.trace.layers.iter().find(|it| own(it.layer));
                found.map_or(Effect::ImplicitDeny, |it| it.outcome)
            };
            decision(strictest(trials.iter().map(said)))
        };
        Entries(vec![
            ("IAM Policy".to_owned(), side(|layer| layer == Layer::Identity)),
            ("Resource Policy".to_owned(), side(is_of_resource)),
        ])
    }

    fn statement(&self, layer: Layer, policy: &PolicyTrace, index: usize) -> api::Statement {
        let resource = is_of_resource(layer);
        let document = if resource {
            self.resource_policy.as_ref()
        } else {
            self.policies.identity.iter().find(|it| it.name == policy.name).map(|it| &it.policy)
        };
        let positions = document.and_then(|document| of_statement(document.text(), index));
        let (start_position, end_position) = positions.unzip();
        let id = policy.name.rsplit('/').next().unwrap_or(&policy.name).to_owned();
        let kind = if resource { "Resource Policy" } else { "IAM Policy" };
        api::Statement {
            source_policy_id: Some(id),
            source_policy_type: Some(api::PolicySourceType::from(kind)),
            start_position,
            end_position,
        }
    }

    /// Keys that the policies ask for, that were not given and do not follow from the caller.
    fn missing(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let policies = self.policies.identity.iter().chain(&self.policies.boundary).map(|it| &it.policy);
        for policy in policies.chain(&self.resource_policy) {
            context_keys(policy.text(), &mut keys);
        }
        let known = |key: &String| {
            self.given.iter().any(|given| given.eq_ignore_ascii_case(key))
                || self.principal.condition_value(key).is_some()
        };
        keys.retain(|key| !known(key));
        keys
    }
}

fn decision(effect: Effect) -> api::PolicyEvaluationDecisionType {
    match effect {
        Effect::Allow => api::PolicyEvaluationDecisionType::Allowed,
        Effect::ExplicitDeny => api::PolicyEvaluationDecisionType::ExplicitDeny,
        Effect::ImplicitDeny => api::PolicyEvaluationDecisionType::ImplicitDeny,
    }
}

/// Whether every level of a layer allows.
fn allows(trace: &Trace, layer: Layer) -> bool {
    trace.layers.iter().filter(|it| it.layer == layer).all(|it| it.outcome == Effect::Allow)
}

/// The policy of the resource, or the trust policy where the resource is a role.
fn is_of_resource(layer: Layer) -> bool {
    matches!(layer, Layer::Resource | Layer::RoleTrust)
}

/// The most restrictive of several.
fn strictest(effects: impl Iterator<Item = Effect> + Clone) -> Effect {
    let has = |effect| effects.clone().any(|it| it == effect);
    [Effect::ExplicitDeny, Effect::ImplicitDeny].into_iter().find(|it| has(*it)).unwrap_or(Effect::Allow)
}
