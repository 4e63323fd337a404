//! Address translation with nf_tables, spoken directly (linux/netfilter/nf_tables.h): no library, no `nft` binary.
//!
//! Every sandbox with published ports has a table of its own, so that taking its ports away is one message that
//! cannot miss a rule.

use std::net::Ipv4Addr;

use rustix::io::Errno;
use rustix::net::netlink as protocols;

use super::netlink::{ACK, APPEND, CREATE, Request, Socket};
use super::subnet::Subnet;
use crate::spec::{PortBinding, Protocol};

const SUBSYSTEM: u16 = 10;
const IPV4: u8 = 2;
const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const PREROUTING: u32 = 0;
const OUTPUT: u32 = 3;
const POSTROUTING: u32 = 4;
const EQUAL: u32 = 0;
/// `IPS_DST_NAT`: the connection's destination was changed.
const DESTINATION_CHANGED: u32 = 0x20;
const RTN_LOCAL: u32 = 2;

/// Changes that the kernel makes all together or not at all.
struct Batch {
    request: Request,
    last: u32,
}

impl Batch {
    fn new() -> Self {
        let mut request = Request::default();
        request.begin(0x10, 0, &[0, 0, 0, SUBSYSTEM as u8]);
        Self { request, last: 0 }
    }

    fn message(&mut self, kind: u16, flags: u16) -> &mut Request {
        self.request.begin(SUBSYSTEM << 8 | kind, flags | ACK, &[IPV4, 0, 0, 0]);
        self.last = self.request.sequence;
        &mut self.request
    }

    /// Removes a table, whether it is there or not: it is made first.
    fn drop_table(&mut self, name: &str) {
        self.message(NEW_TABLE, CREATE).text(1, name);
        self.message(DELETE_TABLE, 0).text(1, name);
    }

    fn table(&mut self, name: &str) {
        self.drop_table(name);
        self.message(NEW_TABLE, CREATE).text(1, name);
    }

    fn chain(&mut self, table: &str, name: &str, kind: &str, hook: u32, priority: i32) {
        let message = self.message(NEW_CHAIN, CREATE);
        message.text(1, table);
        message.text(3, name);
        message.nested(4, |attributes| {
            attributes.big(1, hook);
            attributes.big(2, priority.cast_unsigned());
        });
        message.text(7, kind);
    }

    fn rule(&mut self, table: &str, chain: &str, fill: impl FnOnce(&mut Rule<'_>)) {
        let message = self.message(NEW_RULE, CREATE | APPEND);
        message.text(1, table);
        message.text(2, chain);
        message.nested(4, |list| fill(&mut Rule(list)));
    }

    fn commit(mut self) -> Result<(), Errno> {
        let last = self.last;
        self.request.begin(0x11, 0, &[0, 0, 0, SUBSYSTEM as u8]);
        Socket::open(Some(protocols::NETFILTER))?.send(self.request, last)
    }
}

/// The expressions of a rule, each of which works on registers.
struct Rule<'a>(&'a mut Request);

