//! Images that were pushed to Lightsail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_api::ecr;
use landfall_api::lightsail::{ContainerServiceRegistryLogin, error};
use landfall_base::{AccountId, Region};
use landfall_registry::Digest;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Tx, View};

use super::owner;
use super::record::{IMAGES, Image, LABELS, SERVICES, ServiceKey};
use crate::ecr::record::RepositoryKey;
use crate::ecr::registry;
use crate::pipe::{Failure, Installation, read_in};

/// Most images of a service.
const MOST: usize = 150;

/// Label, number and row of every image of a service.
pub(super) fn list(view: &View, key: &ServiceKey) -> Result<Vec<(String, u32, Image)>, StoreError> {
    let rows = view.list(&IMAGES, (&key.0, &key.1, key.2.as_str()))?;
    Ok(rows.into_iter().map(|((.., label, number), image)| (label, number, Image::clone(&image))).collect())
}

/// Registers an image under the next number of its label.
///
/// # Errors
/// `NotFoundException` if no such image was pushed, `InvalidInputException` if there are too many.
pub(super) fn register(tx: &mut Tx, key: &ServiceKey, label: &str, image: Image) -> Result<u32, Failure> {
    if list(tx, key)?.len() >= MOST {
        let text = format!("A container service can have at most {MOST} stored images. Delete some first.");
        return Err(error::invalid_input_exception(text).into());
    }
    pushed(tx, key, &image.digest)?;
    let place = (&key.0, &key.1, key.2.as_str(), label);
    let number = tx.get(&LABELS, &place)?.map_or(1, |last| *last + 1);
    tx.put(&LABELS, &place, number);
    tx.put(&IMAGES, &(&key.0, &key.1, key.2.as_str(), label, number), image);
    Ok(number)
}

/// Whether an image with this digest was pushed.
fn pushed(view: &View, key: &ServiceKey, digest: &str) -> Result<(), Failure> {
    let found = match digest.parse::<Digest>() {
        Ok(parsed) => registry::image(view, &repository(key), parsed)?,
        Err(_) => None,
    };
    found.map(drop).ok_or_else(|| {
        let text = format!(
            "No image with the digest `{digest}` was pushed to this account's container image registry."
        );
        error::not_found_exception(text).into()
    })
}

fn repository(key: &ServiceKey) -> RepositoryKey {
    (owner::account().clone(), key.1.clone(), owner::repository(&key.0))
}

/// The image that `:<service>.<label>.<number>` names, as the registry knows it.
///
/// # Errors
/// `NotFoundException`
pub(super) fn resolve(
    view: &View,
    key: &ServiceKey,
    service: &str,
    label: &str,
    number: Option<u32>,
) -> Result<String, Failure> {
    let place = (&key.0, &key.1, service, label);
    let number = match number {
        Some(number) => Some(number),
        None => view.list(&IMAGES, place)?.last().map(|((.., number), _)| *number),
    };
    let row = match number {
        Some(number) => view.get(&IMAGES, &(&key.0, &key.1, service, label, number))?,
        None => None,
    };
    let row = row.ok_or_else(|| {
        let number = number.map_or_else(|| "latest".to_owned(), |number| number.to_string());
        error::not_found_exception(format!(
            "The container image `:{service}.{label}.{number}` does not exist."
        ))
    })?;
    let registry = format!("{}.dkr.ecr.{}.amazonaws.com", owner::account(), key.1);
    Ok(format!("{registry}/{}@{}", owner::repository(&key.0), row.digest))
}

/// Removes an image, and its content if no other image has it.
pub(super) fn remove(tx: &mut Tx, key: &ServiceKey, label: &str, number: u32) -> Result<bool, Failure> {
    let place = (&key.0, &key.1, key.2.as_str(), label, number);
    let Some(image) = tx.get(&IMAGES, &place)? else { return Ok(false) };
    tx.delete(&IMAGES, &place);
    let mut used = false;
    for ((account, region, name), _) in tx.list(&SERVICES, (&key.0, &key.1))? {
        used |= list(tx, &(account, region, name))?.iter().any(|(.., other)| other.digest == image.digest);
    }
    if !used && let Ok(digest) = image.digest.parse::<Digest>() {
        registry::remove_image(tx, &repository(key), digest)?;
    }
    Ok(true)
}

/// Reads `:<service>.<label>.<number>` of a service.
///
/// # Errors
/// `InvalidInputException`
pub(super) fn parse(image: &str, service: &str) -> Result<(String, u32), ServiceError> {
    let mut parts = image.strip_prefix(':').unwrap_or(image).split('.');
    let (of, label, number) = (parts.next(), parts.next(), parts.next());
    let number = number.and_then(|number| number.parse().ok());
    match (of, label, number, parts.next()) {
        (Some(of), Some(label), Some(number), None) if of == service => Ok((label.to_owned(), number)),
        _ => Err(error::invalid_input_exception(format!(
            "The image `{image}` is not one of the container service `{service}`: `:{service}.<label>.<number>`."
        ))),
    }
}

/// A credential that may push images of an account, for twelve hours.
pub(super) fn login(
    installation: &Installation,
    tx: &mut Tx,
    account: &AccountId,
    region: &Region,
) -> Result<ContainerServiceRegistryLogin, Failure> {
    owner::ensure_repository(installation, tx, account, region)?;
    let caller = owner::pusher(installation, tx, account, region)?;
    let answer = read_in::<ecr::GetAuthorizationToken>(installation, tx, &caller, Default::default())?;
    let data = answer.authorization_data.and_then(|all| all.into_iter().next());
    let data = data.ok_or_else(|| Failure::internal("no token was made"))?;
    let token = data.authorization_token.unwrap_or_default();
    let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (username, password) = text.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
    Ok(ContainerServiceRegistryLogin {
        username: Some(username.to_owned()),
        password: Some(password.to_owned()),
        expires_at: data.expires_at,
        registry: Some(owner::registry(installation, tx, account, region)?),
    })
}
