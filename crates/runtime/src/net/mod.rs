//! Networks of sandboxes: a bridge, a pair of interfaces for each sandbox, address translation. All of it is kept by the
//! kernel, so nothing has to run for connections to go on while the server is restarted.

mod link;
mod netlink;
pub(crate) mod netns;
pub(crate) mod nft;
pub(crate) mod ports;
pub(crate) mod subnet;

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use crate::error::{Doing, RuntimeError};
use crate::layout::{read_json, write_json};
use crate::names::SandboxId;
use crate::spec::PortBinding;
use subnet::Subnet;

/// Where containers of ECS find the agent (Developer Guide, "Task IAM role"; "Task metadata endpoint version 4").
pub(crate) const DOOR: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// The sandbox's own end of that link.
const BEFORE_DOOR: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 1);
const DOOR_PREFIX: u8 = 30;
const DOOR_MTU: u32 = 1500;
/// As the container agent calls it.
const DOOR_INTERFACE: &str = "ecs-eth0";

const ROUTES: &str = "/proc/net/route";

/// Names and files of the network.
#[derive(Debug, Clone)]
pub(crate) struct NetworkConfig {
    pub(crate) bridge: String,
    /// The address range asked for.
    pub(crate) subnet: Option<(Ipv4Addr, u8)>,
    /// Where the chosen address range is kept.
    pub(crate) subnet_file: PathBuf,
}

/// The network that private sandboxes are attached to.
pub(crate) struct Network {
    config: NetworkConfig,
    /// The address range, once the bridge is known to be there.
    ready: Mutex<Option<Subnet>>,
}

impl Network {
    pub(crate) fn new(config: NetworkConfig) -> Self {
        Self { config, ready: Mutex::default() }
    }

    /// The range of addresses; makes the bridge when first asked.
    pub(crate) fn subnet(&self) -> Result<Subnet, RuntimeError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subnet) = *ready {
            return Ok(subnet);
        }
        let subnet = self.chosen_subnet()?;
        self.make_bridge(subnet)?;
        *ready = Some(subnet);
        Ok(subnet)
    }

    fn chosen_subnet(&self) -> Result<Subnet, RuntimeError> {
        let file = &self.config.subnet_file;
        let known = read_json(file).doing(|| format!("cannot read `{}`", file.display()))?;
        if let Some(subnet) = known {
            return Ok(subnet);
        }
        let subnet = match self.config.subnet {
            Some((address, prefix)) => Subnet::checked(address, prefix)?,
            None => Subnet::choose(&fs::read_to_string(ROUTES).doing(|| format!("cannot read `{ROUTES}`"))?)?,
        };
        write_json(file, &subnet).doing(|| format!("cannot write `{}`", file.display()))?;
        Ok(subnet)
    }

    fn make_bridge(&self, subnet: Subnet) -> Result<(), RuntimeError> {
        let name = &self.config.bridge;
        let doing = || format!("cannot make the network bridge `{name}`");
        match link::add_bridge(name, mac(subnet.gateway()), mtu()) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(RuntimeError::host(doing(), error)),
        }
        let index = link::index(name).doing(doing)?;
        link::add_address(index, subnet.gateway(), subnet.prefix()).doing(doing)?;
        for (file, value) in [("ip_forward", "1"), (&format!("conf/{name}/route_localnet"), "1")] {
            let path = Path::new("/proc/sys/net/ipv4").join(file);
            fs::write(&path, value).doing(|| format!("cannot set `{}` to {value}", path.display()))?;
        }
        if let Err(error) = nft::set_up_bridge(name, subnet) {
            tracing::warn!(%error, "the kernel's nf_tables cannot be used: tasks reach this host, but nothing beyond it");
        }
        Ok(())
    }

    /// Connects a sandbox's namespace with the bridge.
    pub(crate) fn attach(&self, id: &SandboxId, netns: &Path, address: Ipv4Addr) -> Result<(), RuntimeError> {
        let subnet = self.subnet()?;
        let doing = || format!("cannot connect sandbox `{id}` to `{}`", self.config.bridge);
        let bridge = link::index(&self.config.bridge).doing(doing)?;
        let target = File::open(netns).doing(doing)?;
        let name = self.pair_name(id);
        let pair = link::Pair {
            name: &name,
            bridge: Some(bridge),
            far: "eth0",
            mac: Some(mac(address)),
            mtu: mtu(),
        };
        link::add_pair(&pair, &target).doing(doing)?;
        netns::inside(netns, || {
            let index = link::index("eth0").doing(doing)?;
            link::add_address(index, address, subnet.prefix()).doing(doing)?;
            link::set_up(index).doing(doing)?;
            link::add_default_route(subnet.gateway()).doing(doing)
        })
    }

    /// Disconnects a sandbox.
    pub(crate) fn detach(&self, id: &SandboxId) -> Result<(), RuntimeError> {
        link::remove(&self.pair_name(id)).doing(|| format!("cannot remove the interface of sandbox `{id}`"))
    }

    pub(crate) fn publish(
        &self,
        id: &SandboxId,
        address: Ipv4Addr,
        ports: &[PortBinding],
    ) -> Result<(), RuntimeError> {
        if ports.is_empty() {
            return Ok(());
        }
        nft::publish(&self.table(id), address, ports).doing(|| {
            format!("cannot publish the ports of sandbox `{id}`, which needs the kernel's nf_tables")
        })
    }

    pub(crate) fn unpublish(&self, id: &SandboxId) -> Result<(), RuntimeError> {
        match nft::remove(&self.table(id)) {
            // Where there is no nf_tables, nothing can have been published.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PROTONOSUPPORT | Errno::INVAL) => Ok(()),
            Err(error) => {
                Err(RuntimeError::host(format!("cannot unpublish the ports of sandbox `{id}`"), error))
            }
        }
    }

    /// Takes bridge and rules away.
    pub(crate) fn remove(&self) -> Result<(), RuntimeError> {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let name = &self.config.bridge;
        let rules = nft::remove(name).doing(|| format!("cannot remove the rules of `{name}`"));
        link::remove(name).doing(|| format!("cannot remove the network bridge `{name}`"))?;
        rules
    }

    fn table(&self, id: &SandboxId) -> String {
        format!("{}-{id}", self.config.bridge)
    }

    /// Interface names have at most 15 letters, so the sandbox's name is hashed (FNV-1a).
    fn pair_name(&self, id: &SandboxId) -> String {
        let name = self.table(id);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("lf{:012x}", hash >> 16)
    }
}

