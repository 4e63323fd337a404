//! Names of repositories: ARNs, and the two names under which clients address a registry.
//!
//! In AWS's form the host says whose registry it is: `<account>.dkr.ecr.<region>.amazonaws.com/<name>`. That host leads to
//! AWS, so docker cannot use it here without help. In the local form the path says it: `127.0.0.1:4566/<account>/<region>/<name>`;
//! docker, podman and skopeo push to a loopback address without any setting. Both name the same repository, and both are
//! understood wherever an image is named; [`RegistryName`] says which of them answers show.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region};

use super::record::RepositoryKey;

/// The name of this installation's registries in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryName {
    aws: bool,
    host: Arc<str>,
}

impl RegistryName {
    /// `repositoryUri` and `proxyEndpoint` in AWS's form. `host` is where the registry is reached all the same.
    pub fn aws(host: impl Into<Arc<str>>) -> Self {
        Self { aws: true, host: host.into() }
    }

    /// `repositoryUri` and `proxyEndpoint` begin with this host and port.
    pub fn host(host: impl Into<Arc<str>>) -> Self {
        Self { aws: false, host: host.into() }
    }

    /// Whether names are in AWS's form.
    pub fn is_aws(&self) -> bool {
        self.aws
    }

    /// Host and port where this installation is reached.
    pub fn address(&self) -> &str {
        &self.host
    }

    /// `repositoryUri`
    pub fn repository_uri(&self, (account, region, name): &RepositoryKey) -> String {
        if self.aws {
            format!("{}/{name}", aws_host(account, region))
        } else {
            format!("{}/{account}/{region}/{name}", self.host)
        }
    }

    /// `proxyEndpoint`: what `docker login` is given.
    pub fn proxy_endpoint(&self, account: &AccountId, region: &Region) -> String {
        if self.aws {
            format!("https://{}", aws_host(account, region))
        } else {
            format!("http://{}", self.host)
        }
    }

    /// Whether a client that names `host` means this installation: its own name, or the same port by another name of the
    /// loopback address.
    pub fn is_here(&self, host: &str) -> bool {
        let own = |host: &str| {
            let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
            matches!(name.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1" | "[::1]")
                .then(|| port.to_owned())
        };
        host.eq_ignore_ascii_case(&self.host) || own(host).is_some_and(|port| own(&self.host) == Some(port))
    }

    /// The repository that an image of a task or of a command is in, if it is one of this installation's; tag and digest
    /// are cut off.
    pub fn repository_of_image(&self, image: &str) -> Option<RepositoryKey> {
        let (host, path) = image.split_once('/')?;
        let path = path.split('@').next().unwrap_or(path);
        let path = path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(path, |(path, _)| path);
        if let Some((account, region)) = parse_aws_host(host) {
            return Some((account, region, path.to_owned()));
        }
        if self.is_here(host) { parse_local_path(path) } else { None }
    }
}

/// The repository that a request for `/v2/<path>/…` is about, given the `Host` it was sent to. `None` for a path that
/// names no account and Region, at a host that names none either.
pub fn locate(host: Option<&str>, path: &str) -> Option<RepositoryKey> {
    let named = host.and_then(|host| parse_aws_host(host.split(':').next().unwrap_or(host)));
    match named {
        Some((account, region)) => Some((account, region, path.to_owned())),
        None => parse_local_path(path),
    }
}

/// The host of a registry in AWS's form.
pub fn aws_host(account: &AccountId, region: &Region) -> String {
    let suffix = if region.partition() == "aws-cn" { ".cn" } else { "" };
    format!("{account}.dkr.ecr.{region}.amazonaws.com{suffix}")
}

/// Account and Region of a host in one of AWS's forms: plain, FIPS, China, dual-stack. It may have a port: `:443` says nothing
/// that the name does not, and with the port of this installation clients reach it here.
pub fn parse_aws_host(host: &str) -> Option<(AccountId, Region)> {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    port.parse::<u16>().ok()?;
    // Names of hosts are the same in capitals.
    let host = name.to_ascii_lowercase();
    let (account, rest) = host.split_once('.')?;
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".on.aws"];
    let rest = domains.iter().find_map(|domain| rest.strip_suffix(domain))?;
    let kinds = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."];
    let region = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    Some((account.parse().ok()?, region.parse().ok()?))
}

/// `<account>/<region>/<name>`
fn parse_local_path(path: &str) -> Option<RepositoryKey> {
    let (account, rest) = path.split_once('/')?;
    let (region, name) = rest.split_once('/')?;
    let region: Region = region.parse().ok().filter(|_| region.contains('-'))?;
    Some((account.parse().ok()?, region, name.to_owned()))
}

