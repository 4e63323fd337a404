//! The smallest change that would allow what was refused, proven by evaluating again.

use std::borrow::Cow;

use landfall_base::Arn;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arn_match::ArnParts;
use crate::document::Version;
use crate::evaluate::{Decision, Effect, Reason, StatementRef, evaluate, required_policy};
use crate::holder::{has_policy, is_in_registry_policy, policy_holder};
use crate::layers::{Attached, Layer, Layers, ResourceKind, ResourceLayer};
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
    /// Without any one of the steps, or any one of the actions and resources in them, it is not; this was evaluated too.
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
    /// The resource whose own policy is to be changed: of an object of S3 it is the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
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

/// One of the checks of a call: a request, and all policies that have a say in it.
pub trait Ask {
    /// Hands both to `answer`.
    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T;
}

/// Finds what to add so that the request is allowed; `None` if it is.
pub fn suggest_fix(request: &Request<'_>, layers: &Layers<'_>) -> Option<Fix> {
    suggest_fix_for_all(&[One(request, layers)])
}

struct One<'a>(&'a Request<'a>, &'a Layers<'a>);

impl Ask for One<'_> {
    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        answer(self.0, self.1)
    }
}

/// Finds what to add so that all checks of a call are allowed; `None` if they are. Adds a statement where the decision says
/// that one is missing, evaluates again, and goes on until all are allowed or something denies. Statements for the same
/// place that differ only in actions or only in resources become one.
pub fn suggest_fix_for_all<C: Ask>(checks: &[C]) -> Option<Fix> {
    let mut search = Search::default();
    checks.iter().for_each(|check| check.ask(|request, layers| search.extend(request, layers)));
    let Search { mut patches, refused, blocked, stuck } = search;
    if !refused {
        return None;
    }
    let allowed = |patches: &[Patch]| {
        checks.iter().all(|check| check.ask(|it, layers| with_patches(it, layers, patches).is_ok()))
    };
    if matches!(blocked, Some(Blocker::Impossible(_))) {
        patches.clear();
    }
    let done = !stuck && blocked.is_none();
    if done {
        take_apart(&allowed, &mut patches);
    }
    let patches = merged(patches);
    let verified = done && allowed(&patches);
    let smallest = verified && is_smallest(&allowed, &patches);
    let steps = patches.into_iter().map(|patch| patch.step).collect();
    Some(Fix { steps, blocked, verified, smallest })
}

/// What is missing, check by check.
#[derive(Default)]
struct Search {
    patches: Vec<Patch>,
    refused: bool,
    blocked: Option<Blocker>,
    /// A statement was added where one was missing, and it is missing still.
    stuck: bool,
}

impl Search {
    fn extend(&mut self, request: &Request<'_>, layers: &Layers<'_>) {
        let before = self.patches.len();
        while let Err(next) = with_patches(request, layers, &self.patches) {
            self.refused = true;
            let layer = match next {
                Ok(layer) => layer,
                Err(blocker) => {
                    self.blocked.get_or_insert(blocker);
                    return;
                }
            };
            let mut own = self.patches.iter().skip(before);
            let patch = Patch::new(request, layers, layer).filter(|_| own.all(|it| it.step.layer != layer));
            let Some(patch) = patch else {
                self.stuck = true;
                return;
            };
            self.patches.push(patch);
        }
    }
}

/// A statement to add and the policy made of it alone.
#[derive(Clone)]
struct Patch {
    step: FixStep,
    /// Whose policies it is among, where it is not a resource's.
    principal: String,
    /// The language of the policy that it extends.
    version: Version,
    policy: Policy,
}

impl Patch {
    fn new(request: &Request<'_>, layers: &Layers<'_>, layer: Layer) -> Option<Self> {
        let on_resource = matches!(layer, Layer::Resource | Layer::RoleTrust);
        let version = version(layers, layer);
        let step = FixStep {
            layer,
            place: place(request, layers, layer),
            resource: on_resource.then(|| policy_holder(request.resource).to_owned()),
            statement: statement(request, layer, version),
        };
        Self::of(step, request.principal.display().to_owned(), version)
    }

