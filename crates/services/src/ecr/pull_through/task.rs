//! The cache for tasks: their images are looked for by the execution role before anything is pulled.

use landfall_registry::{Digest, Reference};
use landfall_shape::ServiceError;

use super::{ImportError, Need, import, need, peek, permissions};
use crate::ecr::record::RepositoryKey;
use crate::ecr::registry;
use crate::pipe::{Caller, CheckRecord, Checked, Context, Failure, Installation, authorize};

/// Why an image is not to be had.
#[derive(Debug)]
pub enum Refused {
    /// The role may not.
    ByIam(ServiceError),
    /// The upstream registry does not give it, or the cache cannot ask.
    ByUpstream(String),
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
    let context = Context::new(installation, caller);
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
    outcome.map_err(|error| match error {
        ImportError::Internal(failure) => failure.into(),
        error => Refused::ByUpstream(error.to_string()),
    })
}
