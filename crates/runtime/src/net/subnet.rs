//! Which addresses sandboxes get.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::error::RuntimeError;

/// A range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    network: Ipv4Addr,
    prefix: u8,
}

/// Ranges to choose from, the first that the host does not use. Private (RFC 1918) and away from the defaults of
/// Docker, Kubernetes and home routers.
const CANDIDATES: [[u8; 2]; 6] = [[172, 31], [172, 30], [10, 213], [10, 87], [192, 168], [172, 27]];

/// Which parts of them: several servers can work on one host.
const PARTS: [u8; 4] = [240, 224, 208, 192];

impl Subnet {
    pub(crate) const fn new(network: Ipv4Addr, prefix: u8) -> Self {
        Self { network, prefix }
    }

    /// A range that somebody wrote down.
    pub(crate) fn checked(address: Ipv4Addr, prefix: u8) -> Result<Self, RuntimeError> {
        let subnet = Self::new(address, prefix);
        if (8..=30).contains(&prefix) && address.to_bits() & !subnet.mask().to_bits() == 0 {
            return Ok(subnet);
        }
        let text = format!(
            "`{address}/{prefix}` is no network: expected one such as `172.31.240.0/20`, from /8 to /30"
        );
        Err(RuntimeError::Invalid(text))
    }

    pub(crate) fn network(self) -> Ipv4Addr {
        self.network
    }

    pub(crate) fn prefix(self) -> u8 {
        self.prefix
    }

    pub(crate) fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix.into())).unwrap_or(0))
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = self.mask().to_bits() & other.mask().to_bits();
        self.network.to_bits() & mask == other.network.to_bits() & mask
    }

    /// The bridge's own address.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network.to_bits() + 1)
    }

    /// The lowest address that nobody has.
    pub(crate) fn free_address(self, taken: &[Ipv4Addr]) -> Result<Ipv4Addr, RuntimeError> {
        let last = self.network.to_bits() | !self.mask().to_bits();
        (self.gateway().to_bits() + 1..last)
            .map(Ipv4Addr::from_bits)
            .find(|address| !taken.contains(address))
            .ok_or_else(|| {
                RuntimeError::Invalid(format!(
                    "all addresses of `{}/{}` are in use: stop a task",
                    self.network, self.prefix
                ))
            })
    }

    /// A range that no route of the host touches. `routes` is what `/proc/net/route` holds.
    pub(crate) fn choose(routes: &str) -> Result<Self, RuntimeError> {
        let used: Vec<Self> = routes.lines().skip(1).filter_map(route).collect();
        let all = PARTS.iter().flat_map(|c| CANDIDATES.iter().map(move |[a, b]| (*a, *b, *c)));
        all.map(|(a, b, c)| Self::new(Ipv4Addr::new(a, b, c, 0), 20))
            .find(|subnet| !used.iter().any(|other| other.overlaps(*subnet)))
            .ok_or_else(|| {
                RuntimeError::Invalid(
                    "every address range for task networks is in use on this host".to_owned(),
                )
            })
    }
}

/// A line of `/proc/net/route`; the default route is none, as it touches everything.
fn route(line: &str) -> Option<Subnet> {
    let mut fields = line.split_whitespace();
    let hex = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let network = hex(fields.nth(1)?)?;
    let mask = hex(fields.nth(5)?)?;
    (mask != 0)
        .then(|| Subnet::new(Ipv4Addr::from_bits(network), u8::try_from(mask.leading_ones()).unwrap_or(32)))
}

/// The interface of the default route.
pub(crate) fn default_interface(routes: &str) -> Option<&str> {
    routes.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(1) == Some(&"00000000")).then(|| fields.first().copied()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t00001FAC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
";

    #[test]
    fn a_used_range_is_passed_over() {
        assert_eq!(Subnet::choose(ROUTES).unwrap().network(), Ipv4Addr::new(172, 30, 240, 0));
        assert_eq!(Subnet::choose("").unwrap().network(), Ipv4Addr::new(172, 31, 240, 0));
        assert_eq!(default_interface(ROUTES), Some("eth0"));
    }

    #[test]
    fn only_networks_are_taken() {
        assert!(Subnet::checked(Ipv4Addr::new(10, 1, 2, 0), 24).is_ok());
        for (address, prefix) in
            [([10, 1, 2, 1], 24), ([10, 0, 0, 0], 31), ([10, 0, 0, 0], 0), ([10, 0, 0, 0], 200)]
        {
            assert!(Subnet::checked(address.into(), prefix).is_err(), "{address:?}/{prefix}");
        }
    }

    #[test]
    fn addresses_run_out_in_order() {
        let subnet = Subnet::new(Ipv4Addr::new(10, 0, 0, 0), 29);
        let mut taken = Vec::new();
        while let Ok(address) = subnet.free_address(&taken) {
            taken.push(address);
        }
        assert_eq!(taken.first(), Some(&Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(taken.last(), Some(&Ipv4Addr::new(10, 0, 0, 6)));
        assert_eq!(taken.len(), 5);
    }
}