    fn of(step: FixStep, principal: String, version: Version) -> Option<Self> {
        let policy = policy_of(&step.statement, step.layer, version)?;
        Some(Self { step, principal, version, policy })
    }

    /// Whether the policy that it extends has a say in a request.
    fn concerns(&self, request: &Request<'_>) -> bool {
        match &self.step.resource {
            Some(resource) => resource == policy_holder(request.resource),
            None => self.principal == request.principal.display(),
        }
    }

    /// One statement in place of two that differ in one element only.
    fn and(&self, other: &Self) -> Option<Self> {
        let (own, others) = (&self.step, &other.step);
        let same_place =
            (own.layer, &own.place, &own.resource) == (others.layer, &others.place, &others.resource);
        if !same_place || (&self.principal, self.version) != (&other.principal, other.version) {
            return None;
        }
        let statement = joined(&own.statement, &others.statement)?;
        Self::of(FixStep { statement, ..own.clone() }, self.principal.clone(), self.version)
    }

    /// It without one of its actions or resources, for each of them; nothing for a patch of one of each.
    fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        for element in LISTS {
            let entries = entries(self.step.statement.get(element));
            for left_out in entries.iter().filter(|_| entries.len() > 1) {
                let rest: Vec<_> = entries.iter().filter(|it| *it != left_out).cloned().collect();
                let mut step = self.step.clone();
                step.statement[element] = list(rest);
                parts.extend(Self::of(step, self.principal.clone(), self.version));
            }
        }
        parts
    }
}

/// The elements of a suggested statement that may be lists.
const LISTS: [&str; 2] = ["Action", "Resource"];

fn entries(value: Option<&Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries.clone(),
        Some(one) => vec![one.clone()],
    }
}

fn list(mut entries: Vec<Value>) -> Value {
    if entries.len() == 1 { entries.remove(0) } else { Value::Array(entries) }
}

/// Two statements as one that allows neither more nor less: they may differ in one list.
fn joined(one: &Value, other: &Value) -> Option<Value> {
    let differs = |element: &&str| one.get(*element) != other.get(*element);
    let differing: Vec<_> = LISTS.into_iter().filter(differs).collect();
    let mut rest = other.clone();
    for element in LISTS.iter().filter(|element| other.get(**element).is_some()) {
        rest[*element] = one.get(*element)?.clone();
    }
    let ([element], true) = (differing.as_slice(), rest == *one) else { return None };
    let mut all = entries(one.get(*element));
    for entry in entries(other.get(*element)) {
        if !all.contains(&entry) {
            all.push(entry);
        }
    }
    rest[*element] = list(all);
    Some(rest)
}

/// Joins what can be joined.
fn merged(mut patches: Vec<Patch>) -> Vec<Patch> {
    let pair = |patches: &[Patch]| {
        let pairs = (0..patches.len()).flat_map(|at| (at + 1..patches.len()).map(move |other| (at, other)));
        pairs
            .into_iter()
            .find_map(|(at, other)| Some((at, other, patches.get(at)?.and(patches.get(other)?)?)))
    };
    while let Some((at, other, joined)) = pair(&patches) {
        patches.remove(other);
        if let Some(place) = patches.get_mut(at) {
            *place = joined;
        }
    }
    patches
}

/// Leaves out every statement without which all is allowed all the same. What remains was needed when it was tried;
/// leaving out others later makes it no less so, because an added Allow never refuses.
fn take_apart(allowed: &impl Fn(&[Patch]) -> bool, patches: &mut Vec<Patch>) {
    let mut at = 0;
    while at < patches.len() {
        let patch = patches.remove(at);
        if !allowed(patches) {
            patches.insert(at, patch);
            at += 1;
        }
    }
}

/// Whether nothing can be left out: no statement, no action and no resource of one.
fn is_smallest(allowed: &impl Fn(&[Patch]) -> bool, patches: &[Patch]) -> bool {
    (0..patches.len()).all(|at| {
        let mut others = patches.to_vec();
        let patch = others.remove(at);
        let with = |part: Patch| allowed(&[others.as_slice(), &[part]].concat());
        !allowed(&others) && !patch.parts().into_iter().any(with)
    })
}

