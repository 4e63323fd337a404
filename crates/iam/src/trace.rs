//! Every statement that had a say, and why it matched or missed.
//!
//! A policy of up to [`LISTED_IN_FULL`] statements is listed in full. Of a longer one the trace has every statement
//! that matched and the few that come nearest; the others are counted. A trace owns its data and can be stored. It runs over the same compiled statements as the decision.

mod chosen;

use serde::{Deserialize, Serialize};

use crate::compile::{ActionPattern, ResourcePattern, Selection, Statement};
use crate::condition::Condition;
use crate::evaluate::{Effect, Reason, evaluate, owner_is_never_locked_out, supports_rcp};
use crate::index::{Glance, Plain};
use crate::layers::{Attached, Layer, Layers};
use crate::principal_match::{Principals, Strength};
use crate::request::{Request, Target, Values};

/// Policies of more statements than this are not listed in full.
pub(crate) const LISTED_IN_FULL: usize = 16;

/// A decision with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The caller, as a refusal names it.
    pub principal: String,
    /// What a policy would name: the role of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_arn: Option<String>,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The outcome.
    pub effect: Effect,
    /// The layer that decided.
    pub layer: Layer,
    /// Why, where the statements do not say it.
    #[serde(default = "Reason::of_policies", skip_serializing_if = "Reason::is_of_policies")]
    pub reason: Reason,
    /// AWS's sentence, for a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<String>,
    /// Condition keys: those that follow from the caller, and those that were set for the call.
    pub context: Vec<(String, Vec<String>)>,
    /// Layers with at least one policy, in AWS's order; of service control policies also levels without one, which let
    /// nothing pass.
    pub layers: Vec<LayerTrace>,
}

/// One layer; each level of an organization is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerTrace {
    /// Which.
    pub layer: Layer,
    /// What the layer alone says.
    pub outcome: Effect,
    /// Its policies.
    pub policies: Vec<PolicyTrace>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTrace {
    /// Its name.
    pub name: String,
    /// Its ARN, if it is a managed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// What it is attached to: `principal`, `group admins`, `resource`, `organization root`.
    pub attached_to: String,
    /// Its statements, all of up to 16. Of a longer policy those that matched, in the order of the document, and then
    /// up to 5 that did not, the nearest first and Allows before Denies.
    pub statements: Vec<StatementTrace>,
    /// The statements that are not listed; none of a policy that is listed in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Others>,
}

/// How many statements of a long policy are not listed, and why not. None of them matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// Those for other actions.
    pub other_actions: usize,
    /// Those that were compared, and are farther away than what is listed.
    pub examined: usize,
    /// Those that name the action, or may name it, and were not compared one by one: of very many, only those whose
    /// resources look most like the request's are.
    pub skipped: usize,
}

/// `Effect` of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatementEffect {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTrace {
    /// Place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: StatementEffect,
    /// How strongly it matched; none if it missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Strength>,
    /// The elements that did not match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Miss>,
}

/// Elements of a statement, in the order in which they weigh: a statement for another action is farther away than one
/// for another resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Element {
    /// `Condition`, one operator and key.
    Condition,
    /// `Resource` or `NotResource`.
    Resource,
    /// `Principal` or `NotPrincipal`.
    Principal,
    /// `Action` or `NotAction`.
    Action,
}

/// An element that did not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// Which.
    pub element: Element,
    /// The `Not…` form of the element.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
    /// Operator of a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Key of a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What the policy says.
    pub expected: Vec<String>,
    /// What the request has; none for a condition key that it does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Vec<String>>,
}

/// Evaluates a request and records what the statements say; meant for refusals. Takes microseconds, however many
/// statements there are, as long as few of them match or name both the action and the resource.
pub fn trace(request: &Request<'_>, layers: &Layers<'_>) -> Trace {
    let decision = evaluate(request, layers);
    let denial = (!decision.is_allowed()).then(|| decision.denial(request));
    Trace {
        principal: request.principal.display().to_owned(),
        principal_arn: request.principal.principal_arn().map(|arn| arn.as_str().to_owned()),
        action: request.action.to_owned(),
        resource: request.resource.to_owned(),
        effect: decision.effect,
        layer: decision.layer,
        reason: decision.reason,
        denial,
        context: context(request),
        layers: layer_traces(request, layers),
    }
}

fn context(request: &Request<'_>) -> Vec<(String, Vec<String>)> {
    let of_caller =
        request.principal.condition_values().filter(|(key, _)| request.context.get(key).is_none());
    let of_caller = of_caller.map(|(key, value)| (key.to_owned(), vec![value.to_owned()]));
    let set = request.context.iter().map(|(key, values)| (key.to_owned(), values.to_vec()));
    of_caller.chain(set).collect()
}

