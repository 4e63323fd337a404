//! Host names of public endpoints: the service's own, and domain names that a certificate covers.

use landfall_api::lightsail::error;
use landfall_shape::{Entries, ServiceError};
use landfall_store::{Tx, View};

use super::names::host_names;
use super::record::{CERTIFICATES, HOSTS, Service, ServiceKey};
use crate::pipe::{Failure, Installation};

/// Domain names by certificate.
pub(super) type DomainNames = Vec<(String, Vec<String>)>;

/// Most domain names of a service.
const MOST: usize = 4;

/// Domains whose names lead to the server itself or to AWS's services: a container service that had one would be given
/// other people's requests, credentials included.
const RESERVED: &[&str] =
    &["amazonaws.com", "amazonaws.com.cn", "on.aws", "amazonlightsail.com", "localhost", "local"];

/// Why nobody may have this host name, if so. `own` is the host that the server is known by, with or without port.
pub(super) fn refusal(name: &str, own: &str) -> Option<String> {
    let name = name.strip_prefix("*.").unwrap_or(name).to_ascii_lowercase();
    let below =
        |domain: &str| name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    let own = own.rsplit_once(':').map_or(own, |(host, _)| host).to_ascii_lowercase();
    let address = name.rsplit('.').next().is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    let reserved = address || RESERVED.iter().any(|domain| below(domain)) || name == own;
    reserved.then(|| format!("`{name}` cannot be a domain name of a container service: it is an address, or a name of the server or of AWS."))
}

/// Checks `publicDomainNames`.
///
/// # Errors
/// `NotFoundException` for a certificate that is not there, `InvalidInputException` for a name that it does not cover or
/// that is another service's.
pub(super) fn checked(
    installation: &Installation,
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
            if name.starts_with("*.") {
                return Err(refuse(format!(
                    "`{name}` cannot be a domain name of a container service: name each one that the certificate covers."
                ))
                .into());
            }
            if let Some(text) = refusal(name, installation.registry.address()) {
                return Err(refuse(text).into());
            }
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
    use super::{covers, refusal};

    #[test]
    fn names_of_the_server_and_of_aws_are_nobodys() {
        for (name, refused) in [
            ("www.example.com", false),
            ("127.0.0.1", true),
            ("10.1", true),
            ("localhost", true),
            ("web.localhost", true),
            ("*.cs.localhost", true),
            ("111122223333.dkr.ecr.us-east-1.amazonaws.com", true),
            ("S3.amazonaws.com", true),
            ("notamazonaws.com", false),
            ("landfall.example.com", true),
            ("sub.landfall.example.com", false),
        ] {
            assert_eq!(refusal(name, "landfall.example.com:4566").is_some(), refused, "{name}");
        }
    }

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
