//! The two wordings of a failed pull that ECS users know: containerd's, which Fargate shows, and Docker's, which the EC2 agent
//! passes on. Tools match on them, so they are kept to the letter where they have been seen.

use crate::error::{Place, Stage, status_line};
use crate::{PullError, PullErrorKind as Kind};

impl PullError {
    /// What containerd says, as it appears behind Fargate's `CannotPullContainerError: pull image manifest has been retried N
    /// time(s): `.
    pub fn containerd_text(&self) -> String {
        let Some(place) = self.place() else { return self.message().to_owned() };
        if self.kind() == Kind::PlatformMismatch {
            return self.message().to_owned();
        }
        match &place.stage {
            Stage::Resolve | Stage::Token { .. } | Stage::Push => {
                format!("failed to resolve ref {}: {}", place.reference, self.containerd_resolve(place))
            }
            Stage::Blob(digest) => self.containerd_blob(place, digest.as_str()),
            Stage::Unpack(digest) => format!("failed to extract layer {digest}: {}", self.message()),
        }
    }

    fn containerd_resolve(&self, place: &Place) -> String {
        if let Stage::Token { anonymous } = place.stage {
            let which = if anonymous { "anonymous" } else { "oauth" };
            return format!(
                "failed to authorize: failed to fetch {which} token: {}",
                self.containerd_answer(place, "GET")
            );
        }
        match (self.kind(), self.registry_code()) {
            (Kind::NotFound, _) => "not found".to_owned(),
            (Kind::Unauthorized, Some(code)) if code.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                format!(
                    "pull access denied, repository does not exist or may require authorization: server message: \
                     {code}: authorization failed"
                )
            }
            (Kind::DigestMismatch, _) => format!("{}: failed precondition", self.message()),
            _ => self.containerd_answer(place, "HEAD"),
        }
    }

    fn containerd_answer(&self, place: &Place, method: &str) -> String {
        let reference = &place.reference;
        match self.status() {
            Some(status)
                if place.stage == Stage::Resolve
                    && reference.digest().is_none()
                    && self.kind() != Kind::NotARegistry =>
            {
                format!(
                    "pulling from host {} failed with status code [manifests {}]: {}",
                    reference.api_host(),
                    reference.manifest_name(),
                    status_line(status)
                )
            }
            Some(status) => {
                format!("unexpected status from {method} request to {}: {}", place.url, status_line(status))
            }
            None if self.is_network() => {
                let method = if method == "GET" { "Get" } else { "Head" };
                format!("failed to do request: {method} \"{}\": {}", place.url, self.message())
            }
            None => self.message().to_owned(),
        }
    }

    fn containerd_blob(&self, place: &Place, digest: &str) -> String {
        const OPEN: &str = "failed to copy: httpReadSeeker: failed open:";
        match (self.kind(), self.status()) {
            (Kind::NotFound, _) => format!("{OPEN} content at {} not found: not found", place.url),
            (Kind::DigestMismatch, _) => {
                format!("failed commit on ref \"layer-{digest}\": {}: failed precondition", self.message())
            }
            (Kind::Truncated, _) => "failed to copy: unexpected EOF".to_owned(),
            (_, Some(status)) => {
                let server = self.registry_words().map(|words| format!(" - Server message: {words}"));
                let status = status_line(status);
                format!("{OPEN} unexpected status code {}: {status}{}", place.url, server.unwrap_or_default())
            }
            _ if self.is_network() => {
                format!("{OPEN} failed to do request: Get \"{}\": {}", place.url, self.message())
            }
            _ => format!("failed to copy: {}", self.message()),
        }
    }

    fn is_network(&self) -> bool {
        matches!(self.kind(), Kind::Timeout | Kind::Connection | Kind::Tls | Kind::RefusedRedirect)
    }

    /// The registry's code in Docker's spelling and its message: `toomanyrequests: You have reached…`.
    fn registry_words(&self) -> Option<String> {
        let code = self.registry_code()?.to_lowercase().replace('_', " ");
        let message = self.message();
        Some(if message.is_empty() { code } else { format!("{code}: {message}") })
    }

    /// What the Docker daemon says, as the EC2 agent passes it on behind `CannotPullContainerError: ` or
    /// `CannotPullImageManifestError: `.
    pub fn docker_text(&self) -> String {
        format!("Error response from daemon: {}", self.docker_cause())
    }

    fn docker_cause(&self) -> String {
        let words = self.registry_words();
        let name = self.place().map(|place| place.reference.familiar_name()).unwrap_or_default();
        match self.kind() {
            Kind::NoCredential => self.docker_request("Head", "no basic auth credentials"),
            Kind::Unauthorized => match self.message() {
                // What the daemon makes of a refused HEAD, which has no body to quote.
                "" | "authentication required" => "unauthorized".to_owned(),
                message => format!("unauthorized: {message}"),
            },
            Kind::Denied => format!(
                "pull access denied for {name}, repository does not exist or may require 'docker login': denied: {}",
                if self.message().is_empty() {
                    "requested access to the resource is denied"
                } else {
                    self.message()
                }
            ),
            Kind::NotFound => words.unwrap_or_else(|| "manifest unknown: manifest unknown".to_owned()),
            Kind::TooManyRequests => format!("toomanyrequests: {}", self.message()),
            Kind::PlatformMismatch => self.docker_platform(),
            Kind::Timeout => self.docker_request(
                "Get",
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting \
                 headers)",
            ),
            Kind::Connection | Kind::Tls => self.docker_request("Get", self.message()),
            Kind::Server(status) => {
                words.unwrap_or_else(|| format!("received unexpected HTTP status: {}", status_line(status)))
            }
            Kind::DigestMismatch => match self.place().map(|place| &place.stage) {
                Some(Stage::Blob(digest) | Stage::Unpack(digest)) => {
                    format!("filesystem layer verification failed for digest {digest}")
                }
                _ => format!("manifest verification failed: {}", self.message()),
            },
            Kind::Truncated => "unexpected EOF".to_owned(),
            _ => self.message().to_owned(),
        }
    }

    fn docker_platform(&self) -> String {
        let platform = self.message().split('\'').nth(1).unwrap_or_default();
        format!("no matching manifest for {platform} in the manifest list entries")
    }

    fn docker_request(&self, method: &str, cause: &str) -> String {
        let Some(place) = self.place() else { return cause.to_owned() };
        // The daemon meets the network first when it pings the registry, not when it asks for the manifest.
        let url = match place.url.split_once("/v2/") {
            Some((base, _)) if method == "Get" && place.stage == Stage::Resolve => format!("{base}/v2/"),
            _ => place.url.clone(),
        };
        format!("{method} \"{url}\": {cause}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(reference: &str, stage: Stage) -> Place {
        let reference: crate::Reference = reference.parse().unwrap();
        let url = format!(
            "https://{}/v2/{}/manifests/{}",
            reference.api_host(),
            reference.repository(),
            reference.manifest_name()
        );
        Place { reference, stage, url }
    }

    fn digest() -> crate::Digest {
        crate::Digest::of(b"x")
    }

    #[test]
    fn fargate_shows_containerds_words() {
        let tag = place("x/y", Stage::Resolve);
        let pinned = place(&format!("r.example/y@{}", digest()), Stage::Resolve);
        let hub = "pulling from host registry-1.docker.io failed with status code [manifests latest]";
        let cases = [
            (
                PullError::new(Kind::Unauthorized, &tag, "").with_status(401),
                format!("failed to resolve ref docker.io/x/y:latest: {hub}: 401 Unauthorized"),
            ),
            (
                PullError::new(Kind::Unauthorized, &tag, "")
                    .with_status(401)
                    .with_registry_code(Some("insufficient_scope".to_owned())),
                "failed to resolve ref docker.io/x/y:latest: pull access denied, repository does not exist or may \
                 require authorization: server message: insufficient_scope: authorization failed"
                    .to_owned(),
            ),
            (
                PullError::new(Kind::NotFound, &tag, "manifest unknown").with_status(404),
                "failed to resolve ref docker.io/x/y:latest: not found".to_owned(),
            ),
            (
                PullError::new(Kind::Denied, &pinned, "").with_status(403),
                format!(
                    "failed to resolve ref r.example/y@{0}: unexpected status from HEAD request to \
                     https://r.example/v2/y/manifests/{0}: 403 Forbidden",
                    digest()
                ),
            ),
            (
                PullError::new(Kind::Timeout, &tag, "dial tcp 3.210.148.47:443: i/o timeout"),
                "failed to resolve ref docker.io/x/y:latest: failed to do request: Head \
                 \"https://registry-1.docker.io/v2/x/y/manifests/latest\": dial tcp 3.210.148.47:443: i/o timeout"
                    .to_owned(),
            ),
            (
                PullError::new(
                    Kind::PlatformMismatch,
                    &tag,
                    "image Manifest does not contain descriptor matching platform 'linux/amd64'",
                ),
                "image Manifest does not contain descriptor matching platform 'linux/amd64'".to_owned(),
            ),
            (
                "Bad".parse::<crate::Reference>().map_err(PullError::from).unwrap_err(),
                "invalid reference format: repository name must be lowercase".to_owned(),
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.containerd_text(), expected);
        }
    }

    #[test]
    fn ec2_shows_dockers_words() {
        let tag = place("x/y", Stage::Resolve);
        let code = |code: &str| Some(code.to_owned());
        let cases = [
            (
                PullError::new(Kind::Unauthorized, &tag, "authentication required")
                    .with_registry_code(code("UNAUTHORIZED")),
                "unauthorized",
            ),
            (
                PullError::new(Kind::Unauthorized, &tag, "incorrect username or password"),
                "unauthorized: incorrect username or password",
            ),
            (
                PullError::new(Kind::NotFound, &tag, "manifest unknown")
                    .with_registry_code(code("MANIFEST_UNKNOWN")),
                "manifest unknown: manifest unknown",
            ),
            (
                PullError::new(Kind::NoCredential, &tag, ""),
                "Head \"https://registry-1.docker.io/v2/x/y/manifests/latest\": no basic auth credentials",
            ),
            (
                PullError::new(Kind::Connection, &tag, "dial tcp 127.0.0.1:1: connect: connection refused"),
                "Get \"https://registry-1.docker.io/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
            ),
            (
                PullError::new(Kind::TooManyRequests, &tag, "You have reached your pull rate limit."),
                "toomanyrequests: You have reached your pull rate limit.",
            ),
            (
                PullError::new(Kind::Denied, &tag, "User: u is not authorized"),
                "pull access denied for x/y, repository does not exist or may require 'docker login': denied: User: \
                 u is not authorized",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.docker_text(), format!("Error response from daemon: {expected}"));
        }
    }
}