/// The namespace of the data plane: `<account>/<region>`.
pub fn namespace(account: &AccountId, region: &Region) -> String {
    format!("{account}/{region}")
}

/// Account and Region of a [`namespace`].
pub fn parse_namespace(text: &str) -> Option<(AccountId, Region)> {
    let (account, region) = text.split_once('/')?;
    Some((account.parse().ok()?, region.parse().ok()?))
}

/// The ARN of a repository, whether it exists or not.
pub fn repository_arn((account, region, name): &RepositoryKey) -> Arn {
    Arn::new("ecr", region, account, &format!("repository/{name}"))
}

/// The repository of an ARN.
pub fn parse_repository_arn(text: &str) -> Option<RepositoryKey> {
    let arn: Arn = text.parse().ok()?;
    let name = arn.resource().strip_prefix("repository/").filter(|name| !name.is_empty())?;
    let region: Region = arn.region().parse().ok()?;
    let whole = arn.service() == "ecr" && arn.partition() == region.partition();
    whole.then_some((arn.account_id()?, region, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, region};

    const AWS: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com";

    fn key(name: &str) -> RepositoryKey {
        (account(), region(), name.to_owned())
    }

    #[test]
    fn both_forms_name_the_same_repository() {
        let names = [RegistryName::aws("127.0.0.1:4566"), RegistryName::host("127.0.0.1:4566")];
        let uris = names.each_ref().map(|name| name.repository_uri(&key("a/b")));
        assert_eq!(uris, [format!("{AWS}/a/b"), "127.0.0.1:4566/111122223333/us-east-1/a/b".to_owned()]);
        let digest = format!("sha256:{}", "0".repeat(64));
        for (name, uri) in names.iter().flat_map(|name| uris.iter().map(move |uri| (name, uri))) {
            for suffix in ["", ":tag", &format!("@{digest}"), &format!(":tag@{digest}")] {
                let image = format!("{uri}{suffix}");
                assert_eq!(name.repository_of_image(&image), Some(key("a/b")), "{image}");
            }
        }
    }

    #[test]
    fn other_registries_are_not_ours() {
        let name = RegistryName::host("127.0.0.1:4566");
        for image in [
            "busybox",
            "docker.io/library/busybox:1",
            "127.0.0.1:5000/111122223333/us-east-1/a",
            "127.0.0.1:4566/a:1",
            "127.0.0.1:4566/111122223333/a:1",
            "public.ecr.aws/x/y",
            "11112222333.dkr.ecr.us-east-1.amazonaws.com/a",
        ] {
            assert_eq!(name.repository_of_image(image), None, "{image}");
        }
        assert!(name.is_here("localhost:4566") && name.is_here("LocalHost:4566"));
        assert!(RegistryName::host("registry.example").is_here("Registry.Example"));
        assert!(!name.is_here("localhost:4567"));
    }

    #[test]
    fn hosts_and_paths_are_located() {
        let cases = [
            (Some(AWS.to_owned()), "a", Some(key("a"))),
            (Some(format!("{AWS}:4566")), "a", Some(key("a"))),
            (Some(AWS.to_owned()), "444455556666/eu-west-1/a", Some(key("444455556666/eu-west-1/a"))),
            (Some("127.0.0.1:4566".to_owned()), "111122223333/us-east-1/a/b", Some(key("a/b"))),
            (None, "111122223333/us-east-1/a", Some(key("a"))),
            (None, "a/b/c", None),
            (Some("111122223333.DKR.ECR.us-east-1.AmazonAWS.com".to_owned()), "a", Some(key("a"))),
            (Some("111122223333.dkr-ecr.us-east-1.on.aws".to_owned()), "a", Some(key("a"))),
            (Some("111122223333.dkr.ecr-fips.us-east-1.amazonaws.com".to_owned()), "a", Some(key("a"))),
        ];
        for (host, path, expected) in cases {
            assert_eq!(locate(host.as_deref(), path), expected, "{host:?} {path}");
        }
    }

    #[test]
    fn arns_read_back() {
        let key = key("a/b");
        assert_eq!(parse_repository_arn(repository_arn(&key).as_str()), Some(key));
        for bad in [
            "a",
            "arn:aws:ecr:us-east-1:111122223333:repository/",
            "arn:aws:ecs:us-east-1:111122223333:repository/a",
        ] {
            assert_eq!(parse_repository_arn(bad), None, "{bad}");
        }
    }
}
