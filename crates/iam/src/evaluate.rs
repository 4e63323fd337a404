//! The decision (IAM User Guide, "Policy evaluation logic").
//!
//! Any matching Deny wins. Then the limits of the organization and of the VPC endpoint must allow. Inside an account
//! the resource's policy may grant by itself, as far as the strength of its grant goes; otherwise identity policies,
//! within boundary and session policies, must allow. Across accounts both sides must.

use serde::{Deserialize, Serialize};

use crate::choices::Choice;
use crate::layers::{Attached, Layer, Layers, ResourceKind, ResourceLayer};
use crate::principal_match::Strength;
use crate::request::{Request, Target};

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Nothing allows it.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny,
}

/// What decided, beside the policies' statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The statements.
    Policy,
    /// `sts:AssumeRole` as root user, which no policy can allow.
    RootMayNotAssume,
    /// An operation that works only from the account of its resource: of KMS, or on the policy of a bucket.
    NotAcrossAccounts,
}

impl Reason {
    pub(crate) fn of_policies() -> Self {
        Self::Policy
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
    pub(crate) fn is_of_policies(&self) -> bool {
        *self == Self::Policy
    }
}

/// Who decided, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The outcome.
    pub effect: Effect,
    /// The layer that decided: where the deciding statement is, or where an Allow is missing.
    pub layer: Layer,
    /// Why, where the statements do not say it.
    pub reason: Reason,
    /// The statement that allowed or denied; none for an implicit deny.
    pub deciding: Option<StatementRef<'a>>,
}

/// A statement of an attached policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StatementRef<'a> {
    /// Where the policy has its say.
    pub layer: Layer,
    /// Name of the policy.
    pub policy: &'a str,
    /// ARN of a managed policy.
    pub arn: Option<&'a str>,
    /// Place in the document, from 0.
    pub index: usize,
    /// The statement's `Sid`.
    pub sid: Option<&'a str>,
}

impl Decision<'_> {
    /// Whether the request may proceed.
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }
}

/// What the policies of one layer say, when none of them denies.
#[derive(Debug, Clone, Copy, Default)]
struct Scan<'a> {
    /// The strongest Allow.
    allow: Option<(Strength, Place<'a>)>,
}

/// A statement that decides perhaps. Only the one that does is looked at.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    layer: Layer,
    attached: Attached<'a>,
    index: usize,
}

impl<'a> Place<'a> {
    fn statement(self) -> StatementRef<'a> {
        let Self { layer, attached: Attached { name: policy, arn, policy: compiled, .. }, index } = self;
        let sid = compiled.statements().get(index).and_then(|statement| statement.sid.as_deref());
        StatementRef { layer, policy, arn, index, sid }
    }
}

impl<'a> Scan<'a> {
    fn grant(&self, strength: Strength) -> Option<StatementRef<'a>> {
        self.allow.filter(|(found, _)| *found == strength).map(|(_, place)| place.statement())
    }

    fn statement(&self) -> Option<StatementRef<'a>> {
        self.allow.map(|(_, place)| place.statement())
    }
}

/// Decides a request.
pub fn evaluate<'a>(request: &Request<'_>, layers: &Layers<'a>) -> Decision<'a> {
    if request.action.eq_ignore_ascii_case("sts:GetCallerIdentity") {
        return allow(Layer::Inherent, None);
    }
    let layers = &with_required_policy(request, layers);
    let target = Target::new(request, !layers.boundary.is_empty());
    match Scans::of(&target, layers) {
        Err(denied) => denied,
        Ok(scans) => scans.decide(request, layers),
    }
}

/// Puts an empty policy where a required one was left out.
fn with_required_policy<'a>(request: &Request<'_>, layers: &Layers<'a>) -> Layers<'a> {
    let mut layers = *layers;
    if layers.resource.is_none() && Choice::MissingRequiredPolicyDenies.holds() {
        let kind = required_policy(request.action, request.resource);
        layers.resource = kind.map(|kind| ResourceLayer { policies: &[], kind });
    }
    layers
}

