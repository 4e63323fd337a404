//! The cache for tasks: their images are looked for by the execution role before anything is pulled.

use landfall_api::ecr::PullThroughCacheRule;
use landfall_registry::{Digest, Reference};
use landfall_shape::ServiceError;

use super::{ImportError, Need, Said, import, need, peek, permissions, rule};
use crate::ecr::record::RepositoryKey;
use crate::ecr::registry;
use crate::pipe::{CallName, Caller, CheckRecord, Checked, Context, Failure, Installation, authorize};

/// Why an image is not to be had.
#[derive(Debug)]
pub enum Refused {
    /// The role may not.
    ByIam(ServiceError),
    /// The upstream registry does not give it, or the cache cannot ask.
    ByUpstream(Box<Missed>),
}

/// An image that the cache did not get, and the rule that it was to come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The sort of failure.
    pub why: Why,
    /// What is said of it.
    pub said: Said,
    /// The upstream registry: a host, maybe with a port.
    pub upstream: String,
    /// `ecrRepositoryPrefix`
    pub prefix: String,
    /// `credentialArn`
    pub credential: Option<String>,
    /// `customRoleArn`
    pub role: Option<String>,
}

/// The sort of failure, as the registry answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// 404: the upstream registry has no such image.
    NotFound,
    /// 403: it refused, or the rule's credential cannot be read.
    Refused,
    /// 429: it limits requests.
    TooManyRequests,
    /// 502: it cannot be reached, or what it sent is not right.
    Failed,
}

impl Missed {
    fn new(rule: Option<&PullThroughCacheRule>, why: Why, said: Said) -> Self {
        let rule = rule.cloned().unwrap_or_default();
        Self {
            why,
            said,
            upstream: rule.upstream_registry_url.unwrap_or_default(),
            prefix: rule.ecr_repository_prefix.unwrap_or_default(),
            credential: rule.credential_arn,
            role: rule.custom_role_arn,
        }
    }
}

/// What became of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// There was nothing to fetch, or it was fetched: it is asked for as any other.
    No,
    /// It would be fetched: its digest upstream.
    Dry(String),
    /// It would be fetched, and here is nobody who could ask the upstream registry: this is a snapshot.
    NotAsked,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::ByIam(failure.into_service_error("ecr"))
    }
}

impl From<landfall_store::StoreError> for Refused {
    fn from(error: landfall_store::StoreError) -> Self {
        Failure::from(error).into()
    }
}

/// Fetches an image for `caller` if it is one of the cache and has to be fetched. With `dry` nothing is kept, and the answer is
/// the digest that it has upstream. It blocks.
///
/// # Errors
/// See [`Refused`]; for what cannot be read as a reference there is none: the image is not found then.
pub fn for_task(
    installation: &Installation,
    caller: &Caller,
    key: &RepositoryKey,
    reference: &str,
    dry: bool,
    checks: &mut Vec<CheckRecord>,
) -> Result<Fetched, Refused> {
    let Ok(reference) = reference.parse::<Reference>() else { return Ok(Fetched::No) };
    let view = installation.store.view();
    let need = need(&view, key, &reference, installation.clock.now())?;
    if need == Need::Nothing || (dry && need == Need::Refresh) {
        return Ok(Fetched::No);
    }
    let context = Context::new(installation, caller, CallName::of::<landfall_api::ecr::BatchGetImage>());
    let pull = registry::permission(&view, "ecr:BatchGetImage", key)?;
    let all = [vec![pull], permissions(&view, key)?].concat();
    match authorize(&context, &view, &landfall_api::ecr::SERVICE, Checked::all((), all), checks) {
        // What is here is served as it is.
        Err(_) if need == Need::Refresh => return Ok(Fetched::No),
        decided => drop(decided?),
    }
    if installation.origin.is_some() {
        return Ok(Fetched::NotAsked);
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Ok(Fetched::No) };
    let outcome = match dry {
        true => runtime
            .block_on(peek(installation, key, &reference))
            .map(|found| Fetched::Dry(Digest::of(&found.bytes).to_string())),
        false => runtime.block_on(import(installation, key, &reference)).map(|()| Fetched::No),
    };
    let missed = |why, said| Box::new(Missed::new(rule(&view, key).ok().flatten().as_ref(), why, said));
    outcome.map_err(|error| match error {
        ImportError::Internal(failure) => failure.into(),
        ImportError::NotFound(said) => Refused::ByUpstream(missed(Why::NotFound, said)),
        ImportError::Refused(said) => Refused::ByUpstream(missed(Why::Refused, said)),
        ImportError::TooManyRequests(said) => Refused::ByUpstream(missed(Why::TooManyRequests, said)),
        ImportError::Failed(said) => Refused::ByUpstream(missed(Why::Failed, said)),
    })
}
