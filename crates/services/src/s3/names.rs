//! Names of buckets and keys, and their ARNs.

use landfall_base::{AccountId, Arn};

/// The longest key, in bytes of UTF-8.
pub const LONGEST_KEY: usize = 1024;

/// Beginnings and ends that S3 keeps for itself (User Guide, "General purpose bucket naming rules").
const RESERVED_BEGINNINGS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether a bucket may have this name.
pub fn is_bucket_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| letters(byte) || byte == b'-' || byte == b'.')
        && ends.into_iter().all(|end| end.is_some_and(|byte| letters(*byte)))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        && !RESERVED_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether this can be the id of a version: `null`, or 32 characters.
pub fn is_version_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    id == "null" || id.len() == 32 && id.bytes().all(fits)
}

/// `arn:aws:s3:::bucket`
pub fn bucket_arn(bucket: &str) -> Arn {
    Arn::global("s3", "", bucket)
}

/// `arn:aws:s3:::bucket/key`
pub fn object_arn(bucket: &str, key: &str) -> Arn {
    Arn::global("s3", "", &format!("{bucket}/{key}"))
}

/// The canonical user id of an account: S3's name for owners. Always the same, and not the account's number.
pub fn canonical_user(account: &AccountId) -> String {
    let text = format!("landfall canonical user {account}");
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for good in ["abc", "my-bucket", "a.b.c", "1bucket1", &"a".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in [
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            "a..b",
            "192.168.0.1",
            "xn--a",
            "abc--x-s3",
            "v2",
            &"a".repeat(64),
        ] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn arns() {
        assert_eq!(bucket_arn("b").as_str(), "arn:aws:s3:::b");
        assert_eq!(object_arn("b", "k/l").as_str(), "arn:aws:s3:::b/k/l");
    }
}
