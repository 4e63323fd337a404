//! Image references, as Docker and containerd read them (`distribution/reference`: grammar and "normalized" names).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The registry of references that name none.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Where that registry's API answers.
const DEFAULT_REGISTRY_API: &str = "registry-1.docker.io";
/// Longest name (registry and repository together) that the grammar allows.
const MAX_NAME: usize = 255;

/// What a container definition's `image` names: registry, repository, and tag or digest or both.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a reference. The words are Docker's, because ECS hands them to the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// The text does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// The repository holds a capital letter.
    #[error("invalid reference format: repository name must be lowercase")]
    Uppercase,
    /// The name is longer than 255 characters.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    /// 64 hexadecimal digits would be an image id, not a repository.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    ImageId(String),
    /// The digest's algorithm is not known.
    #[error("unsupported digest algorithm")]
    UnsupportedAlgorithm,
    /// The digest has the wrong length for its algorithm.
    #[error("invalid checksum digest length")]
    DigestLength,
}

impl Reference {
    /// The registry as users write it, with port if given: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host (and port) that answers this registry's API: `registry-1.docker.io` for `docker.io`.
    pub fn api_host(&self) -> &str {
        if self.registry == DEFAULT_REGISTRY { DEFAULT_REGISTRY_API } else { &self.registry }
    }

    /// The repository, `library/` included for official images.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` if the text had neither tag nor digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the text had one. It wins over the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The last part of the manifest's URL: the digest, else the tag.
    pub fn manifest_name(&self) -> &str {
        self.digest.as_ref().map_or_else(|| self.tag.as_deref().unwrap_or("latest"), Digest::as_str)
    }

    /// The same repository, pinned to `digest`.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// The repository as Docker shows it: without `docker.io/` and `library/`.
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return format!("{}/{}", self.registry, self.repository);
        }
        match self.repository.strip_prefix("library/") {
            Some(short) if !short.contains('/') => short.to_owned(),
            _ => self.repository.clone(),
        }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_image_id(text) {
            return Err(InvalidReference::ImageId(text.to_owned()));
        }
        let (registry, remainder) = split_registry(text);
        let (rest, digest) = match remainder.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
            None => (remainder.as_str(), None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        check_name(&registry, repository)?;
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(InvalidReference::Format);
        }
        let tag = tag.or(if digest.is_none() { Some("latest") } else { None }).map(str::to_owned);
        Ok(Self { registry, repository: repository.to_owned(), tag, digest })
    }
}

/// Splits off the registry: the first part is one if it holds a `.` or `:`, is `localhost`, or holds a capital letter.
fn split_registry(text: &str) -> (String, String) {
    let names_host =
        |part: &str| part.contains(['.', ':']) || part == "localhost" || part.chars().any(char::is_uppercase);
    let (registry, rest) = match text.split_once('/') {
        Some((first, rest)) if names_host(first) => (first, rest),
        _ => (DEFAULT_REGISTRY, text),
    };
    let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
    let official = registry == DEFAULT_REGISTRY && !rest.contains('/');
    (registry.to_owned(), if official { format!("library/{rest}") } else { rest.to_owned() })
}

fn check_name(registry: &str, repository: &str) -> Result<(), InvalidReference> {
    if repository.chars().any(char::is_uppercase) {
        return Err(InvalidReference::Uppercase);
    }
    if !is_registry(registry) || !repository.split('/').all(is_path_component) {
        return Err(InvalidReference::Format);
    }
    if registry.len() + 1 + repository.len() > MAX_NAME {
        return Err(InvalidReference::TooLong);
    }
    Ok(())
}

fn parse_digest(text: &str) -> Result<Digest, InvalidReference> {
    let (algorithm, hex) = text.split_once(':').ok_or(InvalidReference::Format)?;
    if hex.len() < 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(InvalidReference::Format);
    }
    if !matches!(algorithm, "sha256" | "sha512") {
        return Err(InvalidReference::UnsupportedAlgorithm);
    }
    text.parse().map_err(|_| InvalidReference::DigestLength)
}

fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_registry(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    host.split('.').all(is_host_label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Runs of lower-case letters and digits, joined by one `.`, one or two `_`, or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let edges = text.starts_with(alphanumeric) && text.ends_with(alphanumeric);
    let separators = text.split(alphanumeric).filter(|part| !part.is_empty());
    edges
        && separators
            .into_iter()
            .all(|part| matches!(part, "." | "_" | "__") || part.bytes().all(|b| b == b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for Reference {
    type Error = InvalidReference;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn texts_mean_what_docker_takes_them_to_mean() {
        let pinned = format!("docker.io/library/nginx@sha256:{HEX}");
        let both = format!("r.example/a/b:v1@sha256:{HEX}");
        let cases = [
            ("nginx", "docker.io/library/nginx:latest", "nginx"),
            ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx"),
            ("me/app", "docker.io/me/app:latest", "me/app"),
            ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx"),
            ("localhost/app", "localhost/app:latest", "localhost/app"),
            ("localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest", "127.0.0.1:5000/a/b/c"),
            ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app"),
            ("Host/app", "Host/app:latest", "Host/app"),
            ("foo_bar/a__b-c---d.e", "docker.io/foo_bar/a__b-c---d.e:latest", "foo_bar/a__b-c---d.e"),
            (
                "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app:7",
                "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app:7",
                "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app",
            ),
            (&format!("nginx@sha256:{HEX}"), &pinned, "nginx"),
            (&both, &both, "r.example/a/b"),
        ];
        for (text, full, familiar) in cases {
            let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(reference.to_string(), full, "{text}");
            assert_eq!(reference.familiar_name(), familiar, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_in_dockers_words() {
        let long = format!("r.example/{}", "a".repeat(250));
        let long_tag = format!("a:{}", "t".repeat(129));
        let short_digest = format!("a@sha256:{}", &HEX[..40]);
        let cases = [
            ("", "invalid reference format"),
            ("Nginx", "invalid reference format: repository name must be lowercase"),
            ("r.example/App:v1", "invalid reference format: repository name must be lowercase"),
            ("a b", "invalid reference format"),
            ("a//b", "invalid reference format"),
            ("/a", "invalid reference format"),
            ("a/", "invalid reference format"),
            ("a:", "invalid reference format"),
            ("a:-x", "invalid reference format"),
            ("a_.b", "invalid reference format"),
            ("a___b", "invalid reference format"),
            ("-a/b", "invalid reference format"),
            ("https://r.example/a", "invalid reference format"),
            ("r.example:99999/a", "invalid reference format"),
            ("r..example/a", "invalid reference format"),
            ("a@sha256:1234", "invalid reference format"),
            (&short_digest, "invalid checksum digest length"),
            (&format!("a@md5:{HEX}"), "unsupported digest algorithm"),
            (&long_tag, "invalid reference format"),
            (&long, "repository name must not be more than 255 characters"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Reference>().unwrap_err().to_string(), expected, "{text}");
        }
        assert!(matches!(HEX.parse::<Reference>(), Err(InvalidReference::ImageId(_))));
    }

    #[test]
    fn the_api_of_docker_hub_has_its_own_host() {
        assert_eq!("nginx".parse::<Reference>().unwrap().api_host(), "registry-1.docker.io");
        assert_eq!("localhost:1/a".parse::<Reference>().unwrap().api_host(), "localhost:1");
    }

    proptest! {
        #[test]
        fn a_shown_reference_reads_back(
            host in "([a-z0-9]{1,8}\\.[a-z]{2,3}|localhost)(:[1-9][0-9]{0,3})?",
            path in "[a-z0-9]{1,6}([._]|__|-{1,3})?[a-z0-9]{1,6}(/[a-z0-9]{1,6}){0,2}",
            tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}"),
            pinned in any::<bool>(),
        ) {
            let mut text = format!("{host}/{path}");
            if let Some(tag) = tag { text = format!("{text}:{tag}"); }
            if pinned { text = format!("{text}@sha256:{HEX}"); }
            let reference: Reference = text.parse().unwrap();
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,80}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
