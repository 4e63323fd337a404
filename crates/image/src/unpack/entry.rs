//! One entry of an archive, with everything that extension headers said about it.

use super::UnpackError;
use super::sparse::Map;

/// What an entry makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    HardLink,
    Symlink,
    Directory,
    Fifo,
    /// A device node or something unknown: left out.
    Other,
}

/// An entry without its data.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) link: Vec<u8>,
    /// Permission, set-id and sticky bits.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds and nanoseconds since the Unix epoch.
    pub(super) mtime: (i64, u32),
    pub(super) xattrs: Vec<(String, Vec<u8>)>,
    /// Where the data belongs, if there are holes.
    pub(super) sparse: Option<Map>,
}

/// The records of a PAX extended header (POSIX.1-2017, pax).
#[derive(Debug, Default)]
pub(super) struct Pax {
    records: Vec<(String, Vec<u8>)>,
}

impl Pax {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, UnpackError> {
        let corrupt = || UnpackError::Corrupt("a PAX header is malformed".to_owned());
        let mut records = Vec::new();
        let mut rest = bytes;
        // Some writers pad the last record with NULs.
        while rest.first().is_some_and(|byte| *byte != 0) {
            let digits =
                rest.iter().position(|byte| *byte == b' ').filter(|at| *at < 20).ok_or_else(corrupt)?;
            let length: Option<usize> =
                std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse().ok());
            let length = length.filter(|length| *length > digits + 1).ok_or_else(corrupt)?;
            let record = rest.get(digits + 1..length).ok_or_else(corrupt)?;
            let record = record.strip_suffix(b"\n").ok_or_else(corrupt)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(corrupt)?;
            let key = std::str::from_utf8(&record[..equals]).map_err(|_| corrupt())?;
            records.push((key.to_owned(), record[equals + 1..].to_owned()));
            rest = &rest[length..];
        }
        Ok(Self { records })
    }

    /// The last value given for `key`; an empty one takes the key back.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        let value = self.records.iter().rev().find(|(name, _)| name == key);
        value.map(|(_, value)| value.as_slice()).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, UnpackError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let parsed = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
        parsed
            .map(Some)
            .ok_or_else(|| UnpackError::Corrupt(format!("the PAX record `{key}` is not a number")))
    }

    pub(super) fn mtime(&self) -> Option<(i64, u32)> {
        parse_time(std::str::from_utf8(self.get("mtime")?).ok()?)
    }

    /// Every value of the keys in `keys`, in order, as numbers.
    pub(super) fn numbers(&self, keys: &[&str]) -> Vec<u64> {
        let values = self.records.iter().filter(|(name, _)| keys.contains(&name.as_str()));
        values.filter_map(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse().ok()).collect()
    }

    pub(super) fn xattrs(&self) -> Vec<(String, Vec<u8>)> {
        let named = self.records.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix("SCHILY.xattr.")?;
            is_kept(name).then(|| (name.to_owned(), value.clone()))
        });
        named.collect()
    }
}

/// Whether an extended attribute means something inside a container.
fn is_kept(name: &str) -> bool {
    let user = name.starts_with("user.") && !name.starts_with("user.overlay.");
    let other =
        matches!(name, "security.capability" | "system.posix_acl_access" | "system.posix_acl_default");
    (user || other) && !name.contains('\0')
}

/// `[-]seconds[.fraction]`
fn parse_time(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos: u32 = digits.parse().ok()?;
    if whole.starts_with('-') && nanos > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos));
    }
    Some((seconds, nanos))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_before_and_after_the_epoch() {
        let cases = [
            ("0", Some((0, 0))),
            ("1350244992.023960108", Some((1_350_244_992, 23_960_108))),
            ("-1.5", Some((-2, 500_000_000))),
            ("1.0000000019", Some((1, 1))),
            ("x", None),
            ("1.-5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text), expected, "{text}");
        }
    }

    #[test]
    fn attributes_for_overlayfs_are_dropped() {
        let cases = [
            ("user.a", true),
            ("security.capability", true),
            ("user.overlay.opaque", false),
            ("trusted.overlay.redirect", false),
            ("security.selinux", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_kept(name), expected, "{name}");
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for text in
            ["x", "5 a", "9 a=b\n", "99999999999999999999999 a=b\n", "0 ", "2 \n", "6 a=bc\n", "5 ab\n"]
        {
            assert!(Pax::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Pax::parse(&bytes);
        }
    }
}
