//! A policy document: its text as written, and its compiled form.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::compile::{self, Statement};
use crate::document::{Document, Version};
use crate::error::{PolicyError, PolicyErrorReason};
use crate::index::{Index, Near};
use crate::principal_match::{NamedPrincipal, Principals, Strength};
use crate::request::Target;
use crate::trace::LISTED_IN_FULL;
use crate::validate::{invalid_principal, validate};

/// What a policy is attached to; decides which elements it may have and how a refusal is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// Of a user, group or role, inline or managed.
    Identity,
    /// Permissions boundary.
    Boundary,
    /// Passed to `AssumeRole` or `GetFederationToken`.
    Session,
    /// Who may assume a role.
    RoleTrust,
    /// Attached to a resource.
    Resource(ResourceService),
    /// Service control policy.
    ServiceControl,
    /// Resource control policy.
    ResourceControl,
    /// Of a VPC endpoint.
    Endpoint,
}

impl PolicyKind {
    /// Whether the policy is about the principal that it is attached to and so has no `Principal` element.
    pub(crate) fn is_attached_to_principal(self) -> bool {
        matches!(self, Self::Identity | Self::Boundary | Self::Session | Self::ServiceControl)
    }
}

/// The kinds of resources that have policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceService {
    /// No `Resource` element.
    EcrRepository,
    /// The one policy of a registry.
    EcrRegistry,
    /// KMS key policy.
    KmsKey,
    /// Secrets Manager.
    Secret,
    /// S3 bucket policy.
    Bucket,
    /// CloudWatch Logs.
    LogGroup,
    /// Any other; `Resource` may be left out.
    Other,
}

/// A parsed and compiled policy. Cloning is cheap; serialized as its text, kind and resolved principals.
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    text: Box<str>,
    kind: PolicyKind,
    version: Version,
    ids: BTreeMap<String, String>,
    statements: Box<[Statement]>,
    index: Index,
    /// For traces of a long policy.
    near: Option<Near>,
}

impl Policy {
    /// Parses, validates and compiles a document that somebody wants to store.
    ///
    /// # Errors
    /// What AWS refuses, in its words.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let refuse = |reason| PolicyError::new(kind, reason);
        let document = Document::parse(text).map_err(|reason| refuse(unreadable(text, kind, reason)))?;
        leading_space(text, kind).map_err(refuse)?;
        validate(&document, kind).map_err(refuse)?;
        Self::build(text, kind, BTreeMap::new(), &document).map_err(refuse)
    }

    /// Compiles a document that was accepted earlier, without the checks on what it may say, so that a rule added
    /// later makes no stored policy unreadable. Parts that make no sense match nothing.
    ///
    /// # Errors
    /// The document does not follow the grammar.
    pub fn stored(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        Self::load(text, kind, BTreeMap::new()).map_err(|reason| PolicyError::new(kind, reason))
    }

    fn load(text: &str, kind: PolicyKind, ids: BTreeMap<String, String>) -> Result<Self, PolicyErrorReason> {
        Self::build(text, kind, ids, &Document::parse(text)?)
    }

    fn build(
        text: &str,
        kind: PolicyKind,
        ids: BTreeMap<String, String>,
        document: &Document,
    ) -> Result<Self, PolicyErrorReason> {
        let statements = compile::statements(document, kind, &ids)?;
        let index = Index::new(statements.iter());
        let near = (statements.len() > LISTED_IN_FULL).then(|| Near::new(&statements));
        Ok(Self(Arc::new(Inner {
            text: text.into(),
            kind,
            version: document.version,
            ids,
            statements,
            index,
            near,
        })))
    }

    /// Binds the users and roles named as principals to their unique ids, as AWS does when a policy is saved: a
    /// principal that is deleted and made again under the same name is another principal. `resolve` gets the ARN of a
    /// user or role, or its unique id, and answers its `AIDA…` or `AROA…`; or the canonical user id of an account, and
    /// answers the account's number.
    ///
    /// # Errors
    /// A named principal does not exist.
    pub fn resolve_principals(
        &self,
        mut resolve: impl FnMut(&str) -> Option<String>,
    ) -> Result<Self, PolicyError> {
        let refuse = |reason| PolicyError::new(self.0.kind, reason);
        let document = Document::parse(&self.0.text).map_err(refuse)?;
        let mut ids = BTreeMap::new();
        let principals = document.statements.iter().filter_map(|it| it.principal.as_ref());
        for entry in principals.flat_map(|it| &it.entries).filter(|it| compile::has_unique_id(it)) {
            let id = resolve(&entry.value).ok_or_else(|| refuse(invalid_principal(entry)))?;
            ids.insert(entry.value.clone(), id);
        }
        Self::build(&self.0.text, self.0.kind, ids, &document).map_err(refuse)
    }

    /// The document exactly as it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The users and roles that it names, as written, with the unique ids that they were bound to.
    pub fn bound_principals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.ids.iter().map(|(arn, id)| (arn.as_str(), id.as_str()))
    }

    /// Whom its Allow statements name, each as it is written. One that names all but some names everybody.
    pub fn allowed_principals(&self) -> impl Iterator<Item = NamedPrincipal<'_>> {
        let allows = self.0.statements.iter().filter(|statement| !statement.denies);
        allows.filter_map(|statement| statement.principals.as_ref()).flat_map(Principals::named)
    }

    /// What it is attached to.
    pub fn kind(&self) -> PolicyKind {
        self.0.kind
    }

    /// Of its language.
    pub(crate) fn version(&self) -> Version {
        self.0.version
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    /// The first Deny that matches, as error, or the strongest Allow.
    pub(crate) fn decide(&self, target: &Target<'_>) -> Result<Option<(Strength, usize)>, usize> {
        self.0.index.decide(target, |at| self.0.statements.get(at))
    }

    /// The index of the statements.
    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }

    /// What a trace of a long policy asks; none for a policy that is listed in full.
    pub(crate) fn near(&self) -> Option<&Near> {
        self.0.near.as_ref()
    }
}

