//! Who may, by the policies of IAM and of the repository: the token of `GetAuthorizationToken` says who asks, the request
//! says which action, and the pipe's authorizer decides as it does for API calls.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use landfall_base::{AccountId, Region, Sensitive};
use landfall_registry::{Access, Attempt, Credentials, Grant, Operation, Refusal, credentials};
use landfall_services::ecr::names;
use landfall_services::ecr::record::RepositoryKey;
use landfall_services::ecr::registry::{self, TokenError, token_caller};
use landfall_services::pipe::{
    AuthMode, CallName, Caller, Checked, Context, Failure, Installation, Permission, audit, audit_refusals,
    authorize,
};
use landfall_store::{StoreError, View};

use crate::tls::Secure;

/// What the audit log calls the protocol of registries.
pub(super) const PROTOCOL: &str = "ecr-registry";

/// The user name of every token.
const USERNAME: &str = "AWS";

/// What a request tells of who sent it; the front attaches it.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    address: IpAddr,
    agent: Option<String>,
    secure: bool,
}

impl Visitor {
    pub(super) fn of(parts: &Parts, peer: SocketAddr) -> Self {
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let secure = parts.extensions.get::<Secure>().is_some();
        Self { address: peer.ip(), agent: agent.map(str::to_owned), secure }
    }
}

/// Asks IAM.
#[derive(Debug)]
pub(super) struct EcrAccess(Arc<Installation>);

/// What a request is about.
struct Subject {
    account: AccountId,
    region: Region,
    /// `None` where the registry as a whole is meant.
    repository: Option<RepositoryKey>,
    /// How the client's names of that registry begin.
    prefix: String,
}

impl EcrAccess {
    pub(super) fn new(installation: Arc<Installation>) -> Self {
        Self(installation)
    }

    fn decide(&self, attempt: &Attempt<'_>) -> Result<Grant, Refusal> {
        let view = self.0.store.view();
        let caller = self.caller(&view, attempt)?;
        let Some(action) = action(&attempt.operation)? else { return Ok(granted(&caller, None)) };
        let subject = self.subject(attempt, &caller)?;
        let caller = caller.in_region(&subject.region);
        if attempt.operation == Operation::MountFrom {
            self.mounting(&view, &subject)?;
        }
        self.check(&view, &caller, action, &subject)?;
        if let Some(key) = subject.repository.as_ref().filter(|_| needs_key(&attempt.operation)) {
            registry::check_key(&view, key).map_err(refusal)?;
        }
        Ok(granted(&caller, Some(subject)))
    }

    /// Who sent a request, if its token is good.
    pub(super) fn visitor(&self, view: &View, parts: &Parts, peer: SocketAddr) -> Option<Caller> {
        let found = match credentials(&parts.headers).ok()? {
            Some(Credentials::Basic { username, password }) if username == USERNAME => {
                token_caller(&self.0, view, &password).ok()
            }
            Some(_) | None => None,
        };
        let visitor = Visitor::of(parts, peer);
        let caller = match found {
            Some(caller) => caller,
            None if self.0.auth == AuthMode::Off => {
                let account = self.0.default_account.clone();
                Caller::internal(landfall_services::root_of(&account), account, self.0.default_region.clone())
            }
            None => return None,
        };
        Some(Caller {
            source_ip: Some(visitor.address),
            user_agent: visitor.agent,
            secure_transport: visitor.secure,
            ..caller
        })
    }

    /// Makes checks, and writes the line of the audit log for a refusal, whose sentence is the error.
    pub(super) fn decide_all(
        &self,
        view: &View,
        caller: &Caller,
        operation: &'static str,
        permissions: Vec<Permission>,
    ) -> Result<(), String> {
        let call = CallName::new(PROTOCOL, operation);
        let context = Context::new(&self.0, caller, call);
        let mut checks = Vec::new();
        let service = &landfall_api::ecr::SERVICE;
        match authorize(&context, view, service, Checked::all((), permissions), &mut checks) {
            Ok(_) => {
                audit_refusals(call, &checks);
                Ok(())
            }
            Err(failure) => {
                audit(call, caller, "DENIED", &checks);
                Err(match failure {
                    Failure::Service(error) => error.message,
                    Failure::Internal(cause) => cause.to_string(),
                })
            }
        }
    }