/// The layer that is silent, or why there is none to extend.
fn blocker_or_layer(
    request: &Request<'_>,
    layers: &Layers<'_>,
    decision: &Decision<'_>,
) -> Result<Layer, Blocker> {
    match (decision.reason, decision.effect, &decision.deciding) {
        (_, Effect::ExplicitDeny, Some(statement)) => Err(Blocker::deny(statement)),
        (Reason::RootMayNotAssume, ..) => {
            Err(Blocker::Impossible("the root user cannot assume roles; use a user or a role".to_owned()))
        }
        (Reason::NotAcrossAccounts, ..) => Err(Blocker::Impossible(
            "the operation does not work on what is another account's; call it from that account".to_owned(),
        )),
        _ => extendable(request, layers, decision.layer),
    }
}

/// The silent layer, if somebody can extend it.
fn extendable(request: &Request<'_>, layers: &Layers<'_>, missing: Layer) -> Result<Layer, Blocker> {
    if let Some(why) = kept_by_aws(request, layers, missing) {
        return Err(Blocker::Impossible(why.to_owned()));
    }
    if needs_absent_policy(request, layers, missing) {
        return Err(Blocker::Impossible(without_policy(request)));
    }
    Ok(missing)
}

/// Why nobody can add to the policy that is silent.
fn kept_by_aws(request: &Request<'_>, layers: &Layers<'_>, missing: Layer) -> Option<&'static str> {
    let resource = layers.resource.as_ref();
    match missing {
        Layer::Resource if resource.is_some_and(ResourceLayer::is_aws_managed_key) => {
            Some("AWS keeps the policy of its managed keys as it is: use a customer managed key")
        }
        Layer::RoleTrust if request.resource.contains(":role/aws-service-role/") => {
            Some("the trust policy of a service-linked role cannot be changed: only its service becomes it")
        }
        _ => None,
    }
}

/// Whether the caller could be let in only by a policy of the resource, and resources of its kind have none.
fn needs_absent_policy(request: &Request<'_>, layers: &Layers<'_>, missing: Layer) -> bool {
    let outside = request.principal.account().is_none() || request.is_cross_account();
    let side = matches!(missing, Layer::Resource | Layer::Identity);
    let none = layers.resource.is_none_or(|resource| resource.policies.is_empty());
    side && outside && none && !has_policy(request.action, request.resource)
}

fn without_policy(request: &Request<'_>) -> String {
    let from = match request.resource_account {
        Some(account) => format!("account {account}"),
        None => "its account".to_owned(),
    };
    format!(
        "`{}` has no policy of its own in which `{}` could be allowed to callers of other accounts: call it from {from}, \
         for example with a role there that the caller may assume",
        request.resource, request.action
    )
}

/// Evaluates with the patches in place; the error is what is missing next.
fn with_patches(
    request: &Request<'_>,
    layers: &Layers<'_>,
    patches: &[Patch],
) -> Result<(), Result<Layer, Blocker>> {
    let patches: Vec<_> = patches.iter().filter(|patch| patch.concerns(request)).collect();
    let identity = extended(layers.identity, &patches, Layer::Identity);
    let boundary = extended(layers.boundary, &patches, Layer::Boundary);
    let session = extended(layers.session, &patches, Layer::Session);
    let endpoint = extended(layers.endpoint, &patches, Layer::Endpoint);
    let levels: Vec<_> =
        layers.scp.iter().map(|level| extended(level, &patches, Layer::ServiceControl)).collect();
    let scp: Vec<&[Attached<'_>]> = levels.iter().map(Vec::as_slice).collect();
    let current = layers.resource.or_else(|| missing_resource(request, &patches));
    let own = current.map_or(Vec::new(), |resource| extended(resource.policies, &patches, resource.layer()));
    let resource = current.map(|resource| ResourceLayer { policies: &own, ..resource });
    let patched = Layers {
        identity: &identity,
        boundary: &boundary,
        session: &session,
        resource,
        scp: &scp,
        rcp: layers.rcp,
        endpoint: &endpoint,
    };
    let decision = evaluate(request, &patched);
    if decision.is_allowed() { Ok(()) } else { Err(blocker_or_layer(request, &patched, &decision)) }
}

fn extended<'a>(policies: &[Attached<'a>], patches: &[&'a Patch], layer: Layer) -> Vec<Attached<'a>> {
    let added = patches.iter().filter(|patch| patch.step.layer == layer);
    policies.iter().copied().chain(added.map(|patch| Attached::inline("suggested", &patch.policy))).collect()
}

/// The layer of a resource that has no policy yet: as much depends on it as in a decision.
fn missing_resource<'a>(request: &Request<'_>, patches: &[&Patch]) -> Option<ResourceLayer<'a>> {
    let on_resource = |patch: &&&Patch| patch.step.resource.is_some();
    patches.iter().find(on_resource)?;
    let kind = required_policy(request.action, request.resource).unwrap_or(ResourceKind::Ordinary);
    Some(ResourceLayer { policies: &[], kind })
}