/// Makes the place beside a sandbox where the server answers its containers: a network namespace of its own, with an
/// interface that leads into the sandbox's. Sockets there are in nobody's way: a program in the sandbox can bind every port of
/// every address that it has.
pub(crate) fn make_door(sandbox: &Path, door: &Path) -> Result<(), RuntimeError> {
    let doing = || "cannot connect a sandbox with its metadata endpoint".to_owned();
    netns::create(door)?;
    let target = File::open(sandbox).doing(doing)?;
    netns::inside(door, || {
        let pair = link::Pair { name: "task", bridge: None, far: DOOR_INTERFACE, mac: None, mtu: DOOR_MTU };
        link::add_pair(&pair, &target).doing(doing)?;
        let index = link::index("task").doing(doing)?;
        link::add_address(index, DOOR, DOOR_PREFIX).doing(doing)
    })?;
    netns::inside(sandbox, || {
        let index = link::index(DOOR_INTERFACE).doing(doing)?;
        link::add_address(index, BEFORE_DOOR, DOOR_PREFIX).doing(doing)?;
        link::set_up(index).doing(doing)
    })
}

/// A hardware address that goes with the IP address, so that neighbours' memory of it is never wrong.
pub(crate) fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x1f, a, b, c, d]
}

/// Packets of tasks must fit through where they leave the host.
fn mtu() -> u32 {
    let routes = fs::read_to_string(ROUTES).unwrap_or_default();
    let of = |name: &str| fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?.trim().parse().ok();
    subnet::default_interface(&routes).and_then(of).unwrap_or(1500)
}

/// Takes this namespace's loopback interface up.
pub(crate) fn loopback_up() -> Result<(), RuntimeError> {
    let go = || link::set_up(link::index("lo")?);
    go().doing(|| "cannot take the loopback interface up".to_owned())
}

/// Gives this namespace's loopback interface a further address.
pub(crate) fn add_loopback_address(address: Ipv4Addr) -> Result<(), RuntimeError> {
    if address.is_loopback() || address.is_unspecified() {
        return Ok(());
    }
    let go = || link::add_address(link::index("lo")?, address, 32);
    go().doing(|| format!("cannot add `{address}` to the loopback interface"))
}