    fn caller(&self, view: &View, attempt: &Attempt<'_>) -> Result<Caller, Refusal> {
        let found = match attempt.credentials {
            Some(Credentials::Basic { username, password }) if username == USERNAME => {
                self.token(view, password, attempt.host)
            }
            Some(_) | None => Err(challenge(attempt.host)),
        };
        let caller = match found {
            Err(Refusal::Unauthenticated { .. }) if self.0.auth == AuthMode::Off => self.anybody(attempt),
            found => found?,
        };
        let visitor: Option<&Visitor> = attempt.extensions.get();
        Ok(Caller {
            source_ip: visitor.map(|visitor| visitor.address),
            user_agent: visitor.and_then(|visitor| visitor.agent.clone()),
            secure_transport: visitor.is_some_and(|visitor| visitor.secure),
            ..caller
        })
    }

    fn token(
        &self,
        view: &View,
        password: &Sensitive<String>,
        host: Option<&str>,
    ) -> Result<Caller, Refusal> {
        token_caller(&self.0, view, password).map_err(|error| match error {
            TokenError::Invalid => challenge(host),
            TokenError::Expired => Refusal::Denied {
                message: "Your authorization token has expired. Reauthenticate and try again.".to_owned(),
            },
            TokenError::Internal(failure) => Refusal::Failed(failure.to_string().into()),
        })
    }

    /// With enforcement off everybody is the root user of the account that is addressed.
    fn anybody(&self, attempt: &Attempt<'_>) -> Caller {
        let located = attempt.repository.and_then(|name| names::locate(attempt.host, name.as_str()));
        let account = located.map_or_else(|| self.0.default_account.clone(), |(account, _, _)| account);
        let region = self.0.default_region.clone();
        Caller::internal(landfall_services::root_of(&account), account, region)
    }

    fn subject(&self, attempt: &Attempt<'_>, caller: &Caller) -> Result<Subject, Refusal> {
        let host = attempt.host.and_then(|host| names::parse_aws_host(host.split(':').next()?));
        let Some(name) = attempt.repository else {
            let (account, region, prefix) = match host {
                Some((account, region)) => (account, region, String::new()),
                None => {
                    let (account, region) = (caller.account.clone(), self.0.default_region.clone());
                    let prefix = format!("{account}/{region}/");
                    (account, region, prefix)
                }
            };
            return Ok(Subject { account, region, repository: None, prefix });
        };
        let key = names::locate(attempt.host, name.as_str()).ok_or_else(|| Refusal::Unknown {
            message: format!(
                "`{name}` names no registry: expected `<account>/<region>/<repository>`, or AWS's host name"
            ),
        })?;
        let prefix = name.as_str().strip_suffix(key.2.as_str()).unwrap_or_default().to_owned();
        Ok(Subject { account: key.0.clone(), region: key.1.clone(), repository: Some(key), prefix })
    }

    /// The account setting `BLOB_MOUNTING`.
    fn mounting(&self, view: &View, Subject { account, region, .. }: &Subject) -> Result<(), Refusal> {
        match registry::may_mount(view, account, region) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::NotOffered { message: "blob mounting is disabled".to_owned() }),
            Err(error) => Err(Refusal::Failed(error.into())),
        }
    }

    /// Asks, and writes the line of the audit log.
    fn check(
        &self,
        view: &View,
        caller: &Caller,
        action: &'static str,
        subject: &Subject,
    ) -> Result<(), Refusal> {
        let permissions = match &subject.repository {
            Some(key) => on_repository(view, action, key).map_err(|error| Refusal::Failed(error.into()))?,
            None => vec![all_repositories(action, subject)],
        };
        let call = CallName::new(PROTOCOL, action.strip_prefix("ecr:").unwrap_or(action));
        let context = Context::new(&self.0, caller, call);
        let mut checks = Vec::new();
        let service = &landfall_api::ecr::SERVICE;
        let decided = authorize(&context, view, service, Checked::all((), permissions), &mut checks);
        let code = if decided.is_ok() { "ok" } else { "DENIED" };
        audit(call, caller, code, &checks);
        decided.map(drop).map_err(refusal)
    }
}

