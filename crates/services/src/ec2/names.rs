//! Ids and ARNs.

use aws_lc_rs::digest::{SHA256, digest};
use landfall_base::{AccountId, Arn, Region, random};

/// Digits of an id behind its prefix.
const DIGITS: usize = 17;

/// A new id: `vpce-` and 17 hexadecimal digits.
pub(super) fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", random::hex(DIGITS))
}

/// An id of something that exists from the first: the same every time it is worked out.
pub(super) fn derived(prefix: &str, account: &AccountId, region: &Region, what: &str) -> String {
    let hash = digest(&SHA256, format!("{account} {region} {prefix} {what}").as_bytes());
    let text = hex::encode(hash.as_ref());
    format!("{prefix}-{}", text.get(..DIGITS).unwrap_or_default())
}

/// The ARN of a resource of EC2: `arn:aws:ec2:us-east-1:111122223333:vpc/vpc-…`.
pub(super) fn arn(kind: &str, account: &AccountId, region: &Region, id: &str) -> Arn {
    Arn::new("ec2", region, account, &format!("{kind}/{id}"))
}
