//! What the evaluator answers, as the API shows it.

use landfall_api::iam as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::{Effect, Layer, PolicyTrace, ResourceKind, StatementEffect, Trace, trace};
use landfall_shape::Entries;

use super::super::organization::Levels;
use super::super::page::Paging;
use super::positions::of_statement;
use super::{Question, Scenario, ask, context_keys};
use crate::pipe::Failure;

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

    /// One result for each action and resource, in this order.
    fn results(&self) -> Vec<api::EvaluationResult> {
        let pairs = self.actions.iter().flat_map(|action| self.resources.iter().map(move |it| (action, it)));
        pairs.map(|(action, resource)| self.result(action, resource)).collect()
    }

    fn result(&self, action: &str, resource: &str) -> api::EvaluationResult {
        let named = resource.parse::<Arn>().ok().and_then(|arn| arn.account_id());
        let owner = self.owner.clone().or(named);
        let trace = self.trace(action, resource, owner.as_ref());
        api::EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision: decision(trace.effect),
            matched_statements: Some(self.matched(&trace)),
            missing_context_values: Some(self.missing()),
            organizations_decision_detail: (!self.scp.is_empty()).then(|| api::OrganizationsDecisionDetail {
                allowed_by_organizations: Some(allows(&trace, Layer::ServiceControl)),
            }),
            permissions_boundary_decision_detail: self.policies.boundary.as_ref().map(|_| {
                api::PermissionsBoundaryDecisionDetail {
                    allowed_by_permissions_boundary: Some(allows(&trace, Layer::Boundary)),
                }
            }),
            eval_decision_details: self.across_accounts(owner.as_ref()).then(|| details(&trace)),
            resource_specific_results: None,
        }
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
            resource_kind: ResourceKind::Ordinary,
            scp: &self.scp,
            rcp: &none,
        };
        ask(&question, trace)
    }

    fn across_accounts(&self, owner: Option<&AccountId>) -> bool {
        self.resource_policy.is_some() && owner.is_some() && owner != self.principal.account()
    }

    /// The statements that decide: those that deny, or else those that allow.
    fn matched(&self, trace: &Trace) -> Vec<api::Statement> {
        let wanted = match trace.effect {
            Effect::ExplicitDeny => StatementEffect::Deny,
            _ => StatementEffect::Allow,
        };
        let mut matched = Vec::new();
        for layer in trace.layers.iter().filter(|it| matches!(it.layer, Layer::Identity | Layer::Resource)) {
            for policy in &layer.policies {
                let statements = policy.statements.iter();
                let statements = statements.filter(|it| it.effect == wanted && it.matched.is_some());
                matched.extend(statements.map(|it| self.statement(layer.layer, policy, it.index)));
            }
        }
        matched
    }

    fn statement(&self, layer: Layer, policy: &PolicyTrace, index: usize) -> api::Statement {
        let resource = layer == Layer::Resource;
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

/// What each side of a call to another account says.
fn details(trace: &Trace) -> Entries<api::PolicyEvaluationDecisionType> {
    let side = |layer: Layer| {
        let found = trace.layers.iter().find(|it| it.layer == layer);
        decision(found.map_or(Effect::ImplicitDeny, |it| it.outcome))
    };
    Entries(vec![
        ("IAM Policy".to_owned(), side(Layer::Identity)),
        ("Resource Policy".to_owned(), side(Layer::Resource)),
    ])
}
