//! Just enough netlink (netlink(7)): requests built attribute by attribute, and their acknowledgements.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with, sockopt,
};

pub(super) const REQUEST: u16 = 1;
pub(super) const ACK: u16 = 4;
pub(super) const CREATE: u16 = 0x400;
pub(super) const EXCL: u16 = 0x200;
pub(super) const APPEND: u16 = 0x800;

const HEADER: usize = 16;
const NESTED: u16 = 0x8000;
const ERROR: u16 = 2;

/// One request, or several in a row.
#[derive(Default)]
pub(super) struct Request {
    bytes: Vec<u8>,
    start: usize,
    /// The sequence number of the last message begun.
    pub(super) sequence: u32,
}

impl Request {
    /// Begins a message; the one before is closed.
    pub(super) fn begin(&mut self, kind: u16, flags: u16, body: &[u8]) {
        self.close();
        self.sequence += 1;
        self.start = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(body);
    }

    fn close(&mut self) {
        let length = u32::try_from(self.bytes.len() - self.start).unwrap_or(u32::MAX);
        if let Some(field) = self.bytes.get_mut(self.start..self.start + 4) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub(super) fn text(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes);
    }

    /// A number in the byte order of the network, as netfilter has it.
    pub(super) fn big(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// A number in the byte order of the machine, as routing has it.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    pub(super) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        fill(self);
        let length = u16::try_from(self.bytes.len() - at).unwrap_or(u16::MAX);
        if let Some(field) = self.bytes.get_mut(at..at + 4) {
            let [l0, l1] = length.to_ne_bytes();
            let [k0, k1] = (kind | NESTED).to_ne_bytes();
            field.copy_from_slice(&[l0, l1, k0, k1]);
        }
    }
}

/// A netlink socket in the network namespace of the thread that opened it.
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open(protocol: Option<Protocol>) -> Result<Self, Errno> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        // The kernel answers at once; this only keeps a mistake from becoming a hang.
        sockopt::set_socket_timeout(&fd, sockopt::Timeout::Recv, Some(std::time::Duration::from_secs(5)))?;
        Ok(Self(fd))
    }

    /// Sends messages and waits until the one numbered `last` is acknowledged; the first error ends the wait.
    pub(super) fn send(&self, mut request: Request, last: u32) -> Result<(), Errno> {
        request.close();
        send(&self.0, &request.bytes, SendFlags::empty())?;
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            let (_, length) = recv(&self.0, buffer.as_mut_slice(), RecvFlags::empty())?;
            if acknowledges(buffer.get(..length).unwrap_or_default(), last)? {
                return Ok(());
            }
        }
    }
}

/// Whether an answer acknowledges message `last`.
fn acknowledges(mut answer: &[u8], last: u32) -> Result<bool, Errno> {
    while let Some((header, body)) = answer.split_first_chunk::<HEADER>() {
        let [l0, l1, l2, l3, k0, k1, _, _, s0, s1, s2, s3, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        if u16::from_ne_bytes([k0, k1]) == ERROR
            && let Some((code, _)) = body.split_first_chunk::<4>()
        {
            let code = i32::from_ne_bytes(*code);
            if code != 0 {
                return Err(Errno::from_raw_os_error(-code));
            }
            if u32::from_ne_bytes([s0, s1, s2, s3]) == last {
                return Ok(true);
            }
        }
        answer = answer.get(length.max(HEADER).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in_and_padded() {
        let mut request = Request::default();
        request.begin(16, ACK, &[0; 4]);
        request.nested(1, |inner| inner.text(2, "ab"));
        request.close();
        assert_eq!(request.bytes.len(), 16 + 4 + 4 + 8);
        assert_eq!(request.bytes.first_chunk(), Some(&32u32.to_ne_bytes()));
        assert_eq!(request.bytes.get(20..22), Some(12u16.to_ne_bytes().as_slice()));
    }

    #[test]
    fn an_error_in_the_answer_is_returned() {
        let answer = |code: i32, sequence: u32| {
            let mut bytes = 36u32.to_ne_bytes().to_vec();
            bytes.extend_from_slice(&ERROR.to_ne_bytes());
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(&sequence.to_ne_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&code.to_ne_bytes());
            bytes.extend_from_slice(&[0; 16]);
            bytes
        };
        assert_eq!(acknowledges(&answer(-17, 1), 1), Err(Errno::EXIST));
        assert_eq!(acknowledges(&answer(0, 1), 2), Ok(false));
        assert_eq!(acknowledges(&[answer(0, 1), answer(0, 2)].concat(), 2), Ok(true));
    }
}
