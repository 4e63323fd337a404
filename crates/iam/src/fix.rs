//! The smallest change that would allow a refused request, proven by evaluating again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arn_match::ArnParts;
use crate::evaluate::{Decision, Effect, Reason, StatementRef, evaluate};
use crate::layers::{Attached, Layer, Layers, ResourceLayer};
use crate::message::layer_name;
use crate::policy::{Policy, PolicyKind, ResourceService};
use crate::request::Request;

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// Statements to add, in the order in which the refusals appear.
    pub steps: Vec<FixStep>,
    /// What no statement can undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocker>,
    /// With all steps the request is allowed; this was evaluated.
    pub verified: bool,
    /// Without any one of the steps it is not; this was evaluated too. Each step names one action and one resource.
    #[serde(default)]
    pub smallest: bool,
}

/// One statement to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixStep {
    /// To which kind of policy.
    pub layer: Layer,
    /// The principal, resource or policy to change, in words.
    pub place: String,
    /// The statement.
    pub statement: Value,
}

/// Why additions do not help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocker {
    /// This statement denies; it has to be changed or removed.
    Deny {
        /// Kind of the policy.
        layer: Layer,
        /// Name of the policy.
        policy: String,
        /// ARN of a managed policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arn: Option<String>,
        /// Place of the statement in it, from 0.
        index: usize,
        /// The statement's `Sid`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sid: Option<String>,
    },
    /// AWS has no way to permit it.
    Impossible(String),
}

impl Blocker {
    fn deny(statement: &StatementRef<'_>) -> Self {
        Self::Deny {
            layer: statement.layer,
            policy: statement.policy.to_owned(),
            arn: statement.arn.map(str::to_owned),
            index: statement.index,
            sid: statement.sid.map(str::to_owned),
        }
    }
}

/// A statement to add and the policy made of it alone.
struct Patch {
    layer: Layer,
    policy: Policy,
}

/// Finds what to add so that the request is allowed; `None` if it is. Adds a statement where the decision says that one
/// is missing, evaluates again, and goes on until the request is allowed or something denies it.
pub fn suggest_fix(request: &Request<'_>, layers: &Layers<'_>) -> Option<Fix> {
    let decision = evaluate(request, layers);
    if decision.is_allowed() {
        return None;
    }
    let mut fix = Fix { steps: Vec::new(), blocked: None, verified: false, smallest: false };
    let mut patches = Vec::new();
    let mut next = blocker_or_layer(&decision);
    loop {
        let layer = match next {
            Ok(layer) => layer,
            Err(blocker) => {
                fix.blocked = Some(blocker);
                return Some(fix);
            }
        };
        if patches.iter().any(|patch: &Patch| patch.layer == layer) {
            return Some(fix);
        }
        let statement = statement(request, layer);
        patches.push(Patch { layer, policy: policy_of(&statement, layer)? });
        fix.steps.push(FixStep { layer, place: place(request, layers, layer), statement });
        next = match with_patches(request, layers, &patches) {
            Ok(()) => {
                take_apart(request, layers, &mut fix.steps, &mut patches);
                (fix.verified, fix.smallest) = (true, true);
                return Some(fix);
            }
            Err(next) => next,
        };
    }
}

/// Leaves out every step without which the request is allowed all the same. What remains was needed when it was tried;
/// leaving out others later makes it no less so, because an added Allow never refuses.
fn take_apart(
    request: &Request<'_>,
    layers: &Layers<'_>,
    steps: &mut Vec<FixStep>,
    patches: &mut Vec<Patch>,
) {
    let mut at = 0;
    while at < patches.len() {
        let patch = patches.remove(at);
        if with_patches(request, layers, patches).is_ok() {
            steps.remove(at);
        } else {
            patches.insert(at, patch);
            at += 1;
        }
    }
}

/// The layer that is silent, or why there is none to extend.
fn blocker_or_layer(decision: &Decision<'_>) -> Result<Layer, Blocker> {
    match (decision.reason, decision.effect, &decision.deciding) {
        (_, Effect::ExplicitDeny, Some(statement)) => Err(Blocker::deny(statement)),
        (Reason::RootMayNotAssume, ..) => {
            Err(Blocker::Impossible("the root user cannot assume roles; use a user or a role".to_owned()))
        }
        (Reason::NotAcrossAccounts, ..) => Err(Blocker::Impossible(
            "the operation does not work on a key of another account; call it from the key's account"
                .to_owned(),
        )),
        _ => Ok(decision.layer),
    }
}

