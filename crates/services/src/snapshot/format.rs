//! The file: a line of plain text that says what it is, and behind it lines of JSON, compressed with zstd.
//!
//! The first line of JSON is the [`Header`], then come rows, and the last has the digest of all before it: what was cut off
//! or changed is noticed. Keys of rows are the store's own bytes with what is not printable escaped, so that a reader sees
//! what is in the file (`tail -n +2 FILE | zstd -d`).

use std::io::{self, BufRead, Read, Write};

use aws_lc_rs::digest::{Context as Hasher, SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Header;

/// What every snapshot begins with; the version of the format follows.
const MAGIC: &[u8] = b"landfall snapshot ";
/// The version of the format that is written here.
const VERSION: u32 = 1;
/// Longest first line.
const FIRST_LINE: usize = 64;
/// Most bytes of an unpacked snapshot: a small file must not fill the memory.
const MOST_BYTES: u64 = 4 << 30;
const LEVEL: i32 = 9;

/// Why a snapshot cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin like one.
    #[error("the file is not a snapshot of Landfall")]
    Alien,
    /// A newer version of the format.
    #[error("the snapshot has format {found}; this version of Landfall reads formats up to {known}")]
    Newer {
        /// The version of the file.
        found: u32,
        /// The newest that is read here.
        known: u32,
    },
    /// It was cut off or changed.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
    /// A row that another version of Landfall wrote.
    #[error("the snapshot was made by Landfall {made_by}, and this is {}: {reason}", env!("CARGO_PKG_VERSION"))]
    Foreign {
        /// Who made the snapshot.
        made_by: String,
        /// What is not understood.
        reason: String,
    },
    /// The machine did not do it.
    #[error("the snapshot cannot be opened: {0}")]
    Failed(String),
}

/// A row in the file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    table: std::borrow::Cow<'a, str>,
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    row: std::borrow::Cow<'a, RawValue>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    rows: u64,
    sha256: String,
}

/// Writes a snapshot into memory.
pub(super) struct Writer {
    out: zstd::stream::write::Encoder<'static, Vec<u8>>,
    hasher: Hasher,
    rows: u64,
}

impl Writer {
    pub(super) fn new(header: &Header) -> io::Result<Self> {
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(format!("{VERSION}\n").as_bytes());
        let mut out = zstd::stream::write::Encoder::new(start, LEVEL)?;
        out.include_checksum(true)?;
        let mut writer = Self { out, hasher: Hasher::new(&SHA256), rows: 0 };
        writer.line(&serde_json::to_vec(header)?)?;
        Ok(writer)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        for bytes in [line, b"\n"] {
            self.hasher.update(bytes);
            self.out.write_all(bytes)?;
        }
        Ok(())
    }

    /// Adds a row.
    pub(super) fn row(&mut self, table: &str, key: &[u8], row: &impl Serialize) -> io::Result<()> {
        let row = RawValue::from_string(serde_json::to_string(row)?)?;
        let line = Line { table: table.into(), key: escape(key).into(), row: std::borrow::Cow::Owned(row) };
        self.rows += 1;
        self.line(&serde_json::to_vec(&line)?)
    }

    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        let sha256 = hex::encode(self.hasher.finish().as_ref());
        let end = serde_json::to_vec(&End { rows: self.rows, sha256 })?;
        self.out.write_all(&[&end, &b"\n"[..]].concat())?;
        self.out.finish()
    }
}

/// A snapshot that is whole.
pub(super) struct Content {
    pub(super) header: Header,
    lines: Vec<u8>,
}

