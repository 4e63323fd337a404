//! Which bucket a host name names.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Host names of S3: `bucket.s3.region.amazonaws.com`, `bucket.s3.localhost` and their like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let known = VirtualHost::new(host);
        Ok(match bucket_of(host) {
            Some(Some(bucket)) => known.with_bucket(bucket.to_owned()),
            _ => known,
        })
    }
}

/// `None`: the host is not one of S3's. `Some(None)`: it is, and names no bucket.
pub(crate) fn bucket_of(host: &str) -> Option<Option<&str>> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let at = if name.starts_with("s3.") || name.starts_with("s3-") { 0 } else { find_service(name)? };
    let service = name.get(at..)?;
    let is_s3 = service.ends_with(".amazonaws.com")
        || service.ends_with(".amazonaws.com.cn")
        || service.ends_with(".localhost")
        || service == "s3.localhost.localstack.cloud";
    is_s3.then(|| at.checked_sub(1).and_then(|end| name.get(..end)))
}

/// Where `s3.` or `s3-` begins behind a bucket's name, which may itself have dots.
fn find_service(name: &str) -> Option<usize> {
    name.rfind(".s3.").or_else(|| name.rfind(".s3-")).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let cases = [
            ("b.s3.us-east-1.amazonaws.com", Some(Some("b"))),
            ("a.b.s3.us-east-1.amazonaws.com:4566", Some(Some("a.b"))),
            ("s3.amazonaws.com", Some(None)),
            ("s3.eu-west-1.amazonaws.com", Some(None)),
            ("b.s3.localhost:4566", Some(Some("b"))),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("x.localhost:4566", None),
            ("ecr.us-east-1.amazonaws.com", None),
        ];
        for (host, expected) in cases {
            assert_eq!(bucket_of(host), expected, "{host}");
        }
    }
}