impl Rule<'_> {
    fn expression(&mut self, name: &str, fill: impl FnOnce(&mut Request)) {
        self.0.nested(1, |element| {
            element.text(1, name);
            element.nested(2, fill);
        });
    }

    fn equals(&mut self, value: &[u8]) {
        self.compare(EQUAL, value);
    }

    fn compare(&mut self, operator: u32, value: &[u8]) {
        self.expression("cmp", |data| {
            data.big(1, 1);
            data.big(2, operator);
            data.nested(3, |inner| inner.attribute(1, value));
        });
    }

    fn payload(&mut self, base: u32, offset: u32, length: u32) {
        self.expression("payload", |data| {
            data.big(1, 1);
            data.big(2, base);
            data.big(3, offset);
            data.big(4, length);
        });
    }

    fn meta(&mut self, key: u32) {
        self.expression("meta", |data| {
            data.big(1, 1);
            data.big(2, key);
        });
    }

    fn mask(&mut self, mask: &[u8]) {
        self.expression("bitwise", |data| {
            data.big(1, 1);
            data.big(2, 1);
            data.big(3, mask.len() as u32);
            data.nested(4, |inner| inner.attribute(1, mask));
            data.nested(5, |inner| inner.attribute(1, &vec![0; mask.len()]));
        });
    }

    fn source_in(&mut self, subnet: Subnet) {
        self.payload(1, 12, 4);
        self.mask(&subnet.mask().octets());
        self.equals(&subnet.network().octets());
    }

    fn destination_in(&mut self, subnet: Subnet) {
        self.payload(1, 16, 4);
        self.mask(&subnet.mask().octets());
        self.equals(&subnet.network().octets());
    }

    fn interface(&mut self, key: u32, name: &str, operator: u32) {
        let mut padded = [0u8; 16];
        for (place, byte) in padded.iter_mut().zip(name.bytes()) {
            *place = byte;
        }
        self.meta(key);
        self.compare(operator, &padded);
    }

    fn leaves_through(&mut self, name: &str) {
        self.interface(7, name, EQUAL);
    }

    fn leaves_not_through(&mut self, name: &str) {
        self.interface(7, name, 1);
    }

    fn came_through(&mut self, name: &str) {
        self.interface(6, name, EQUAL);
    }

    fn destination_was_changed(&mut self) {
        self.expression("ct", |data| {
            data.big(1, 1);
            data.big(2, 2);
        });
        self.mask(&DESTINATION_CHANGED.to_ne_bytes());
        self.compare(1, &0u32.to_ne_bytes());
    }

    fn destination_is_this_host(&mut self) {
        self.expression("fib", |data| {
            data.big(1, 1);
            data.big(2, 3);
            data.big(3, 2);
        });
        self.equals(&RTN_LOCAL.to_ne_bytes());
    }

    fn destination_is(&mut self, address: Ipv4Addr) {
        self.payload(1, 16, 4);
        self.equals(&address.octets());
    }

    fn port_is(&mut self, protocol: Protocol, port: u16) {
        let number = match protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        };
        self.meta(16);
        self.equals(&[number]);
        self.payload(2, 2, 2);
        self.equals(&port.to_be_bytes());
    }

    fn load(&mut self, register: u32, value: &[u8]) {
        self.expression("immediate", |data| {
            data.big(1, register);
            data.nested(2, |inner| inner.attribute(1, value));
        });
    }

    fn send_to(&mut self, address: Ipv4Addr, port: u16) {
        self.load(1, &address.octets());
        self.load(2, &port.to_be_bytes());
        self.expression("nat", |data| {
            data.big(1, 1);
            data.big(2, IPV4.into());
            data.big(3, 1);
            data.big(5, 2);
        });
    }

    fn masquerade(&mut self) {
        self.expression("masq", |_| {});
    }

    fn drop_packet(&mut self) {
        self.expression("immediate", |data| {
            data.big(1, 0);
            data.nested(2, |inner| inner.nested(2, |verdict| verdict.big(1, 0)));
        });
    }
}

/// What all sandboxes of a bridge need: their packets leave under the host's address, and so do those to a published
/// port that would otherwise be answered past the host. Nobody reaches the host's loopback through the bridge, although
/// the bridge must route such addresses for ports published there.
pub(super) fn set_up_bridge(bridge: &str, subnet: Subnet) -> Result<(), Errno> {
    let loopback = Subnet::new(Ipv4Addr::new(127, 0, 0, 0), 8);
    let mut batch = Batch::new();
    batch.table(bridge);
    batch.chain(bridge, "guard", "filter", PREROUTING, -300);
    batch.rule(bridge, "guard", |rule| {
        rule.came_through(bridge);
        rule.destination_in(loopback);
        rule.drop_packet();
    });
    batch.chain(bridge, "leave", "nat", POSTROUTING, 100);
    batch.rule(bridge, "leave", |rule| {
        rule.source_in(subnet);
        rule.leaves_not_through(bridge);
        rule.masquerade();
    });
    for source in [subnet, loopback] {
        batch.rule(bridge, "leave", |rule| {
            rule.source_in(source);
            rule.leaves_through(bridge);
            rule.destination_was_changed();
            rule.masquerade();
        });
    }
    batch.commit()
}

/// Sends published ports to the sandbox, for packets from elsewhere and from this host.
pub(super) fn publish(table: &str, address: Ipv4Addr, ports: &[PortBinding]) -> Result<(), Errno> {
    let mut batch = Batch::new();
    batch.table(table);
    for (chain, hook) in [("from elsewhere", PREROUTING), ("from here", OUTPUT)] {
        batch.chain(table, chain, "nat", hook, -100);
        for port in ports {
            batch.rule(table, chain, |rule| {
                if port.host_ip.is_unspecified() {
                    rule.destination_is_this_host();
                } else {
                    rule.destination_is(port.host_ip);
                }
                rule.port_is(port.protocol, port.host_port);
                rule.send_to(address, port.container_port);
            });
        }
    }
    batch.commit()
}

/// Removes a table. Nothing to do if there is none.
pub(super) fn remove(table: &str) -> Result<(), Errno> {
    let mut batch = Batch::new();
    batch.drop_table(table);
    batch.commit()
}

/// Whether the kernel has nf_tables and lets this process use it.
pub(crate) fn works() -> Result<(), Errno> {
    remove("landfall-probe")
}
