//! A record as bytes: a fixed head (length and flag, checksum, sequence, event time, ingestion time; little-endian)
//! and the payload. The flag marks the last record of an append, so that an append torn by a crash is dropped whole.

use landfall_base::Timestamp;

use super::{Event, MAX_PAYLOAD, Record};

/// Bytes of a record before its payload.
pub(crate) const HEAD: usize = 32;
const LAST: u32 = 1 << 31;

/// What the index needs to know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) payload: usize,
    pub(crate) last: bool,
    pub(crate) sequence: u64,
    pub(crate) time: i64,
    pub(crate) ingested: i64,
    checksum: u32,
}

impl Head {
    /// Bytes of the whole record.
    pub(crate) fn size(&self) -> usize {
        HEAD + self.payload
    }

    /// Reads a head. `None` when the length is not one a record can have.
    pub(crate) fn parse(bytes: &[u8; HEAD]) -> Option<Self> {
        let length = u32::from_le_bytes(part(bytes, 0));
        let payload = (length & !LAST) as usize;
        (payload <= MAX_PAYLOAD).then(|| Self {
            payload,
            last: length & LAST != 0,
            checksum: u32::from_le_bytes(part(bytes, 4)),
            sequence: u64::from_le_bytes(part(bytes, 8)),
            time: i64::from_le_bytes(part(bytes, 16)),
            ingested: i64::from_le_bytes(part(bytes, 24)),
        })
    }

    /// Whether the checksum is that of this head and payload.
    pub(crate) fn matches(&self, payload: &[u8]) -> bool {
        self.checksum == checksum(&self.encode(0), payload)
    }

    fn encode(&self, checksum: u32) -> [u8; HEAD] {
        let length = self.payload as u32 | if self.last { LAST } else { 0 };
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.time.to_le_bytes());
        bytes[24..].copy_from_slice(&self.ingested.to_le_bytes());
        bytes
    }
}

fn part<const N: usize>(bytes: &[u8; HEAD], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// Over the head with a zero checksum, and the payload.
fn checksum(head: &[u8; HEAD], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

/// Appends a record to a buffer.
pub(crate) fn encode(buffer: &mut Vec<u8>, sequence: u64, event: &Event, last: bool) -> Head {
    let (time, ingested) = (event.time.millis(), event.ingested.millis());
    let mut head = Head { payload: event.payload.len(), last, sequence, time, ingested, checksum: 0 };
    head.checksum = checksum(&head.encode(0), &event.payload);
    buffer.extend_from_slice(&head.encode(head.checksum));
    buffer.extend_from_slice(&event.payload);
    head
}

/// The first record of some bytes, and the bytes behind it. `None` when they do not begin with a whole, sound one.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let head = Head::parse(head)?;
    let (payload, rest) = rest.split_at_checked(head.payload)?;
    head.matches(payload).then(|| (record(&head, payload), rest))
}

fn record(head: &Head, payload: &[u8]) -> Record {
    Record {
        sequence: head.sequence,
        time: Timestamp::from_millis(head.time),
        ingested: Timestamp::from_millis(head.ingested),
        payload: payload.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(time: i64, ingested: i64, payload: Vec<u8>) -> Event {
        Event { time: Timestamp::from_millis(time), ingested: Timestamp::from_millis(ingested), payload }
    }

    proptest! {
        #[test]
        fn records_read_back(sequence: u64, time: i64, ingested: i64, payload: Vec<u8>, last: bool) {
            let event = event(time, ingested, payload);
            let mut bytes = Vec::new();
            let head = encode(&mut bytes, sequence, &event, last);
            prop_assert_eq!(head.size(), bytes.len());
            let (record, rest) = decode(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            prop_assert_eq!((record.sequence, record.time, record.ingested), (sequence, event.time, event.ingested));
            prop_assert_eq!(record.payload, event.payload);
        }

        #[test]
        fn any_changed_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 0..40), at: prop::sample::Index, bit in 0..8u32) {
            let mut bytes = Vec::new();
            encode(&mut bytes, 7, &event(1, 2, payload), true);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(decode(&bytes).is_none());
        }

        #[test]
        fn outside_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