fn layer_traces(request: &Request<'_>, layers: &Layers<'_>) -> Vec<LayerTrace> {
    let target = Target::new(request, !layers.boundary.is_empty());
    let mut traces = Vec::new();
    let mut add = |layer, policies: &[Attached<'_>]| {
        if !policies.is_empty() || layer == Layer::ServiceControl {
            traces.push(trace_layer(&target, layer, policies));
        }
    };
    let managed_key = layers.resource.is_some_and(|resource| resource.is_aws_managed_key());
    if request.principal.under_rcp() && !managed_key && supports_rcp(target.service) {
        layers.rcp.iter().for_each(|level| add(Layer::ResourceControl, level));
    }
    if request.principal.under_scp() {
        layers.scp.iter().for_each(|level| add(Layer::ServiceControl, level));
    }
    add(Layer::Endpoint, layers.endpoint);
    if let Some(resource) = layers.resource.filter(|_| !owner_is_never_locked_out(request)) {
        add(resource.layer(), resource.policies);
    }
    if !request.principal.is_root() {
        add(Layer::Identity, layers.identity);
        add(Layer::Boundary, layers.boundary);
        add(Layer::Session, layers.session);
    }
    traces
}

fn trace_layer(target: &Target<'_>, layer: Layer, policies: &[Attached<'_>]) -> LayerTrace {
    let policies: Vec<_> = policies.iter().map(|attached| trace_policy(target, attached)).collect();
    let matched = |effect| {
        let mut statements = policies.iter().flat_map(|policy: &PolicyTrace| &policy.statements);
        statements.any(|it| it.effect == effect && it.matched.is_some())
    };
    let outcome = if matched(StatementEffect::Deny) {
        Effect::ExplicitDeny
    } else if matched(StatementEffect::Allow) {
        Effect::Allow
    } else {
        Effect::ImplicitDeny
    };
    LayerTrace { layer, outcome, policies }
}

fn trace_policy(target: &Target<'_>, attached: &Attached<'_>) -> PolicyTrace {
    let (statements, others) = match attached.policy.near() {
        Some(near) => chosen::statements(target, attached.policy, near),
        None => {
            let statements = attached.policy.statements().iter().enumerate();
            (statements.map(|(index, it)| trace_statement(target, index, it, None)).collect(), None)
        }
    };
    PolicyTrace {
        name: attached.name.to_owned(),
        arn: attached.arn.map(str::to_owned),
        attached_to: attached.origin_text(),
        statements,
        others,
    }
}

/// What a trace reads of a statement.
struct Said<'a> {
    sid: Option<&'a str>,
    denies: bool,
    actions: &'a Selection<ActionPattern>,
    principals: Option<&'a Principals>,
    resources: Resources<'a>,
    conditions: &'a [Condition],
}

enum Resources<'a> {
    Listed(Option<&'a Selection<ResourcePattern>>),
    /// One, in two parts.
    One(&'a str, &'a str),
}

impl<'a> Said<'a> {
    fn of(statement: &'a Statement) -> Self {
        Self {
            sid: statement.sid.as_deref(),
            denies: statement.denies,
            actions: &statement.actions,
            principals: statement.principals.as_ref(),
            resources: Resources::Listed(statement.resources.as_ref()),
            conditions: &statement.conditions,
        }
    }

    fn plainly(plain: &Plain<'a>) -> Self {
        Self {
            sid: plain.sid,
            denies: false,
            actions: plain.actions,
            principals: None,
            resources: Resources::One(plain.head, plain.tail),
            conditions: plain.conditions,
        }
    }

    fn trace(&self, target: &Target<'_>, index: usize, matches: &Matches) -> StatementTrace {
        let matched = matches.principal.filter(|_| matches.action && matches.resource && matches.conditions);
        StatementTrace {
            index,
            sid: self.sid.map(str::to_owned),
            effect: if self.denies { StatementEffect::Deny } else { StatementEffect::Allow },
            matched,
            misses: if matched.is_some() { Vec::new() } else { misses(target, self, matches) },
        }
    }
}

impl Resources<'_> {
    /// `NotResource`, and what is listed.
    fn texts(&self) -> Option<(bool, Vec<String>)> {
        match self {
            Self::Listed(resources) => {
                let resources = (*resources)?;
                Some((resources.not, resources.patterns.iter().map(|it| it.text.to_string()).collect()))
            }
            Self::One(head, tail) => Some((false, vec![[*head, *tail].concat()])),
        }
    }
}