/// Which kind of policy a resource has to have for this action: the trust policy of a role, or the policy of a KMS key.
/// None where the account's own policies suffice.
pub fn required_policy(action: &str, resource: &str) -> Option<ResourceKind<'static>> {
    if is_assume_role(action) || is_session_extra(action, resource) {
        return Some(ResourceKind::RoleTrust);
    }
    let is_kms = action.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("kms:"));
    let is_key = is_kms && resource.contains(":key/");
    is_key.then_some(ResourceKind::KmsKey { grants: &[], aws_managed: false })
}

fn is_assume_role(action: &str) -> bool {
    action.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sts:AssumeRole"))
        && !action.eq_ignore_ascii_case("sts:AssumeRoot")
}

/// What a trust policy has to allow beside `sts:AssumeRole` when tags or a source identity are passed.
fn is_session_extra(action: &str, resource: &str) -> bool {
    let extra = ["sts:TagSession", "sts:SetSourceIdentity"];
    extra.iter().any(|name| action.eq_ignore_ascii_case(name)) && resource.contains(":role/")
}

fn allow(layer: Layer, deciding: Option<StatementRef<'_>>) -> Decision<'_> {
    Decision { effect: Effect::Allow, layer, reason: Reason::Policy, deciding }
}

fn silent<'a>(layer: Layer) -> Decision<'a> {
    Decision { effect: Effect::ImplicitDeny, layer, reason: Reason::Policy, deciding: None }
}

fn not_across_accounts<'a>(layer: Layer) -> Decision<'a> {
    Decision { reason: Reason::NotAcrossAccounts, ..silent(layer) }
}

/// Operations that only the account of the bucket has, whatever its policy says: others read `MethodNotAllowed` where they
/// would be allowed (Amazon S3 API Reference, `PutBucketPolicy`).
fn is_on_bucket_policy(action: &str) -> bool {
    const NAMES: [&str; 3] = ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(action))
}

/// The root user of a bucket's account always gets at its policy, even where that denies it everything (as there).
pub(crate) fn owner_is_never_locked_out(request: &Request<'_>) -> bool {
    request.principal.is_root() && !request.is_cross_account() && is_on_bucket_policy(request.action)
}

/// The layers whose Allow is needed or helps, after none of them denied.
#[derive(Default)]
struct Scans<'a> {
    /// Some level of resource control policies allows nothing that matches.
    rcp_silent: bool,
    /// Some level of the organization allows nothing that matches.
    scp_silent: bool,
    endpoint: Scan<'a>,
    resource: Scan<'a>,
    identity: Scan<'a>,
    boundary: Scan<'a>,
    session: Scan<'a>,
}

