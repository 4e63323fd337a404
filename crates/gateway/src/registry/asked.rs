//! What a request asks to read, by the registry's own rules for paths.

use http::Method;
use http::header::HOST;
use http::request::Parts;
use landfall_registry::{Digest, Reference, Route};
use landfall_services::ecr::names;
use landfall_services::ecr::record::RepositoryKey;

/// An image or a layer of a repository, which may not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Manifest(RepositoryKey, Reference),
    Layer(RepositoryKey, Digest),
}

impl Asked {
    /// `None` for requests that read neither, and those that the registry refuses.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return None;
        }
        let key = |name: &str| names::locate(addressed_host(parts), name);
        match Route::parse(parts.uri.path()).ok()? {
            Route::Manifest(name, reference) => {
                Some(Self::Manifest(key(name.as_str())?, reference.parse().ok()?))
            }
            Route::Blob(name, digest) => Some(Self::Layer(key(name.as_str())?, digest)),
            _ => None,
        }
    }
}

/// The host that a request is addressed to.
fn addressed_host(parts: &Parts) -> Option<&str> {
    parts.headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| parts.uri.host())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(method: &str, host: &str, path: &str) -> Option<Asked> {
        let request = Request::builder().method(method).uri(path).header(HOST, host).body(());
        Asked::of(&request.unwrap().into_parts().0)
    }

    #[test]
    fn paths_are_read_as_the_registry_reads_them() {
        let digest = Digest::of(b"x");
        let encoded = digest.to_string().replace(':', "%3A");
        let key: RepositoryKey =
            ("111122223333".parse().unwrap(), "us-east-1".parse().unwrap(), "team/app".to_owned());
        let manifest = Some(Asked::Manifest(key.clone(), Reference::Digest(digest)));
        let layer = Some(Asked::Layer(key, digest));
        let (local, aws) = ("localhost:4566", "111122223333.dkr.ecr.us-east-1.amazonaws.com");
        let place = "/v2/111122223333/us-east-1/team/app";
        let cases = [
            ("GET", local, format!("{place}/manifests/{digest}"), manifest.clone()),
            ("HEAD", local, format!("{place}/manifests/{encoded}"), manifest.clone()),
            ("GET", aws, format!("/v2/team/app/manifests/{encoded}"), manifest.clone()),
            ("GET", aws, format!("/v2/t%65am/app/manifests/{digest}"), manifest),
            ("GET", local, format!("{place}/blobs/{encoded}"), layer),
            ("PUT", local, format!("{place}/manifests/{digest}"), None),
            ("GET", local, format!("{place}/tags/list"), None),
            ("GET", local, format!("/v2/app/manifests/{digest}"), None),
            ("GET", aws, "/v2/team%2fapp/manifests/v1".to_owned(), None),
        ];
        for (method, host, path, expected) in cases {
            assert_eq!(asked(method, host, &path), expected, "{method} {host} {path}");
        }
    }
}