/// IAM says of trust policies whether they are JSON at all.
fn unreadable(text: &str, kind: PolicyKind, reason: PolicyErrorReason) -> PolicyErrorReason {
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if kind == PolicyKind::RoleTrust && !is_json() { PolicyErrorReason::NotJson } else { reason }
}

/// IAM wants a document to begin with its brace, and says so of trust policies.
fn leading_space(text: &str, kind: PolicyKind) -> Result<(), PolicyErrorReason> {
    match kind {
        _ if !text.starts_with(char::is_whitespace) => Ok(()),
        PolicyKind::Identity | PolicyKind::Boundary => Err(PolicyErrorReason::Legacy),
        PolicyKind::RoleTrust => Err(PolicyErrorReason::LeadingSpace),
        _ => Ok(()),
    }
}

/// Size of a document as IAM counts it against its quotas: characters other than white space.
pub fn policy_size(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("kind", &self.0.kind).field("text", &self.0.text).finish()
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.text, self.0.kind, &self.0.ids) == (&other.0.text, other.0.kind, &other.0.ids)
    }
}

impl Eq for Policy {}

#[derive(Serialize)]
struct Written<'a> {
    text: &'a str,
    kind: PolicyKind,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    principals: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Read {
    text: String,
    kind: PolicyKind,
    #[serde(default)]
    principals: BTreeMap<String, String>,
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner { text, kind, ids, .. } = self.0.as_ref();
        Written { text, kind: *kind, principals: ids }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        Self::load(&read.text, read.kind, read.principals).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &str = r#"{ "Statement": {"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":["arn:aws:iam::111122223333:role/a","111122223333"]}} }"#;

    #[test]
    fn serialization_keeps_text_and_resolved_principals() {
        let policy = Policy::parse(TRUST, PolicyKind::RoleTrust).unwrap();
        let resolved = policy.resolve_principals(|_| Some("AROAX".into())).unwrap();
        assert_ne!(policy, resolved);
        for policy in [policy, resolved] {
            let json = serde_json::to_string(&policy).unwrap();
            let back: Policy = serde_json::from_str(&json).unwrap();
            assert_eq!(back, policy);
            assert_eq!(back.text(), TRUST);
        }
    }

    #[test]
    fn unknown_principals_are_named() {
        let policy = Policy::parse(TRUST, PolicyKind::RoleTrust).unwrap();
        let error = policy.resolve_principals(|_| None).unwrap_err();
        assert_eq!(
            error.message(),
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/a""#
        );
    }

    #[test]
    fn unique_ids_are_resolved_as_well() {
        let text = TRUST.replace("arn:aws:iam::111122223333:role/a", "AROAX");
        let policy = Policy::parse(&text, PolicyKind::RoleTrust).unwrap();
        let error = policy.resolve_principals(|_| None).unwrap_err();
        assert_eq!(error.message(), r#"Invalid principal in policy: "AWS":"AROAX""#);
        let resolved = policy.resolve_principals(|id| Some(id.to_owned())).unwrap();
        assert_eq!(resolved.bound_principals().collect::<Vec<_>>(), [("AROAX", "AROAX")]);
    }

    #[test]
    fn white_space_is_not_counted() {
        assert_eq!(policy_size("{ \"a\" :\n 1 }"), 7);
    }
}