impl<'a> Scans<'a> {
    /// Reads all layers in the order in which AWS reports denials; the error is a denial.
    fn of(target: &Target<'_>, layers: &Layers<'a>) -> Result<Self, Decision<'a>> {
        let principal = target.request.principal;
        let managed_key = layers.resource.is_some_and(|resource| resource.is_aws_managed_key());
        let mut scans = Self::default();
        if principal.under_rcp() && !managed_key && supports_rcp(target.service) {
            for level in layers.rcp {
                scans.rcp_silent |= scan(target, Layer::ResourceControl, level)?.allow.is_none();
            }
        }
        if principal.under_scp() {
            for level in layers.scp {
                scans.scp_silent |= scan(target, Layer::ServiceControl, level)?.allow.is_none();
            }
        }
        scans.endpoint = scan(target, Layer::Endpoint, layers.endpoint)?;
        let identity_first = Choice::IdentityDenyNamedFirst.holds();
        if identity_first {
            scans.identity = scan_identity(target, layers)?;
        }
        if let Some(resource) = layers.resource.filter(|_| !owner_is_never_locked_out(target.request)) {
            scans.resource = scan(target, resource.layer(), resource.policies)?;
        }
        if !principal.is_root() {
            if !identity_first {
                scans.identity = scan_identity(target, layers)?;
            }
            scans.boundary = scan(target, Layer::Boundary, layers.boundary)?;
            scans.session = scan(target, Layer::Session, layers.session)?;
        }
        Ok(scans)
    }

    fn decide(&self, request: &Request<'_>, layers: &Layers<'a>) -> Decision<'a> {
        if request.principal.is_root() && is_assume_role(request.action) {
            return Decision { reason: Reason::RootMayNotAssume, ..silent(Layer::RoleTrust) };
        }
        if self.rcp_silent && !Choice::RcpOnlyDenies.holds() {
            return silent(Layer::ResourceControl);
        }
        if self.scp_silent {
            return silent(Layer::ServiceControl);
        }
        if !layers.endpoint.is_empty() && self.endpoint.allow.is_none() {
            return silent(Layer::Endpoint);
        }
        if self.granted(request, layers) {
            return allow(Layer::Grant, None);
        }
        if request.principal.account().is_none() {
            return self.without_account(request, layers);
        }
        if request.is_cross_account() {
            return self.across_accounts(request, layers);
        }
        self.inside_account(request, layers)
    }

    fn granted(&self, request: &Request<'_>, layers: &Layers<'a>) -> bool {
        let grants = layers.resource.map_or(&[][..], |resource| resource.grants());
        let limited = || Choice::GrantKeepsWithinLimits.holds() && self.limits(layers).is_err();
        let own_side = || {
            !(request.is_cross_account() && Choice::GrantNeedsIdentityAcrossAccounts.holds())
                || self.own_side(request, layers).is_ok()
        };
        grants.iter().any(|grant| grant.covers(request)) && own_side() && !limited()
    }

    /// Services, identities of other providers and anonymous callers have nothing but the resource's policy.
    fn without_account(&self, request: &Request<'_>, layers: &Layers<'a>) -> Decision<'a> {
        let layer = resource_layer(layers);
        match self.resource.statement() {
            Some(_) if is_on_bucket_policy(request.action) => not_across_accounts(layer),
            Some(statement) => allow(layer, Some(statement)),
            None => silent(layer),
        }
    }

    fn across_accounts(&self, request: &Request<'_>, layers: &Layers<'a>) -> Decision<'a> {
        let layer = resource_layer(layers);
        let key = layers.resource.is_some_and(|it| matches!(it.kind, ResourceKind::KmsKey { .. }));
        if key && !works_across_accounts(request.action) {
            return not_across_accounts(layer);
        }
        let own = self.own_side(request, layers);
        match (self.resource.statement(), own) {
            (Some(_), Ok(_)) if is_on_bucket_policy(request.action) => not_across_accounts(layer),
            (Some(statement), Ok(_)) => allow(layer, Some(statement)),
            (Some(_), Err(Layer::Identity)) if self.is_account_alone(layers) => silent(layer),
            (Some(_), Err(missing)) => silent(missing),
            (None, Err(Layer::Identity)) if Choice::BothSidesSilentNamesIdentity.holds() => {
                silent(Layer::Identity)
            }
            (None, _) => silent(layer),
        }
    }

    /// The resource's policy allows the caller's account and nobody in it, which a refusal may call no allowing at all.
    fn is_account_alone(&self, layers: &Layers<'a>) -> bool {
        let ordinary = layers.resource.is_some_and(|resource| !resource.is_required());
        ordinary
            && self.resource.grant(Strength::Account).is_some()
            && Choice::AccountGrantAloneNamesResource.holds()
    }

    fn inside_account(&self, request: &Request<'_>, layers: &Layers<'a>) -> Decision<'a> {
        let layer = resource_layer(layers);
        if let Some(statement) = self.resource.grant(Strength::Direct) {
            return allow(layer, Some(statement));
        }
        if let Some(statement) = self.resource.grant(Strength::Parent) {
            return match self.limits(layers) {
                Ok(()) => allow(layer, Some(statement)),
                Err(missing) => silent(missing),
            };
        }
        let required = layers.resource.is_some_and(|resource| resource.is_required());
        if required && self.resource.allow.is_none() {
            return silent(layer);
        }
        match self.own_side(request, layers) {
            Ok(Some(statement)) => allow(Layer::Identity, Some(statement)),
            Ok(None) => allow(Layer::Inherent, None),
            Err(missing) => silent(missing),
        }
    }

    /// Whether the caller's own account allows: with which statement, or which layer is silent.
    fn own_side(
        &self,
        request: &Request<'_>,
        layers: &Layers<'a>,
    ) -> Result<Option<StatementRef<'a>>, Layer> {
        if request.principal.is_root() {
            return Ok(None);
        }
        let statement = self.identity.statement().ok_or(Layer::Identity)?;
        self.limits(layers).map(|()| Some(statement))
    }

    fn limits(&self, layers: &Layers<'a>) -> Result<(), Layer> {
        if !layers.boundary.is_empty() && self.boundary.allow.is_none() {
            return Err(Layer::Boundary);
        }
        if !layers.session.is_empty() && self.session.allow.is_none() {
            return Err(Layer::Session);
        }
        Ok(())
    }
}