/// The language of the policy that a statement is added to; a new policy has the present one.
fn version(layers: &Layers<'_>, layer: Layer) -> Version {
    let extended = match layer {
        Layer::Resource | Layer::RoleTrust => layers.resource.map_or(&[][..], |resource| resource.policies),
        Layer::Boundary => layers.boundary,
        Layer::Session => layers.session,
        Layer::Endpoint => layers.endpoint,
        _ => &[],
    };
    extended.first().map_or(Version::V2012, |attached| attached.policy.version())
}

fn statement(request: &Request<'_>, layer: Layer, version: Version) -> Value {
    let (action, resource) = (request.action, pattern(request.resource, version));
    match layer {
        Layer::RoleTrust => json!({"Effect": "Allow", "Principal": principal(request), "Action": action}),
        Layer::Resource => {
            let mut statement = json!({"Effect": "Allow", "Principal": principal(request), "Action": action});
            match request.service() {
                "ecr" if !is_in_registry_policy(request.action) => {}
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

/// A resource as a pattern that matches it, and nothing else if that can be said: characters that are special in patterns
/// are written as variables, which policies of 2008 do not have. The star in a resource is a character in a name only where
/// names may have one, in keys of S3; elsewhere it means all.
fn pattern(resource: &str, version: Version) -> Cow<'_, str> {
    let Some(arn) = ArnParts::split(resource) else { return resource.into() };
    let has_stars = arn.head[2] == "s3";
    let special = |letter| matches!(letter, '?' | '$') || (letter == '*' && has_stars);
    if version == Version::V2008 || !arn.tail.contains(special) {
        return resource.into();
    }
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

fn policy_of(statement: &Value, layer: Layer, version: Version) -> Option<Policy> {
    let kind = match layer {
        Layer::RoleTrust => PolicyKind::RoleTrust,
        Layer::Resource => PolicyKind::Resource(ResourceService::Other),
        Layer::Endpoint => PolicyKind::Endpoint,
        Layer::ServiceControl => PolicyKind::ServiceControl,
        Layer::Boundary => PolicyKind::Boundary,
        Layer::Session => PolicyKind::Session,
        _ => PolicyKind::Identity,
    };
    let document = json!({"Version": version.name(), "Statement": [statement]});
    Policy::stored(&document.to_string(), kind).ok()
}

fn place(request: &Request<'_>, layers: &Layers<'_>, layer: Layer) -> String {
    let caller = request.principal.policy_holder().map_or("", Arn::as_str);
    let name =
        |policies: &[Attached<'_>]| policies.first().map_or(String::new(), |it| format!(" `{}`", it.name));
    let kind = layer_name(layer);
    match layer {
        Layer::Identity => format!("a policy of `{caller}`"),
        Layer::Boundary => format!("the {kind}{} of `{caller}`", name(layers.boundary)),
        Layer::Session => format!("the {kind} of the session `{}`", request.principal.display()),
        Layer::Endpoint => format!("the {kind}{}", name(layers.endpoint)),
        Layer::ServiceControl => format!("a {kind} at each level that does not allow it"),
        Layer::Resource if is_in_registry_policy(request.action) => {
            format!("the registry policy of the account of `{}`", request.resource)
        }
        _ => format!("the {kind} of `{}`", policy_holder(request.resource)),
    }
}
