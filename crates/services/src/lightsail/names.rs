//! Names and ARNs of container services.

use landfall_base::{AccountId, Arn, Region, random};

/// Domain of public endpoints.
const DOMAIN: &str = "cs.amazonlightsail.com";
/// The same endpoints under a name that every resolver takes for this machine (RFC 6761 §6.3).
const LOCAL_DOMAIN: &str = "cs.localhost";

/// A new service's ARN.
pub(super) fn service_arn(account: &AccountId, region: &Region) -> Arn {
    Arn::new("lightsail", region, account, &format!("ContainerService/{}", random::uuid()))
}

/// What stands for a service that does not exist, in permissions.
pub(super) fn unknown_service_arn(account: &AccountId, region: &Region) -> Arn {
    Arn::new("lightsail", region, account, "ContainerService/*")
}

/// A new certificate's ARN.
pub(super) fn certificate_arn(account: &AccountId, region: &Region) -> Arn {
    Arn::new("lightsail", region, account, &format!("Certificate/{}", random::uuid()))
}

/// The random part of host names and role names.
pub(super) fn random_label(length: usize) -> String {
    // The first character may stand alone in a host name's label, the others too: letters and digits only.
    random::base32(length).to_ascii_lowercase()
}

/// `https://<name>.<random>.<region>.cs.amazonlightsail.com/`
pub(super) fn url(host: &str, region: &Region) -> String {
    format!("https://{host}.{region}.{DOMAIN}/")
}

/// The host names of a service: AWS's, and one that resolves to this machine.
pub(super) fn host_names(host: &str, region: &Region) -> [String; 2] {
    [format!("{host}.{region}.{DOMAIN}"), format!("{host}.{region}.{LOCAL_DOMAIN}")]
}

/// `:<service>.<label>.<number>`
pub(super) fn image_name(service: &str, label: &str, number: u32) -> String {
    format!(":{service}.{label}.{number}")
}
