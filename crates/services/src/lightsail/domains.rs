//! Host names of public endpoints: the service's own, and domain names that a certificate covers.

use landfall_api::lightsail::error;
use landfall_shape::{Entries, ServiceError};
use landfall_store::{Tx, View};

use super::names::host_names;
use super::record::{CERTIFICATES, HOSTS, Service, ServiceKey};
use crate::pipe::Failure;

/// Domain names by certificate.
pub(super) type DomainNames = Vec<(String, Vec<String>)>;

/// Most domain names of a service.
const MOST: usize = 4;

/// Checks `publicDomainNames`.
///
/// # Errors
/// `NotFoundException` for a certificate that is not there, `InvalidInputException` for a name that it does not cover or
/// that is another service's.
pub(super) fn checked(
    view: &View,
    key: &ServiceKey,
    given: Entries<Vec<String>>,
) -> Result<DomainNames, Failure> {
    let names: DomainNames = given
        .0
        .into_iter()
        .map(|(certificate, names)| {
            (certificate, names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
        })
        .collect();
    if names.iter().map(|(_, names)| names.len()).sum::<usize>() > MOST {
        return Err(refuse(format!("A container service can have at most {MOST} domain names.")).into());
    }
    for (certificate, names) in &names {
        let row = view.get(&CERTIFICATES, &(&key.0, &key.1, certificate.as_str()))?.ok_or_else(|| {
            error::not_found_exception(format!("The certificate `{certificate}` does not exist."))
        })?;
        for name in names {
            let mut covered = std::iter::once(&row.domain_name).chain(&row.alternative_names);
            if !covered.any(|covering| covers(covering, name)) {
                let text =
                    format!("The certificate `{certificate}` does not cover the domain name `{name}`.");
                return Err(refuse(text).into());
            }
            if view.get(&HOSTS, name.as_str())?.is_some_and(|owner| *owner != *key) {
                return Err(refuse(format!(
                    "The domain name `{name}` is used by another container service."
                ))
                .into());
            }
        }
    }
    Ok(names)
}

/// Whether a name of a certificate covers a host name; a wildcard stands for one label (RFC 9525 §6.3).
fn covers(covering: &str, name: &str) -> bool {
    match covering.strip_prefix("*.") {
        Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => covering.eq_ignore_ascii_case(name),
    }
}

/// Enters the host names of a service, instead of those of `old`.
pub(super) fn enter(tx: &mut Tx, key: &ServiceKey, old: Option<&Service>, new: &Service) {
    if let Some(old) = old {
        strike(tx, key, old);
    }
    let own = host_names(&new.host, &key.1);
    for name in own.iter().chain(new.domains()) {
        tx.put(&HOSTS, name.as_str(), key);
    }
}

/// Strikes the host names of a service out.
pub(super) fn strike(tx: &mut Tx, key: &ServiceKey, service: &Service) {
    let own = host_names(&service.host, &key.1);
    for name in own.iter().chain(service.domains()) {
        tx.delete(&HOSTS, name.as_str());
    }
}

fn refuse(message: String) -> ServiceError {
    error::invalid_input_exception(message)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_covers_one_label() {
        for (covering, name, expected) in [
            ("www.example.com", "www.example.com", true),
            ("WWW.example.com", "www.example.com", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
        ] {
            assert_eq!(covers(covering, name), expected, "{covering} {name}");
        }
    }
}
