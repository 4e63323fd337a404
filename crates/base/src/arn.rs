//! Amazon Resource Names (AWS General Reference, "Amazon Resource Names").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region};

/// `arn:partition:service:region:account:resource`, split once. Region and account may be empty, as in
/// `arn:aws:iam::aws:policy/ReadOnlyAccess`, whose account is the word `aws`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    text: Box<str>,
    /// Ends of the first five segments.
    ends: [u16; 5],
}

/// The text does not have six segments or does not begin with `arn:`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an ARN: expected `arn:partition:service:region:account:resource`")]
pub struct InvalidArn(String);

impl Arn {
    /// Builds an ARN of the partition that `region` lies in.
    pub fn new(service: &str, region: &Region, account: &AccountId, resource: &str) -> Self {
        Self::from_segments(region.partition(), service, region.as_str(), account.as_str(), resource)
    }

    /// Builds an ARN without a Region, as IAM and STS have them.
    pub fn global(service: &str, account: &str, resource: &str) -> Self {
        Self::from_segments("aws", service, "", account, resource)
    }

    fn from_segments(partition: &str, service: &str, region: &str, account: &str, resource: &str) -> Self {
        let text = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        let mut ends = [0u16; 5];
        let mut at = 0;
        for (end, segment) in ends.iter_mut().zip(["arn", partition, service, region, account]) {
            at += segment.len();
            *end = u16::try_from(at).unwrap_or(u16::MAX);
            at += 1;
        }
        Self { text: text.into(), ends }
    }

    fn segment(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { usize::from(self.ends[index - 1]) + 1 };
        &self.text[start..usize::from(self.ends[index])]
    }

    /// `aws`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        self.segment(1)
    }

    /// The service's namespace, for example `secretsmanager`.
    pub fn service(&self) -> &str {
        self.segment(2)
    }

    /// The Region's name; empty for global resources.
    pub fn region(&self) -> &str {
        self.segment(3)
    }

    /// The account field as written: twelve digits, empty, or `aws`.
    pub fn account(&self) -> &str {
        self.segment(4)
    }

    /// The account, where the field holds one.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account().parse().ok()
    }

    /// Everything behind the fifth colon, further colons included.
    pub fn resource(&self) -> &str {
        &self.text[usize::from(self.ends[4]) + 1..]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidArn(text.to_owned());
        if !text.starts_with("arn:") || text.len() > 4096 {
            return Err(invalid());
        }
        let mut ends = [0u16; 5];
        let mut colons = text.match_indices(':');
        for end in &mut ends {
            let (at, _) = colons.next().ok_or_else(invalid)?;
            *end = u16::try_from(at).map_err(|_| invalid())?;
        }
        Ok(Self { text: text.into(), ends })
    }
}

impl TryFrom<String> for Arn {
    type Error = InvalidArn;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.text.into()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_parsed_and_built_arns_agree() {
        let built = Arn::new(
            "secretsmanager",
            &"eu-central-1".parse().unwrap(),
            &"111122223333".parse().unwrap(),
            "secret:a:b-AbCdEf",
        );
        let parsed: Arn =
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a:b-AbCdEf".parse().unwrap();
        assert_eq!(built, parsed);
        assert_eq!(parsed.service(), "secretsmanager");
        assert_eq!(parsed.region(), "eu-central-1");
        assert_eq!(parsed.account(), "111122223333");
        assert_eq!(parsed.resource(), "secret:a:b-AbCdEf");
    }

    #[test]
    fn global_arns_have_no_region() {
        let arn = Arn::global("iam", "aws", "policy/ReadOnlyAccess");
        assert_eq!(arn.as_str(), "arn:aws:iam::aws:policy/ReadOnlyAccess");
        assert_eq!((arn.region(), arn.account_id()), ("", None));
    }

    #[test]
    fn text_that_is_no_arn_is_refused() {
        for text in ["", "arn", "arn:aws:s3:::", "aws:arn:s3:::b", "arn:aws:s3"] {
            assert_eq!(text.parse::<Arn>().is_ok(), text == "arn:aws:s3:::", "{text}");
        }
    }
}