impl Content {
    /// Unpacks a snapshot and sees that nothing was changed.
    ///
    /// # Errors
    /// It is none, of a newer format, or damaged.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let lines = unpack(packed(bytes)?)?;
        let body = checked(&lines)?.len();
        let damaged = |what: &str| SnapshotError::Damaged(what.to_owned());
        let first = lines.iter().position(|byte| *byte == b'\n').filter(|end| *end < body);
        let first = first.ok_or_else(|| damaged("it has no header"))?;
        let header = lines.get(..first).unwrap_or_default();
        let header: Header = match serde_json::from_slice(header) {
            Ok(header) => header,
            Err(error) => return Err(foreign_header(header, &error)),
        };
        let lines = lines.get(first + 1..body).unwrap_or_default().to_vec();
        Ok(Self { header, lines })
    }

    /// Hands every row over: table, key and JSON.
    ///
    /// # Errors
    /// A line is no row, or what `take` says.
    pub(super) fn rows(
        &self,
        mut take: impl FnMut(&str, &[u8], &str) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        for line in self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let no_row = |_| SnapshotError::Damaged("a line is no row".to_owned());
            let line: Line<'_> = serde_json::from_slice(line).map_err(no_row)?;
            let key =
                unescape(&line.key).ok_or_else(|| SnapshotError::Damaged("a row has no key".to_owned()))?;
            take(&line.table, &key, line.row.get())?;
        }
        Ok(())
    }
}

/// The header of another version still says which.
fn foreign_header(header: &[u8], error: &serde_json::Error) -> SnapshotError {
    let value: serde_json::Value = serde_json::from_slice(header).unwrap_or_default();
    match value["made_by"].as_str() {
        Some(made_by) => SnapshotError::Foreign {
            made_by: made_by.to_owned(),
            reason: format!("its header cannot be read ({error})"),
        },
        None => SnapshotError::Damaged("its header cannot be read".to_owned()),
    }
}

/// What is behind the first line, which must be right.
fn packed(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Alien)?;
    let end = rest.iter().take(FIRST_LINE).position(|byte| *byte == b'\n');
    let end = end.ok_or_else(|| SnapshotError::Damaged("its first line does not end".to_owned()))?;
    let (version, rest) = rest.split_at(end);
    let version = std::str::from_utf8(version).ok().and_then(|text| text.parse::<u32>().ok());
    match version {
        Some(VERSION) => Ok(rest.get(1..).unwrap_or_default()),
        Some(found) if found > VERSION => Err(SnapshotError::Newer { found, known: VERSION }),
        _ => Err(SnapshotError::Damaged("its first line has no version".to_owned())),
    }
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let damaged = |error: io::Error| SnapshotError::Damaged(format!("it cannot be unpacked ({error})"));
    let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(damaged)?.single_frame();
    let mut lines = Vec::new();
    let mut limited = decoder.take(MOST_BYTES + 1);
    limited.read_to_end(&mut lines).map_err(damaged)?;
    if lines.len() as u64 > MOST_BYTES {
        return Err(SnapshotError::Damaged("it unpacks to more than 4 GiB".to_owned()));
    }
    let mut behind = limited.into_inner().finish();
    if behind.fill_buf().is_ok_and(|rest| !rest.is_empty()) {
        return Err(SnapshotError::Damaged("there is something behind its end".to_owned()));
    }
    Ok(lines)
}

/// Everything before the last line, whose digest must be that of the last line.
fn checked(lines: &[u8]) -> Result<&[u8], SnapshotError> {
    let cut = || SnapshotError::Damaged("its end is missing".to_owned());
    let without = lines.strip_suffix(b"\n").ok_or_else(cut)?;
    let begin = without.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (body, end) = without.split_at(begin);
    let end: End = serde_json::from_slice(end).map_err(|_| cut())?;
    if hex::encode(digest(&SHA256, body).as_ref()) != end.sha256 {
        return Err(SnapshotError::Damaged("its content is not what was written".to_owned()));
    }
    Ok(body)
}

fn escape(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

/// The bytes that [`escape`] was given.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next()? {
            b't' => b'\t',
            b'r' => b'\r',
            b'n' => b'\n',
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&every)), Some(every));
        assert_eq!(unescape("a\\x0"), None);
        assert_eq!(unescape("a\\"), None);
    }
}
