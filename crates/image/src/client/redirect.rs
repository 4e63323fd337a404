//! Where a registry may send a client, and what the client takes along.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Most redirects in one request.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Whether two URLs are the same scheme, host and port: only then does `Authorization` go along.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// Says why going from `from` to `to` is refused, if it is. `public` is set when the registry answered from a public
/// address: such a registry has no business sending its clients into their private network or to a cloud's metadata
/// address, while a registry inside may well keep its layers next door.
pub(super) fn refusal(from: &Url, to: &Url, public: bool) -> Option<String> {
    let shown = without_query(to);
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Some(format!("from https to plain http (`{shown}`)")),
        (_, other) => return Some(format!("to a `{other}` address")),
    }
    let inside =
        to.host_str().is_some_and(|host| is_inside_name(host) || literal(host).is_some_and(is_inside));
    (public && inside).then(|| format!("from a public registry to the private address `{shown}`"))
}

/// The address in a URL's host, if it is one.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_inside_name(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether an address cannot be reached from the internet: private, loopback, link-local, shared, reserved.
pub(super) fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_inside_v4(address),
        IpAddr::V6(address) => is_inside_v6(address),
    }
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (b & 0xc0) == 64)
}

fn is_inside_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
}

/// A URL fit for messages: queries hold signatures, user infos hold passwords.
pub(super) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs that cannot have a user, and those have none to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_registry_may_send_a_client() {
        let cases = [
            ("https://r.example/", "https://cdn.example/", true, None),
            ("http://r.example/", "https://cdn.example/", true, None),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:9000/", false, None),
            ("https://r.corp/", "https://10.0.0.7/", false, None),
            (
                "https://r.example/",
                "http://cdn.example/?sig=x",
                true,
                Some("plain http (`http://cdn.example/`)"),
            ),
            ("https://r.example/", "file:///etc/passwd", true, Some("`file`")),
            ("https://r.example/", "https://10.0.0.7/", true, Some("private")),
            ("https://r.example/", "https://169.254.169.254/latest", true, Some("private")),
            ("https://r.example/", "https://[::1]/", true, Some("private")),
            ("https://r.example/", "https://[::ffff:127.0.0.1]/", true, Some("private")),
            ("https://r.example/", "https://localhost/", true, Some("private")),
            ("https://r.example/", "https://2130706433/", true, Some("private")),
            ("https://r.example/", "https://100.64.1.1/", true, Some("private")),
        ];
        for (from, to, public, expected) in cases {
            let outcome = refusal(&from.parse().unwrap(), &to.parse().unwrap(), public);
            match (&outcome, expected) {
                (None, None) => {}
                (Some(why), Some(expected)) if why.contains(expected) => {}
                _ => panic!("{from} -> {to}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn the_credential_stays_with_its_origin() {
        let cases = [
            ("https://r.example/a", "https://r.example:443/b", true),
            ("https://r.example/", "https://r.example:8443/", false),
            ("https://r.example/", "http://r.example/", false),
            ("https://r.example/", "https://s.r.example/", false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(same_origin(&a.parse().unwrap(), &b.parse().unwrap()), expected, "{a} {b}");
        }
    }

    #[test]
    fn messages_hold_no_signature_and_no_password() {
        let url = "https://u:p@h/x?X-Amz-Signature=1#f".parse().unwrap();
        assert_eq!(without_query(&url), "https://h/x");
    }
}
