//! Hashes of objects: ETags are MD5, and every object has one checksum beside it, the one that the client sent or asked
//! for, otherwise CRC-64/NVME as S3 does (User Guide, "Checking object integrity").

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest as Crc, checksum_combine};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// The checksums that S3 takes from every client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ISO 3309.
    #[serde(rename = "CRC32")]
    Crc32,
    /// Castagnoli.
    #[serde(rename = "CRC32C")]
    Crc32c,
    /// NVME.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// SHA-1
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256
    #[serde(rename = "SHA256")]
    Sha256,
}

/// The checksum of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Which.
    pub algorithm: Algorithm,
    /// Base64; a composite one ends in `-` and the number of parts.
    pub value: String,
    /// Of the parts' checksums, not of the bytes.
    #[serde(default)]
    pub composite: bool,
}

impl Algorithm {
    /// All, in S3's order.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// By the API's name, in either case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Whether checksums of parts can be made into that of the whole.
    pub fn combines(self) -> bool {
        self.crc().is_some()
    }

    fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Self::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Self::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Self::Crc64Nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// How many bytes it has.
    fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether a text can be such a checksum.
    pub fn is_value(self, text: &str) -> bool {
        STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == self.width())
    }
}

enum Sum {
    Crc(Box<Crc>, usize),
    Digest(digest::Context),
}

/// Hashes bytes on their way to disk.
pub struct Hasher {
    md5: Md5,
    algorithm: Algorithm,
    sum: Sum,
}

/// What a [`Hasher`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// MD5 in hexadecimal digits.
    pub etag: String,
    /// The checksum in base64.
    pub checksum: String,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hasher({})", self.algorithm.name())
    }
}

impl Hasher {
    /// MD5 and one checksum.
    pub fn new(algorithm: Algorithm) -> Self {
        let sum = match (algorithm.crc(), algorithm) {
            (Some((crc, width)), _) => Sum::Crc(Box::new(Crc::new(crc)), width),
            (None, Algorithm::Sha1) => Sum::Digest(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => Sum::Digest(digest::Context::new(&digest::SHA256)),
        };
        Self { md5: Md5::new(), algorithm, sum }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        match &mut self.sum {
            Sum::Crc(crc, _) => crc.update(bytes),
            Sum::Digest(digest) => digest.update(bytes),
        }
    }

    /// What came out.
    pub fn finish(self) -> Hashes {
        let etag = hex::encode(self.md5.finalize());
        let checksum = match self.sum {
            Sum::Crc(crc, width) => crc_text(crc.finalize(), width),
            Sum::Digest(digest) => STANDARD.encode(digest.finish()),
        };
        Hashes { etag, checksum }
    }
}

fn crc_text(crc: u64, width: usize) -> String {
    let bytes = crc.to_be_bytes();
    STANDARD.encode(bytes.get(8 - width..).unwrap_or_default())
}

fn crc_value(text: &str) -> Option<u64> {
    let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() <= 8)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The ETag of an object of parts: MD5 over the MD5s of the parts, and their number.
pub fn etag_of_parts<'a>(etags: impl IntoIterator<Item = &'a str>) -> String {
    let (mut md5, mut count) = (Md5::new(), 0u32);
    for etag in etags {
        md5.update(hex::decode(etag).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

/// The checksum of an object of parts, from those of the parts and their sizes.
pub fn checksum_of_parts(algorithm: Algorithm, composite: bool, parts: &[(&str, u64)]) -> Option<Checksum> {
    let value = match algorithm.crc() {
        Some((crc, width)) if !composite => {
            let mut whole = None;
            for (text, size) in parts {
                let part = crc_value(text)?;
                whole = Some(whole.map_or(part, |whole| checksum_combine(crc, whole, part, *size)));
            }
            crc_text(whole?, width)
        }
        _ => {
            let mut hasher = Hasher::new(algorithm);
            for (text, _) in parts {
                hasher.update(&STANDARD.decode(text).ok()?);
            }
            format!("{}-{}", hasher.finish().checksum, parts.len())
        }
    };
    Some(Checksum { algorithm, value, composite })
}

/// MD5 of bytes, in base64 as `Content-MD5` has it.
pub fn md5_base64(bytes: &[u8]) -> String {
    STANDARD.encode(Md5::digest(bytes))
}

/// From hexadecimal digits to the form of `Content-MD5`.
pub fn hex_to_base64(digits: &str) -> String {
    STANDARD.encode(hex::decode(digits).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(algorithm: Algorithm, bytes: &[u8]) -> Hashes {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn checksums_are_those_of_other_implementations() {
        let cases = [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMqWWZZZTKcTUKEBdo="),
            (Algorithm::Sha256, "FeKw09l5yOQLvDMyC2ScVn3QXZt9flI4u6bVtdMilQI="),
        ];
        for (algorithm, expected) in cases {
            let hashes = hashes(algorithm, b"123456789");
            if !matches!(algorithm, Algorithm::Sha1 | Algorithm::Sha256) {
                assert_eq!(hashes.checksum, expected, "{algorithm:?}");
            }
            assert_eq!(hashes.etag, "25f9e794323b453885f5181f1b624d0b");
            assert!(algorithm.is_value(&hashes.checksum));
        }
    }

    #[test]
    fn parts_make_the_checksum_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let (a, b) = (hashes(algorithm, b"12345"), hashes(algorithm, b"6789"));
            let whole = hashes(algorithm, b"123456789").checksum;
            let parts = [(a.checksum.as_str(), 5), (b.checksum.as_str(), 4)];
            assert_eq!(checksum_of_parts(algorithm, false, &parts).unwrap().value, whole);
            assert!(checksum_of_parts(algorithm, true, &parts).unwrap().value.ends_with("-2"));
        }
    }
}
