//! Which registry an image names.

use landfall_base::{AccountId, Region};

use crate::ecr::{RegistryName, names};

/// An image in a private ECR repository, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrImage {
    /// As it is written.
    pub image: String,
    /// The registry's host name.
    pub host: String,
    /// The account whose registry it is.
    pub account: AccountId,
    /// The registry's Region.
    pub region: Region,
    /// The repository's name.
    pub repository: String,
    /// The tag, unless there is a digest.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<String>,
}

impl EcrImage {
    /// Reads `<12 digits>.dkr.ecr[-fips].<region>.amazonaws.com[.cn][:port]/<repository>[:tag][@digest]`, or the dual-stack form
    /// `….dkr-ecr.<region>.on.aws`. Everything else is no image of ECR.
    pub fn parse(image: &str) -> Option<Self> {
        let (host, path) = image.split_once('/')?;
        let (account, region) = names::parse_aws_host(host)?;
        let (name, digest) = match path.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (path, None),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (name, None),
        };
        let tag = if digest.is_some() { None } else { tag.or_else(|| Some("latest".to_owned())) };
        Some(Self {
            image: image.to_owned(),
            host: host.to_owned(),
            account,
            region,
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }

    /// The same, and images that are named by this installation's own address: `127.0.0.1:4566/<account>/<region>/<name>`.
    pub fn parse_here(image: &str, registry: Option<&RegistryName>) -> Option<Self> {
        if let Some(found) = Self::parse(image) {
            return Some(found);
        }
        let (account, region, repository) = registry?.repository_of_image(image)?;
        let (host, _) = image.split_once('/')?;
        let rest = image.rsplit_once(&repository)?.1;
        let (tag, digest) = match rest.split_once('@') {
            Some((_, digest)) => (None, Some(digest.to_owned())),
            None => (Some(rest.strip_prefix(':').unwrap_or("latest").to_owned()), None),
        };
        Some(Self {
            image: image.to_owned(),
            host: host.to_owned(),
            account,
            region,
            repository,
            tag,
            digest,
        })
    }

    /// The name under which this installation has the image.
    pub fn address(&self, registry: &RegistryName) -> String {
        let Self { account, region, repository, .. } = self;
        let place = format!("{}/{account}/{region}/{repository}", registry.address());
        match &self.digest {
            Some(digest) => format!("{place}@{digest}"),
            None => format!("{place}:{}", self.reference()),
        }
    }

    /// Tag or digest.
    pub fn reference(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or_default()
    }

    /// `host/repository`
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// The repository's ARN.
    pub fn repository_arn(&self) -> String {
        let Self { account, region, repository, .. } = self;
        format!("arn:{}:ecr:{region}:{account}:repository/{repository}", region.partition())
    }
}

/// Whether an image lies in a private ECR repository.
pub fn is_ecr(image: &str) -> bool {
    EcrImage::parse(image).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_ecr_repositories_are_ecr() {
        for (image, expected) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", true),
            ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a/b@sha256:00", true),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", true),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/app", true),
            ("123456789012.DKR.ecr.EU-west-1.AmazonAWS.com/app", true),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/app:1", true),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:4566/app", true),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:port/app", false),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:/app", false),
            ("public.ecr.aws/docker/library/busybox", false),
            ("registry.example.com:5000/app", false),
            ("12345678901x.dkr.ecr.eu-west-1.amazonaws.com/app", false),
            ("busybox", false),
        ] {
            assert_eq!(is_ecr(image), expected, "{image}");
        }
    }

    #[test]
    fn both_names_of_a_registry_lead_here() {
        let registry = RegistryName::host("127.0.0.1:4566");
        let place = "127.0.0.1:4566/123456789012/eu-west-1/team/app";
        for (image, address) in [
            (format!("{place}:1"), format!("{place}:1")),
            (format!("{place}@sha256:00"), format!("{place}@sha256:00")),
            ("localhost:4566/123456789012/eu-west-1/team/app".to_owned(), format!("{place}:latest")),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:2".to_owned(), format!("{place}:2")),
            ("123456789012.dkr.ecr.eu-west-1.AMAZONAWS.COM/team/app:3".to_owned(), format!("{place}:3")),
            ("LOCALHOST:4566/123456789012/eu-west-1/team/app:4".to_owned(), format!("{place}:4")),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/team/app:5".to_owned(), format!("{place}:5")),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com:4566/team/app".to_owned(),
                format!("{place}:latest"),
            ),
        ] {
            let found = EcrImage::parse_here(&image, Some(&registry)).unwrap();
            assert_eq!(found.repository_arn(), "arn:aws:ecr:eu-west-1:123456789012:repository/team/app");
            assert_eq!(found.address(&registry), address);
        }
        assert_eq!(EcrImage::parse_here("127.0.0.1:5000/123456789012/eu-west-1/app", Some(&registry)), None);
        assert_eq!(EcrImage::parse_here("127.0.0.1:4566/app", Some(&registry)), None);
    }

    #[test]
    fn an_image_is_taken_apart() {
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        for (path, repository, reference) in [
            ("app", "app", "latest"),
            ("team/app:1.2", "team/app", "1.2"),
            ("app@sha256:00", "app", "sha256:00"),
            ("app:1@sha256:00", "app", "sha256:00"),
        ] {
            let image = EcrImage::parse(&format!("{host}/{path}")).unwrap();
            assert_eq!((image.repository.as_str(), image.reference()), (repository, reference), "{path}");
            let arn = format!("arn:aws:ecr:eu-west-1:123456789012:repository/{repository}");
            assert_eq!(image.repository_arn(), arn);
        }
    }
}