/// A statement that names the action, without a look at it; `conditions` says whether they all hold.
fn trace_plain(target: &Target<'_>, index: usize, plain: &Plain<'_>, conditions: bool) -> StatementTrace {
    let matches = Matches {
        action: true,
        principal: Some(Strength::Direct),
        resource: plain.matches_resource(target),
        conditions,
    };
    Said::plainly(plain).trace(target, index, &matches)
}

/// `glance` is what the index knows of the statement already.
fn trace_statement(
    target: &Target<'_>,
    index: usize,
    statement: &Statement,
    glance: Option<Glance<'_>>,
) -> StatementTrace {
    let matches = Matches {
        action: glance.map_or_else(|| statement.matches_action(target), |it| it.action),
        principal: match glance {
            Some(_) => Some(Strength::Direct),
            None => statement.matches_principal(target),
        },
        resource: glance.map_or_else(|| statement.matches_resource(target), |it| it.resource),
        conditions: statement.conditions.iter().all(|condition| condition.holds(target)),
    };
    Said::of(statement).trace(target, index, &matches)
}

/// Which elements of a statement match.
struct Matches {
    action: bool,
    principal: Option<Strength>,
    resource: bool,
    conditions: bool,
}

fn misses(target: &Target<'_>, statement: &Said<'_>, matches: &Matches) -> Vec<Miss> {
    let mut misses = Vec::new();
    let mut missed = |element, not, expected: Vec<String>, actual: &str| {
        let actual = Some(vec![actual.to_owned()]);
        misses.push(Miss { element, not, operator: None, key: None, expected, actual });
    };
    let request = target.request;
    if !matches.action {
        let expected = statement.actions.patterns.iter().map(|it| it.text.to_string()).collect();
        missed(Element::Action, statement.actions.not, expected, request.action);
    }
    if let Some(principals) = statement.principals.filter(|_| matches.principal.is_none()) {
        let expected = principals.0.patterns.iter().map(|it| it.text().to_owned()).collect();
        missed(Element::Principal, principals.0.not, expected, request.principal.display());
    }
    if let Some((not, expected)) = (!matches.resource).then(|| statement.resources.texts()).flatten() {
        missed(Element::Resource, not, expected, request.resource);
    }
    let failing =
        statement.conditions.iter().filter(|condition| !matches.conditions && !condition.holds(target));
    for condition in failing {
        misses.push(Miss {
            element: Element::Condition,
            not: false,
            operator: Some(condition.operator.name.to_string()),
            key: Some(condition.key.to_string()),
            expected: condition.values.to_vec(),
            actual: request.values(&condition.key).map(Values::to_vec),
        });
    }
    misses
}

/// Sorts near misses before far ones: no wrong action, few wrong elements.
type Distance = (bool, usize, Option<Element>);

fn distance(elements: impl Iterator<Item = Element> + Clone) -> Distance {
    let heaviest = elements.clone().max();
    (heaviest == Some(Element::Action), elements.count(), heaviest)
}

impl StatementTrace {
    fn distance(&self) -> Distance {
        distance(self.misses.iter().map(|miss| miss.element))
    }
}

impl Others {
    /// All of them.
    pub fn count(&self) -> usize {
        self.other_actions + self.examined + self.skipped
    }
}

impl Trace {
    /// The Allow statements that missed, nearest first, each with its layer and policy.
    pub fn near_misses(&self) -> Vec<(Layer, &PolicyTrace, &StatementTrace)> {
        let missed = |it: &StatementTrace| it.effect == StatementEffect::Allow && it.matched.is_none();
        let mut found: Vec<_> = self.statements().filter(|(_, _, it)| missed(it)).collect();
        found.sort_by_key(|(_, _, statement)| statement.distance());
        found
    }

    /// The Deny statements that matched.
    pub fn denials(&self) -> Vec<(Layer, &PolicyTrace, &StatementTrace)> {
        let denies = |it: &StatementTrace| it.effect == StatementEffect::Deny && it.matched.is_some();
        self.statements().filter(|(_, _, it)| denies(it)).collect()
    }

    fn statements(&self) -> impl Iterator<Item = (Layer, &PolicyTrace, &StatementTrace)> {
        self.layers
            .iter()
            .flat_map(|layer| layer.policies.iter().map(move |policy| (layer.layer, policy)))
            .flat_map(|(layer, policy)| policy.statements.iter().map(move |it| (layer, policy, it)))
    }
}
