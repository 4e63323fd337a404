//! The pipe from the download (asynchronous) to the unpacking (blocking), which hashes what goes through.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use crate::Digest;
use crate::digest::Hasher;

/// What the download sends.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    /// All of it was sent. Without this, the end of the pipe means that the download gave up.
    End,
}

/// Pieces under way: with network reads of some kilobytes this is well under a megabyte.
pub(super) const DEPTH: usize = 32;

/// Reads the pieces as one stream.
pub(super) struct Feed {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    hasher: Hasher,
    ended: bool,
}

impl Feed {
    pub(super) fn new(pieces: mpsc::Receiver<Piece>, expected: &Digest) -> Self {
        Self { pieces, current: Bytes::new(), hasher: expected.hasher(), ended: false }
    }

    /// Reads to the end; the digest of everything.
    pub(super) fn finish(mut self) -> io::Result<Digest> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hasher.finish())
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Data(bytes)) => {
                    self.hasher.update(&bytes);
                    self.current = bytes;
                }
                Some(Piece::End) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the download stopped")),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
