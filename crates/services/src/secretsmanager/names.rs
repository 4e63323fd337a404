//! Names and ARNs of secrets, and what a `SecretId` can be.

use landfall_base::{AccountId, Arn, Region, random};

use super::record::SecretKey;

/// Letters and digits behind the name in an ARN.
const SUFFIX: usize = 6;

/// A `SecretId` as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretId {
    /// Where the secret would be if the whole text behind `secret:` is its name.
    pub named: SecretKey,
    /// The ARN as given, or the one formed from the name.
    pub arn: Arn,
    /// It was given as an ARN.
    pub is_arn: bool,
}

impl SecretId {
    /// Reads a name, an ARN or an ARN without suffix. `None` for what can be none of them.
    pub(super) fn parse(text: &str, account: &AccountId, region: &Region) -> Option<Self> {
        if !text.starts_with("arn:") {
            let named = (account.clone(), region.clone(), text.to_owned());
            return is_name(text).then(|| Self { arn: arn_of_name(&named), named, is_arn: false });
        }
        let arn: Arn = text.parse().ok()?;
        let name = arn.resource().strip_prefix("secret:")?.to_owned();
        if arn.service() != "secretsmanager" || !is_name(&name) {
            return None;
        }
        let named = (arn.account_id()?, arn.region().parse().ok()?, name);
        Some(Self { named, arn, is_arn: true })
    }

    /// Where the secret would be if the ARN was given whole.
    pub(super) fn unsuffixed(&self) -> Option<SecretKey> {
        let (account, region, name) = &self.named;
        let (name, suffix) = name.rsplit_once('-').filter(|_| self.is_arn)?;
        let whole = suffix.len() == SUFFIX && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        whole.then(|| (account.clone(), region.clone(), name.to_owned()))
    }
}

/// Whether a text can be the name of a secret. `!` is not documented but taken.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte);
    (1..=512).contains(&text.len()) && text.bytes().all(allowed)
}

/// The ARN of a new secret, with a random suffix.
pub(super) fn new_arn((account, region, name): &SecretKey) -> Arn {
    let suffix = random::alphanumeric(SUFFIX);
    Arn::new("secretsmanager", region, account, &format!("secret:{name}-{suffix}"))
}

/// The ARN that stands for a name without a secret: it has no suffix.
pub(super) fn arn_of_name((account, region, name): &SecretKey) -> Arn {
    Arn::new("secretsmanager", region, account, &format!("secret:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, region};

    fn parse(text: &str) -> Option<SecretId> {
        SecretId::parse(text, &account(), &region())
    }

    #[test]
    fn names_and_arns_are_told_apart() {
        let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:a/b-AbCdEf";
        let cases = [
            ("a/b", "a/b", None),
            ("a-AbCdEf", "a-AbCdEf", None),
            (arn, "a/b-AbCdEf", Some("a/b")),
            ("arn:aws:secretsmanager:eu-west-1:444455556666:secret:a/b", "a/b", None),
            ("arn:aws:secretsmanager:eu-west-1:444455556666:secret:a-short", "a-short", None),
        ];
        for (text, named, unsuffixed) in cases {
            let id = parse(text).unwrap();
            assert_eq!(id.named.2, named, "{text}");
            assert_eq!(id.unsuffixed().map(|key| key.2).as_deref(), unsuffixed, "{text}");
        }
        assert_eq!(parse(arn).unwrap().named.0.as_str(), "444455556666");
    }

    #[test]
    fn what_can_be_no_secret_is_refused() {
        let long = "x".repeat(513);
        let ids = [
            "",
            "with space",
            "a:b",
            long.as_str(),
            "arn:aws:iam::111122223333:role/r",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf:password::",
            "arn:aws:secretsmanager:us-east-1::secret:a-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:111122223333:a",
        ];
        for id in ids {
            assert_eq!(parse(id), None, "{id}");
        }
    }

    #[test]
    fn a_new_arn_reads_back_to_its_name() {
        let key = (account(), region(), "team/registry".to_owned());
        let id = parse(new_arn(&key).as_str()).unwrap();
        assert_eq!(id.unsuffixed(), Some(key));
    }
}