/// Evaluates with the patches in place; the error is what is missing next.
fn with_patches(
    request: &Request<'_>,
    layers: &Layers<'_>,
    patches: &[Patch],
) -> Result<(), Result<Layer, Blocker>> {
    let identity = extended(layers.identity, patches, Layer::Identity);
    let boundary = extended(layers.boundary, patches, Layer::Boundary);
    let session = extended(layers.session, patches, Layer::Session);
    let endpoint = extended(layers.endpoint, patches, Layer::Endpoint);
    let levels: Vec<_> =
        layers.scp.iter().map(|level| extended(level, patches, Layer::ServiceControl)).collect();
    let scp: Vec<&[Attached<'_>]> = levels.iter().map(Vec::as_slice).collect();
    let current = layers.resource.or_else(|| missing_resource(patches));
    let own = current.map_or(Vec::new(), |resource| extended(resource.policies, patches, resource.layer()));
    let resource = current.map(|resource| ResourceLayer { policies: &own, ..resource });
    let patched = Layers {
        identity: &identity,
        bundle: None,
        boundary: &boundary,
        session: &session,
        resource,
        scp: &scp,
        rcp: layers.rcp,
        endpoint: &endpoint,
    };
    let decision = evaluate(request, &patched);
    if decision.is_allowed() { Ok(()) } else { Err(blocker_or_layer(&decision)) }
}

fn extended<'a>(policies: &[Attached<'a>], patches: &'a [Patch], layer: Layer) -> Vec<Attached<'a>> {
    let added = patches.iter().filter(|patch| patch.layer == layer);
    policies.iter().copied().chain(added.map(|patch| Attached::inline("suggested", &patch.policy))).collect()
}

/// The layer of a resource that has no policy yet.
fn missing_resource<'a>(patches: &[Patch]) -> Option<ResourceLayer<'a>> {
    patches.iter().find_map(|patch| match patch.layer {
        Layer::Resource => Some(ResourceLayer::ordinary(&[])),
        Layer::RoleTrust => Some(ResourceLayer::role_trust(&[])),
        _ => None,
    })
}

fn statement(request: &Request<'_>, layer: Layer) -> Value {
    let (action, resource) = (request.action, literal(request.resource));
    match layer {
        Layer::RoleTrust => json!({"Effect": "Allow", "Principal": principal(request), "Action": action}),
        Layer::Resource => {
            let mut statement = json!({"Effect": "Allow", "Principal": principal(request), "Action": action});
            match request.service() {
                "ecr" => {}
                "kms" | "secretsmanager" => statement["Resource"] = json!("*"),
                _ => statement["Resource"] = json!(resource),
            }
            statement
        }
        Layer::Endpoint => {
            json!({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource})
        }
        _ => json!({"Effect": "Allow", "Action": action, "Resource": resource}),
    }
}

/// A resource as a pattern that matches it and nothing else: its wildcards are characters here.
fn literal(resource: &str) -> Cow<'_, str> {
    let special = |letter| matches!(letter, '*' | '?' | '$');
    let Some(arn) = ArnParts::split(resource).filter(|arn| arn.tail.contains(special)) else {
        return resource.into();
    };
    let mut text = arn.before_tail().to_owned();
    for letter in arn.tail.chars() {
        if special(letter) {
            text.extend(['$', '{', letter, '}']);
        } else {
            text.push(letter);
        }
    }
    text.into()
}

fn principal(request: &Request<'_>) -> Value {
    match (request.principal.service_name(), request.principal.principal_arn()) {
        (Some(service), _) => json!({"Service": service}),
        (None, Some(arn)) => json!({"AWS": arn.as_str()}),
        (None, None) => match request.principal.display() {
            "anonymous" => json!("*"),
            provider => json!({"Federated": provider}),
        },
    }
}

fn policy_of(statement: &Value, layer: Layer) -> Option<Policy> {
    let kind = match layer {
        Layer::RoleTrust => PolicyKind::RoleTrust,
        Layer::Resource => PolicyKind::Resource(ResourceService::Other),
        Layer::Endpoint => PolicyKind::Endpoint,
        Layer::ServiceControl => PolicyKind::ServiceControl,
        Layer::Boundary => PolicyKind::Boundary,
        Layer::Session => PolicyKind::Session,
        _ => PolicyKind::Identity,
    };
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    Policy::stored(&document.to_string(), kind).ok()
}

fn place(request: &Request<'_>, layers: &Layers<'_>, layer: Layer) -> String {
    let caller = request.principal.principal_arn().map_or("", |arn| arn.as_str());
    let name =
        |policies: &[Attached<'_>]| policies.first().map_or(String::new(), |it| format!(" `{}`", it.name));
    let kind = layer_name(layer);
    match layer {
        Layer::Identity => format!("a policy of `{caller}`"),
        Layer::Boundary => format!("the {kind}{} of `{caller}`", name(layers.boundary)),
        Layer::Session => format!("the {kind} of the session `{}`", request.principal.display()),
        Layer::Endpoint => format!("the {kind}{}", name(layers.endpoint)),
        Layer::ServiceControl => format!("a {kind} at each level that does not allow it"),
        _ => format!("the {kind} of `{}`", request.resource),
    }
}
