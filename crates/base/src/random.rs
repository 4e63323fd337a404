//! Random identifiers in the alphabets that AWS uses. All come from the operating system's generator.

use std::cell::RefCell;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Fills `buffer` with random bytes.
///
/// # Panics
/// If the operating system has no random numbers: nothing that needs them can go on safely.
pub fn fill(buffer: &mut [u8]) {
    #[expect(
        clippy::expect_used,
        reason = "without random numbers every key and identifier would be predictable"
    )]
    getrandom::fill(buffer).expect("the operating system gives random numbers");
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

fn text(alphabet: &[u8], length: usize) -> String {
    // Bytes past the largest multiple of the alphabet are thrown away, so that every letter is equally likely.
    let limit = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    while out.len() < length {
        for byte in bytes::<64>() {
            if usize::from(byte) < limit && out.len() < length {
                out.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
            }
        }
    }
    out
}

/// Letters of both cases and digits, as in the suffix of a secret's ARN.
pub fn alphanumeric(length: usize) -> String {
    text(ALPHANUMERIC, length)
}

/// Capital letters and the digits 2–7, as behind `AKIA`, `ASIA`, `AROA`, `AIDA`, `ANPA`.
pub fn base32(length: usize) -> String {
    text(BASE32, length)
}

/// Lower-case hexadecimal digits, as in an ECS task id (32 of them).
pub fn hex(length: usize) -> String {
    text(HEX, length)
}

/// A random (version 4) UUID in its usual form (RFC 9562).
pub fn uuid() -> String {
    let mut raw = STOCK.with_borrow_mut(Stock::take);
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let mut out = String::with_capacity(36);
    for (at, byte) in raw.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.extend([byte >> 4, byte & 0x0f].map(|digit| char::from(HEX[usize::from(digit)])));
    }
    out
}

/// Random bytes fetched ahead: every request gets an id, and asking the operating system for each would cost more than the
/// rest of making it.
struct Stock {
    bytes: [u8; 1024],
    used: usize,
}

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; 1024], used: 1024 }) };
}

impl Stock {
    fn take(&mut self) -> [u8; 16] {
        if self.used == self.bytes.len() {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let mut taken = [0; 16];
        taken.copy_from_slice(&self.bytes[self.used..self.used + 16]);
        self.used += 16;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_asked_length_and_alphabet() {
        assert_eq!(alphanumeric(6).len(), 6);
        assert!(base32(16).bytes().all(|b| BASE32.contains(&b)));
        assert!(hex(32).bytes().all(|b| HEX.contains(&b)));
    }

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let made: std::collections::HashSet<String> = (0..1000).map(|_| uuid()).collect();
        assert_eq!(made.len(), 1000);
        for one in made {
            assert_eq!(one.len(), 36);
            let places: Vec<usize> = one.match_indices('-').map(|(at, _)| at).collect();
            assert_eq!(places, [8, 13, 18, 23]);
            assert_eq!(&one[14..15], "4");
            assert!("89ab".contains(&one[19..20]), "{one}");
        }
    }
}
