//! Reading tar (POSIX ustar and pax, GNU extensions). The `tar` crate decodes header fields; the walk is ours, because extension
//! headers must not be read into memory at whatever length the archive claims.

use std::io::{self, Read};

use tar::Header;

use super::UnpackError;
use super::entry::{Entry, Kind, Pax};
use super::sparse::Map;

const BLOCK: usize = 512;
/// Longest extension header.
const MAX_EXTENSION: u64 = 1 << 20;
/// Longest path or link.
const MAX_PATH: usize = 4096;
/// Longest run of extension headers for one entry.
const MAX_EXTENSIONS: usize = 16;

/// Walks an archive.
pub(super) struct Archive<R> {
    source: R,
    /// Data of the current entry not yet read.
    left: u64,
    /// Bytes between that data and the next header.
    padding: u64,
}

/// What extension headers announced for the next entry.
#[derive(Default)]
struct Announced {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Pax,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, left: 0, padding: 0 }
    }

    /// The next entry, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut announced = Announced::default();
        for _ in 0..MAX_EXTENSIONS {
            self.skip_data()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size().map_err(|_| corrupt("a size is malformed"))?;
            match header.as_bytes()[156] {
                b'L' => announced.name = Some(self.extension_text(size)?),
                b'K' => announced.link = Some(self.extension_text(size)?),
                b'x' => announced.pax = Pax::parse(&self.extension(size)?)?,
                b'g' => drop(self.extension(size)?),
                kind => return self.entry(&header, kind, size, announced).map(Some),
            }
        }
        Err(corrupt("too many extension headers in a row"))
    }

    /// Reads the current entry's data.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..wanted]).map_err(|error| UnpackError::reading(&error))?;
        if count == 0 {
            return Err(corrupt("the archive ends in the middle of a file"));
        }
        self.left -= count as u64;
        Ok(count)
    }

    fn set_data(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn skip_data(&mut self) -> Result<(), UnpackError> {
        let rest = self.left.saturating_add(self.padding);
        let copied = io::copy(&mut (&mut self.source).take(rest), &mut io::sink())
            .map_err(|error| UnpackError::reading(&error))?;
        (self.left, self.padding) = (0, 0);
        if copied == rest { Ok(()) } else { Err(corrupt("the archive ends in the middle of a file")) }
    }

    /// The next header block; `None` at the end mark or where the archive just stops between entries.
    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let mut header = Header::new_old();
        let mut filled = 0;
        while filled < BLOCK {
            let count = self.source.read(&mut header.as_mut_bytes()[filled..]);
            match count.map_err(|error| UnpackError::reading(&error))? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(corrupt("the archive ends in the middle of a header")),
                count => filled += count,
            }
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if header.cksum().ok() != Some(checksum(&header)) {
            return Err(corrupt("a header's checksum is wrong: this is not a tar archive"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        if size > MAX_EXTENSION {
            let why = format!("an extension header is longer than the limit of {MAX_EXTENSION} bytes");
            return Err(UnpackError::Limit(why));
        }
        self.set_data(size);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.read(&mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    fn extension_text(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        let mut text = self.extension(size)?;
        text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
        Ok(text)
    }

    fn entry(
        &mut self,
        header: &Header,
        type_byte: u8,
        size: u64,
        announced: Announced,
    ) -> Result<Entry, UnpackError> {
        let Announced { name, link, pax } = announced;
        let path = pax.get("GNU.sparse.name").or_else(|| pax.get("path")).map(<[u8]>::to_vec);
        let path = path.or(name).unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax.get("linkpath").map(<[u8]>::to_vec).or(link);
        let link =
            link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
        if path.len() > MAX_PATH || link.len() > MAX_PATH {
            return Err(UnpackError::Unsafe(format!("a path is longer than {MAX_PATH} bytes")));
        }
        let kind = kind(type_byte, &path);
        // Only files have data; some writers put a size on links and directories.
        let size =
            if matches!(kind, Kind::File | Kind::Other) { pax.number("size")?.unwrap_or(size) } else { 0 };
        self.set_data(size);
        let sparse = self.sparse(header, type_byte, &pax, size)?;
        let owner = |key: &str, field: io::Result<u64>| {
            let number = pax.number(key)?.or(field.ok()).unwrap_or_default();
            u32::try_from(number).map_err(|_| corrupt("an owner's number is too large"))
        };
        Ok(Entry {
            kind,
            link,
            mode: header.mode().unwrap_or(0o644) & 0o7777,
            uid: owner("uid", header.uid())?,
            gid: owner("gid", header.gid())?,
            mtime: pax
                .mtime()
                .unwrap_or_else(|| (header.mtime().unwrap_or_default().cast_signed().max(0), 0)),
            xattrs: pax.xattrs(),
            sparse,
            path,
        })
    }

    fn sparse(
        &mut self,
        header: &Header,
        type_byte: u8,
        pax: &Pax,
        size: u64,
    ) -> Result<Option<Map>, UnpackError> {
        if type_byte == b'S' {
            let gnu = header.as_gnu().ok_or_else(|| corrupt("a sparse file without a GNU header"))?;
            return Map::from_gnu(gnu, size, &mut self.source).map(Some);
        }
        if pax.number("GNU.sparse.major")? == Some(1) {
            let real = pax.number("GNU.sparse.realsize")?;
            let real = real.ok_or_else(|| corrupt("a sparse file without its size"))?;
            let (map, taken) = Map::from_pax_1(real, size, &mut self.source)?;
            self.left -= taken;
            return Ok(Some(map));
        }
        Map::from_pax_0(pax, size)
    }
}

fn corrupt(why: &str) -> UnpackError {
    UnpackError::Corrupt(why.to_owned())
}

fn kind(type_byte: u8, path: &[u8]) -> Kind {
    match type_byte {
        // Before POSIX, a directory was a file with a slash at its end.
        0 if path.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        _ => Kind::Other,
    }
}

/// The sum of the header's bytes, its own field taken as spaces.
fn checksum(header: &Header) -> u32 {
    let field = 148..156;
    let bytes = header.as_bytes().iter().enumerate();
    bytes.map(|(at, byte)| if field.contains(&at) { 32 } else { u32::from(*byte) }).sum()
}
