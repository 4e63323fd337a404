//! Who is calling.

use std::net::IpAddr;
use std::sync::Arc;

use landfall_base::{AccountId, Region, Timestamp};
use landfall_iam::{Policy, PolicyKind, Principal};
use serde::{Deserialize, Serialize};

use super::Unsaid;
use crate::ec2::Way;

/// Who makes a call, and how it reached us.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// The principal's account.
    pub account: AccountId,
    /// The Region that the call is made to.
    pub region: Region,
    /// The access key that signed the call; empty for calls from inside.
    pub access_key_id: String,
    /// Facts of the session, for temporary credentials.
    pub session: Option<Arc<SessionFacts>>,
    /// Where the call came from; `None` for calls from inside.
    pub source_ip: Option<IpAddr>,
    /// The call came over TLS.
    pub secure_transport: bool,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// Further condition keys of the request: `aws:Referer`, or those that a service adds when it calls on somebody's
    /// behalf, for example `kms:ViaService`.
    pub via: Vec<(String, Vec<String>)>,
    /// The VPC endpoint that the call comes through: its policy has a say in what is asked of the service itself.
    pub way: Option<Arc<Way>>,
    /// What nobody may read of the call.
    pub unsaid: Unsaid,
    /// What the caller's policies will be: of calls that nobody makes.
    pub planned: Vec<PlannedPolicy>,
}

/// A policy of a caller as it will be.
#[derive(Debug, Clone)]
pub struct PlannedPolicy {
    /// Name of an inline policy, ARN of a managed one: it takes the place of the one that there is.
    pub name: String,
    /// The policy; without one there will be none.
    pub policy: Option<Arc<Policy>>,
}

/// What temporary credentials carry.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// When the session began.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Session policies: they narrow what the role may do.
    pub policies: Vec<SessionPolicy>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// `sts:SourceIdentity`
    pub source_identity: Option<String>,
    /// Keys of the session tags that go on into sessions that are made from this one.
    pub transitive: Vec<String>,
    /// The session was made with a second factor.
    pub mfa: bool,
    /// The user whose policies a federated session has.
    pub parent: Option<Principal>,
}

/// A policy that narrows a session.
#[derive(Debug, Clone)]
pub struct SessionPolicy {
    /// Of a managed one.
    pub arn: Option<String>,
    /// The policy, as it was when the session began.
    pub policy: Arc<Policy>,
}

/// A session policy as tokens hold it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionPolicyText {
    /// Of a managed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The document.
    pub document: String,
}

impl SessionPolicyText {
    /// A policy of the request itself.
    pub fn inline(document: impl Into<String>) -> Self {
        Self { arn: None, document: document.into() }
    }

    /// `None` if it does not compile: such a token is never made, so it is refused rather than read as no policy.
    pub fn compile(&self) -> Option<SessionPolicy> {
        let policy = Policy::parse(&self.document, PolicyKind::Session).ok()?;
        Some(SessionPolicy { arn: self.arn.clone(), policy: Arc::new(policy) })
    }
}

impl From<&SessionPolicy> for SessionPolicyText {
    fn from(it: &SessionPolicy) -> Self {
        Self { arn: it.arn.clone(), document: it.policy.text().to_owned() }
    }
}

impl Caller {
    /// Somebody who calls from inside.
    pub fn internal(principal: Principal, account: AccountId, region: Region) -> Self {
        Self {
            principal,
            account,
            region,
            access_key_id: String::new(),
            session: None,
            source_ip: None,
            secure_transport: true,
            user_agent: None,
            via: Vec::new(),
            way: None,
            unsaid: Unsaid::default(),
            planned: Vec::new(),
        }
    }

    /// The ARN that the caller acts under: the user's, or the role session's.
    pub fn arn(&self) -> String {
        self.principal.display().to_owned()
    }

    /// Whose policies count: the caller's own, or those of the user who asked for a federated session.
    pub fn policy_holder(&self) -> &Principal {
        let parent = self.session.as_ref().and_then(|session| session.parent.as_ref());
        parent.unwrap_or(&self.principal)
    }

    /// The same caller, calling through a VPC endpoint or through none.
    #[must_use]
    pub fn through(&self, way: Option<Way>) -> Self {
        Self { way: way.map(Arc::new), ..self.clone() }
    }

    /// The same caller, in calls of which these values are not to be read.
    #[must_use]
    pub fn without_saying(&self, unsaid: Unsaid) -> Self {
        Self { unsaid, ..self.clone() }
    }

    /// The same caller, calling another Region.
    #[must_use]
    pub fn in_region(&self, region: &Region) -> Self {
        Self { region: region.clone(), ..self.clone() }
    }
}