fn resource_layer(layers: &Layers<'_>) -> Layer {
    layers.resource.map_or(Layer::Resource, |resource| resource.layer())
}

/// The numbers of a policy and of a statement in it.
type Numbers = (usize, usize);

/// What the policies of a layer say: the first Deny, as error, or the strongest Allow.
fn scan<'a>(target: &Target<'_>, layer: Layer, policies: &[Attached<'a>]) -> Result<Scan<'a>, Decision<'a>> {
    let found = |(policy, index): Numbers| {
        policies.get(policy).map(|attached| Place { layer, attached: *attached, index })
    };
    match decide(target, policies) {
        Ok(allowed) => {
            Ok(Scan { allow: allowed.and_then(|(strength, place)| Some((strength, found(place)?))) })
        }
        Err(place) => {
            let deciding = found(place).map(Place::statement);
            Err(Decision { effect: Effect::ExplicitDeny, layer, reason: Reason::Policy, deciding })
        }
    }
}

/// The root user has no policies of its own.
fn scan_identity<'a>(target: &Target<'_>, layers: &Layers<'a>) -> Result<Scan<'a>, Decision<'a>> {
    let policies = if target.request.principal.is_root() { &[] } else { layers.identity };
    scan(target, Layer::Identity, policies)
}

/// The first policy's first Deny, as error, or the strongest Allow of all.
fn decide(target: &Target<'_>, policies: &[Attached<'_>]) -> Result<Option<(Strength, Numbers)>, Numbers> {
    let mut best: Option<(Strength, Numbers)> = None;
    for (at, attached) in policies.iter().enumerate() {
        let found = attached.policy.decide(target).map_err(|index| (at, index))?;
        if let Some((strength, index)) = found.filter(|(new, _)| best.is_none_or(|(known, _)| *new > known)) {
            best = Some((strength, (at, index)));
        }
    }
    Ok(best)
}

/// Services whose calls resource control policies reach, as far as we implement them (AWS Organizations User Guide,
/// "List of AWS services that support RCPs").
pub(crate) fn supports_rcp(service: &str) -> bool {
    const SERVICES: [&str; 6] = ["ecr", "kms", "logs", "s3", "secretsmanager", "sts"];
    SERVICES.iter().any(|name| name.eq_ignore_ascii_case(service))
}

/// KMS operations on a key of another account (AWS KMS Developer Guide, "Allowing users in other accounts to use a KMS
/// key").
fn works_across_accounts(action: &str) -> bool {
    const NAMES: [&str; 20] = [
        "Encrypt",
        "Decrypt",
        "ReEncryptFrom",
        "ReEncryptTo",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateMac",
        "VerifyMac",
        "Sign",
        "Verify",
        "DeriveSharedSecret",
        "GetPublicKey",
        "DescribeKey",
        "CreateGrant",
        "ListGrants",
        "RetireGrant",
        "RevokeGrant",
        "GetKeyRotationStatus",
    ];
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}
