//! The bytes of objects: files below `<data>/s3`, encrypted, written once and never changed.
//!
//! A file is a sequence of chunks of 64 KiB, each sealed with AES-256-GCM: nonce is the chunk's number, authenticated with
//! it is whether it is the last one, so that a file cannot be cut or put together anew. The key of a file is made
//! (HKDF-SHA-256) from the data key of its object and the file's name, which is never used twice. A file is complete and
//! on disk before a row names it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use landfall_base::{Sensitive, random};
use zeroize::Zeroizing;

use super::record::Piece;

/// Bytes of an object in a chunk.
pub const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const SEALED_CHUNK: u64 = (CHUNK + TAG) as u64;

/// Where the bytes of objects are.
#[derive(Debug)]
pub struct ObjectFiles {
    directory: PathBuf,
    opened: SystemTime,
}

/// The data key of an object, in plaintext.
pub type DataKey = Sensitive<Vec<u8>>;

impl ObjectFiles {
    /// Opens a directory; makes it if it is missing, and throws away what was being written when the last server ended.
    ///
    /// # Errors
    /// What the disk said.
    #[expect(
        clippy::disallowed_methods,
        reason = "compared with the times that the file system gives to files"
    )]
    pub fn open(directory: &Path) -> io::Result<Self> {
        let this = Self { directory: directory.to_owned(), opened: SystemTime::now() };
        make_directory(&this.directory)?;
        make_directory(&this.objects())?;
        match fs::remove_dir_all(this.incoming()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => make_directory(&this.incoming())?,
        }
        Ok(this)
    }

    fn objects(&self) -> PathBuf {
        self.directory.join("objects")
    }

    fn incoming(&self) -> PathBuf {
        self.directory.join("incoming")
    }

    fn path(&self, id: &str) -> PathBuf {
        self.objects().join(id.get(..2).unwrap_or("00")).join(id)
    }

    /// A new file.
    ///
    /// # Errors
    /// What the disk said.
    pub fn create(&self, key: &DataKey) -> io::Result<Writer> {
        let id = random::hex(32);
        let path = self.incoming().join(&id);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let buffer = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        let target = self.path(&id);
        Ok(Writer {
            cipher: cipher(key, &id)?,
            id,
            path,
            target,
            file,
            buffer,
            chunks: 0,
            size: 0,
            kept: false,
        })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the disk said; the file has another length than it should.
    pub fn read(&self, key: &DataKey, piece: &Piece) -> io::Result<Reader> {
        let file = File::open(self.path(&piece.id))?;
        if file.metadata()?.len() != sealed_length(piece.size) {
            return Err(damaged());
        }
        Ok(Reader { cipher: cipher(key, &piece.id)?, file, size: piece.size })
    }

    /// Removes a file; it need not be there.
    ///
    /// # Errors
    /// What the disk said.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of the files that were there before this was opened.
    ///
    /// # Errors
    /// What the disk said.
    pub fn older_files(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for directory in fs::read_dir(self.objects())? {
            for entry in fs::read_dir(directory?.path())? {
                let entry = entry?;
                if entry.metadata()?.modified()? < self.opened {
                    ids.extend(entry.file_name().into_string());
                }
            }
        }
        Ok(ids)
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sealed_length(size: u64) -> u64 {
    size + chunks(size) * TAG as u64
}

/// An empty object has one empty chunk.
fn chunks(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64).max(1)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file of an object is not what was written")
}

fn cipher(key: &DataKey, id: &str) -> io::Result<LessSafeKey> {
    let info = [b"landfall s3 file".as_slice(), id.as_bytes()];
    let derived = Salt::new(HKDF_SHA256, &[]).extract(key.expose());
    let okm = derived.expand(&info, &AES_256_GCM).map_err(|_| io::Error::other("no key"))?;
    Ok(LessSafeKey::new(UnboundKey::from(okm)))
}

fn nonce(chunk: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&chunk.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Writes a file.
pub struct Writer {
    id: String,
    path: PathBuf,
    target: PathBuf,
    file: File,
    cipher: LessSafeKey,
    buffer: Zeroizing<Vec<u8>>,
    chunks: u64,
    size: u64,
    kept: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({}, {} bytes)", self.id, self.size)
    }
}

impl Writer {
    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// What the disk said.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            // A full chunk waits for more: the last one is sealed as such.
            if self.buffer.len() == CHUNK {
                self.flush(false)?;
            }
            let room = (CHUNK - self.buffer.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn flush(&mut self, last: bool) -> io::Result<()> {
        let failed = |_| io::Error::other("cannot encrypt");
        let aad = Aad::from([u8::from(last)]);
        let tag = self
            .cipher
            .seal_in_place_separate_tag(nonce(self.chunks), aad, &mut self.buffer)
            .map_err(failed)?;
        self.buffer.extend_from_slice(tag.as_ref());
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.chunks += 1;
        Ok(())
    }

    /// Puts the file on disk and in its place.
    ///
    /// # Errors
    /// What the disk said.
    pub fn finish(mut self) -> io::Result<Piece> {
        self.flush(true)?;
        self.file.sync_all()?;
        if let Some(parent) = self.target.parent() {
            if !parent.is_dir() {
                make_directory(parent)?;
                parent.parent().map_or(Ok(()), sync_directory)?;
            }
            fs::rename(&self.path, &self.target)?;
            sync_directory(parent)?;
        }
        self.kept = true;
        Ok(Piece { id: self.id.clone(), size: self.size, checksum: None })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.kept {
            // What stays after all is thrown away at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads a file.
pub struct Reader {
    file: File,
    cipher: LessSafeKey,
    size: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({} bytes)", self.size)
    }
}

impl Reader {
    /// The bytes from `offset` on to the end of the chunk that it lies in.
    ///
    /// # Errors
    /// What the disk said; the chunk is not what was written.
    pub fn chunk_at(&self, offset: u64) -> io::Result<Vec<u8>> {
        let chunk = offset / CHUNK as u64;
        let last = chunk + 1 == chunks(self.size);
        let begin = chunk * CHUNK as u64;
        let length = (self.size - begin).min(CHUNK as u64);
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length + TAG];
        self.file.read_exact_at(&mut bytes, chunk * SEALED_CHUNK)?;
        let aad = Aad::from([u8::from(last)]);
        let opened = self.cipher.open_in_place(nonce(chunk), aad, &mut bytes).map_err(|_| damaged())?.len();
        bytes.truncate(opened);
        let skip = usize::try_from(offset - begin).map_err(io::Error::other)?;
        Ok(if skip == 0 { bytes } else { bytes.split_off(skip.min(bytes.len())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        Sensitive::new(vec![7; 32])
    }

    fn read_all(files: &ObjectFiles, piece: &Piece) -> io::Result<Vec<u8>> {
        let reader = files.read(&key(), piece)?;
        let mut out = Vec::new();
        while (out.len() as u64) < piece.size {
            out.extend(reader.chunk_at(out.len() as u64)?);
        }
        Ok(out)
    }

    #[test]
    fn what_is_written_is_read_at_every_size() {
        let directory = tempfile::tempdir().unwrap();
        let files = ObjectFiles::open(directory.path()).unwrap();
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut writer = files.create(&key()).unwrap();
            bytes.chunks(1000).for_each(|some| writer.write(some).unwrap());
            let piece = writer.finish().unwrap();
            assert_eq!(read_all(&files, &piece).unwrap(), bytes, "{size}");
            let reader = files.read(&key(), &piece).unwrap();
            let at = size as u64 / 2;
            if size > 0 {
                assert_eq!(reader.chunk_at(at).unwrap()[0], bytes[size / 2]);
            }
        }
    }

    #[test]
    fn files_hold_no_plaintext_and_notice_changes() {
        let directory = tempfile::tempdir().unwrap();
        let files = ObjectFiles::open(directory.path()).unwrap();
        let mut writer = files.create(&key()).unwrap();
        writer.write(b"DB_PASSWORD=correct horse").unwrap();
        let piece = writer.finish().unwrap();
        let path = files.path(&piece.id);
        let mut raw = fs::read(&path).unwrap();
        assert!(!raw.windows(11).any(|window| window == b"DB_PASSWORD"));
        raw[3] ^= 1;
        fs::write(&path, &raw).unwrap();
        assert!(read_all(&files, &piece).is_err());
        raw.pop();
        fs::write(&path, &raw).unwrap();
        assert!(files.read(&key(), &piece).is_err());
    }

    #[test]
    fn unfinished_files_go() {
        let directory = tempfile::tempdir().unwrap();
        let files = ObjectFiles::open(directory.path()).unwrap();
        let mut writer = files.create(&key()).unwrap();
        writer.write(b"x").unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(files.incoming()).unwrap().count(), 0);
        std::mem::drop(files.create(&key()).map(|mut writer| writer.kept = true));
        ObjectFiles::open(directory.path()).unwrap();
        assert_eq!(fs::read_dir(files.incoming()).unwrap().count(), 0);
    }
}
