//! IPv4 blocks.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A block of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    first: u32,
    prefix: u32,
}

/// The text is no block.
#[derive(Debug)]
pub(super) struct NotCidr;

impl Cidr {
    /// The sizes that VPCs and subnets can have: 16 to 65,536 addresses.
    pub(super) fn is_sizeable(self) -> bool {
        (16..=28).contains(&self.prefix)
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && other.first & mask(self.prefix) == self.first
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// How many addresses a subnet has to give: five are AWS's.
    pub(super) fn usable(self) -> i32 {
        let size = 1_i64 << (32 - self.prefix);
        i32::try_from(size - 5).unwrap_or(i32::MAX)
    }
}

fn mask(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = NotCidr;

    /// Host bits are cleared, as AWS does.
    fn from_str(text: &str) -> Result<Self, NotCidr> {
        let (address, prefix) = text.split_once('/').ok_or(NotCidr)?;
        let address: Ipv4Addr = address.parse().map_err(|_| NotCidr)?;
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse::<u32>().ok().filter(|prefix| digits && *prefix <= 32).ok_or(NotCidr)?;
        Ok(Self { first: u32::from(address) & mask(prefix), prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        assert_eq!(cidr("100.68.0.18/18").to_string(), "100.68.0.0/18");
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.255.0/24")));
        assert!(!cidr("10.0.0.0/16").contains(cidr("10.1.0.0/24")));
        assert!(cidr("10.0.1.0/24").overlaps(cidr("10.0.0.0/16")));
        assert!(!cidr("10.0.0.0/24").overlaps(cidr("10.0.1.0/24")));
        assert_eq!(cidr("172.31.0.0/20").usable(), 4091);
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/16", "10.0.0.0/+8", "x/16", "10.0.0.0/-1"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
