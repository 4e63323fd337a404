//! Proxies from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), never for this machine itself: a registry on
//! loopback is not what anybody sets a proxy for.

use reqwest::{ClientBuilder, NoProxy, Proxy};

/// Hosts that are always spoken to directly.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Adds the environment's proxies. Says whether there are any; a proxy that cannot be read is left out.
pub(super) fn with_proxies(
    builder: ClientBuilder,
    environment: impl Fn(&str) -> Option<String>,
) -> (ClientBuilder, bool) {
    let get = |name: &str| {
        let value = environment(name).or_else(|| environment(&name.to_ascii_lowercase()));
        value.filter(|value| !value.is_empty())
    };
    let direct = get("NO_PROXY").map_or_else(|| LOOPBACK.to_owned(), |listed| format!("{LOOPBACK},{listed}"));
    let all = get("ALL_PROXY");
    let http = get("HTTP_PROXY").or_else(|| all.clone()).and_then(|url| Proxy::http(url).ok());
    let https = get("HTTPS_PROXY").or(all).and_then(|url| Proxy::https(url).ok());
    let proxies: Vec<Proxy> = http.into_iter().chain(https).collect();
    let any = !proxies.is_empty();
    let bare = builder.no_proxy();
    let add =
        |builder: ClientBuilder, proxy: Proxy| builder.proxy(proxy.no_proxy(NoProxy::from_string(&direct)));
    (proxies.into_iter().fold(bare, add), any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_found_under_either_spelling() {
        let cases = [
            ("HTTPS_PROXY", "http://p:1", true),
            ("all_proxy", "http://p:1", true),
            ("HTTP_PROXY", "", false),
        ];
        for (name, value, expected) in cases {
            let environment = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(with_proxies(reqwest::Client::builder(), environment).1, expected, "{name}");
        }
    }
}