impl Access for EcrAccess {
    async fn authorize(&self, attempt: Attempt<'_>) -> Result<Grant, Refusal> {
        self.decide(&attempt)
    }

    fn offers_blob_deletion(&self) -> bool {
        false
    }
}

/// The action of a request; `None` where it is enough to be somebody.
fn action(operation: &Operation) -> Result<Option<&'static str>, Refusal> {
    Ok(Some(match operation {
        Operation::Ping => return Ok(None),
        Operation::PullManifest | Operation::Referrers => "ecr:BatchGetImage",
        Operation::HeadBlob => "ecr:BatchCheckLayerAvailability",
        Operation::PullBlob | Operation::MountFrom => "ecr:GetDownloadUrlForLayer",
        Operation::ListTags => "ecr:ListImages",
        Operation::ListRepositories => "ecr:DescribeRepositories",
        Operation::StartUpload => "ecr:InitiateLayerUpload",
        Operation::UploadChunk => "ecr:UploadLayerPart",
        Operation::CompleteUpload => "ecr:CompleteLayerUpload",
        Operation::PutManifest => "ecr:PutImage",
        Operation::DeleteManifest => "ecr:BatchDeleteImage",
        Operation::DeleteBlob => {
            let message = "layers are not deleted one by one: they go when no image names them".to_owned();
            return Err(Refusal::NotOffered { message });
        }
    }))
}

/// Whether layers or manifests are read or written, which is done with the key that a repository is under.
fn needs_key(operation: &Operation) -> bool {
    use Operation::{
        CompleteUpload, MountFrom, PullBlob, PullManifest, PutManifest, Referrers, StartUpload, UploadChunk,
    };
    matches!(
        operation,
        PullManifest
            | Referrers
            | PullBlob
            | MountFrom
            | StartUpload
            | UploadChunk
            | CompleteUpload
            | PutManifest
    )
}

/// The check against a repository; for the beginning of a push also what its creation needs, where a template has it made.
fn on_repository(
    view: &View,
    action: &'static str,
    key: &RepositoryKey,
) -> Result<Vec<Permission>, StoreError> {
    match action {
        "ecr:InitiateLayerUpload" | "ecr:PutImage" => registry::push_permissions(view, action, key),
        _ => Ok(vec![registry::permission(view, action, key)?]),
    }
}

fn all_repositories(action: &'static str, Subject { account, region, .. }: &Subject) -> Permission {
    Permission::on(action, &names::repository_arn(&(account.clone(), region.clone(), "*".to_owned())))
}

fn granted(caller: &Caller, subject: Option<Subject>) -> Grant {
    let principal = caller.arn().into();
    match subject {
        None => Grant { principal, ..Grant::default() },
        Some(Subject { account, region, prefix, .. }) => {
            let namespace = names::namespace(&account, &region).into();
            let owner = caller.account.as_str().into();
            Grant { principal, namespace, prefix: prefix.into(), owner }
        }
    }
}

fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Service(error) => Refusal::Denied { message: error.message },
        Failure::Internal(cause) => Refusal::Failed(cause),
    }
}

fn challenge(host: Option<&str>) -> Refusal {
    let host: String = host
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(*c))
        .collect();
    Refusal::Unauthenticated {
        challenge: format!("Basic realm=\"https://{host}/\",service=\"ecr.amazonaws.com\""),
    }
}
