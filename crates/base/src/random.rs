//! Random identifiers in the alphabets that AWS uses. All come from the operating system's generator.

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
    let mut raw = bytes::<16>();
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let digits: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_asked_length_and_alphabet() {
        assert_eq!(alphanumeric(6).len(), 6);
        assert!(base32(16).bytes().all(|b| BASE32.contains(&b)));
        assert!(hex(32).bytes().all(|b| HEX.contains(&b)));
        assert_eq!(uuid().len(), 36);
        assert_ne!(uuid(), uuid());
    }
}
