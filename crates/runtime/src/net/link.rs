//! Interfaces, addresses and routes (rtnetlink(7)).

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};

use super::netlink::{ACK, CREATE, EXCL, Request, Socket};

const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const NEWADDR: u16 = 20;
const NEWROUTE: u16 = 24;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const VETH_PEER: u16 = 1;
const UP: u32 = 1;
const INET: u8 = 2;

/// `struct ifinfomsg`: the interface's index, or 0, and whether to take it up.
fn interface(index: u32, up: bool) -> [u8; 16] {
    let mut body = [0; 16];
    let flags = if up { UP } else { 0 };
    let fields = [index, flags, flags];
    for (place, value) in body.chunks_exact_mut(4).skip(1).zip(fields) {
        place.copy_from_slice(&value.to_ne_bytes());
    }
    body
}

fn send(request: Request) -> Result<(), Errno> {
    let last = request.sequence;
    Socket::open(None)?.send(request, last)
}

/// The number of an interface in this thread's network namespace.
pub(super) fn index(name: &str) -> Result<u32, Errno> {
    name_to_index(socket(AddressFamily::INET, SocketType::DGRAM, None)?, name)
}

/// Makes a bridge and takes it up.
pub(super) fn add_bridge(name: &str, mac: [u8; 6], mtu: u32) -> Result<(), Errno> {
    let mut request = Request::default();
    request.begin(NEWLINK, ACK | CREATE | EXCL, &interface(0, true));
    request.text(IFLA_IFNAME, name);
    request.attribute(IFLA_ADDRESS, &mac);
    request.number(IFLA_MTU, mtu);
    request.nested(IFLA_LINKINFO, |info| info.text(INFO_KIND, "bridge"));
    send(request)
}

/// A pair of interfaces, one here and one in another network namespace.
pub(super) struct Pair<'a> {
    /// The name of the near end.
    pub(super) name: &'a str,
    /// The bridge that the near end is on.
    pub(super) bridge: Option<u32>,
    /// The name of the far end.
    pub(super) far: &'a str,
    /// The far end's hardware address; `None` leaves it to the kernel.
    pub(super) mac: Option<[u8; 6]>,
    /// The longest packet.
    pub(super) mtu: u32,
}

/// Makes a pair of interfaces. To make the far end there at once is many times faster than moving it.
pub(super) fn add_pair(pair: &Pair<'_>, netns: impl AsFd) -> Result<(), Errno> {
    let mut request = Request::default();
    request.begin(NEWLINK, ACK | CREATE | EXCL, &interface(0, true));
    request.text(IFLA_IFNAME, pair.name);
    if let Some(bridge) = pair.bridge {
        request.number(IFLA_MASTER, bridge);
    }
    request.number(IFLA_MTU, pair.mtu);
    request.nested(IFLA_LINKINFO, |info| {
        info.text(INFO_KIND, "veth");
        info.nested(INFO_DATA, |data| {
            data.nested(VETH_PEER, |peer| {
                peer.raw(&interface(0, false));
                peer.text(IFLA_IFNAME, pair.far);
                if let Some(mac) = &pair.mac {
                    peer.attribute(IFLA_ADDRESS, mac);
                }
                peer.number(IFLA_MTU, pair.mtu);
                peer.number(IFLA_NET_NS_FD, netns.as_fd().as_raw_fd().unsigned_abs());
            });
        });
    });
    send(request)
}

/// Takes an interface up.
pub(super) fn set_up(index: u32) -> Result<(), Errno> {
    let mut request = Request::default();
    request.begin(NEWLINK, ACK, &interface(index, true));
    send(request)
}

/// Removes an interface. Nothing to do if there is none.
pub(super) fn remove(name: &str) -> Result<(), Errno> {
    let mut request = Request::default();
    request.begin(DELLINK, ACK, &interface(0, false));
    request.text(IFLA_IFNAME, name);
    match send(request) {
        Err(Errno::NODEV) => Ok(()),
        other => other,
    }
}

/// Gives an interface an address. Nothing to do if it has it.
pub(super) fn add_address(index: u32, address: Ipv4Addr, prefix: u8) -> Result<(), Errno> {
    let mut body = [INET, prefix, 0, 0, 0, 0, 0, 0];
    if let Some(place) = body.get_mut(4..) {
        place.copy_from_slice(&index.to_ne_bytes());
    }
    let mut request = Request::default();
    request.begin(NEWADDR, ACK | CREATE | EXCL, &body);
    request.attribute(2, &address.octets());
    request.attribute(1, &address.octets());
    match send(request) {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

/// Sends everything that has no other route to `gateway`.
pub(super) fn add_default_route(gateway: Ipv4Addr) -> Result<(), Errno> {
    // family, no destination, no source, service; main table, static, whole universe, unicast; flags
    let body = [INET, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
    let mut request = Request::default();
    request.begin(NEWROUTE, ACK | CREATE, &body);
    request.attribute(5, &gateway.octets());
    send(request)
}
