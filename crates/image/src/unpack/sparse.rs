//! Files with holes: GNU's old headers and the PAX forms 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").

use std::io::Read;

use tar::{GnuExtSparseHeader, GnuHeader};

use super::UnpackError;
use super::entry::Pax;

/// Most pieces of data in one file.
const MAX_PIECES: usize = 1 << 16;

/// Which ranges of a file have data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Map {
    /// Offset and length, ascending.
    pub(super) pieces: Vec<(u64, u64)>,
    /// The file's length, holes included.
    pub(super) size: u64,
}

fn corrupt() -> UnpackError {
    UnpackError::Corrupt("a sparse file's map is malformed".to_owned())
}

impl Map {
    /// Checks that the pieces ascend, lie inside the file and use up the stored data.
    fn checked(pieces: Vec<(u64, u64)>, size: u64, stored: u64) -> Result<Self, UnpackError> {
        let mut end = 0u64;
        let mut total = 0u64;
        for (offset, length) in &pieces {
            if *offset < end {
                return Err(corrupt());
            }
            end = offset.checked_add(*length).ok_or_else(corrupt)?;
            total = total.checked_add(*length).ok_or_else(corrupt)?;
        }
        if end > size || total != stored || pieces.len() > MAX_PIECES {
            return Err(corrupt());
        }
        Ok(Self { pieces, size })
    }

    /// GNU's old form: four pieces in the header, more in the blocks behind it.
    pub(super) fn from_gnu(
        header: &GnuHeader,
        stored: u64,
        source: &mut impl Read,
    ) -> Result<Self, UnpackError> {
        let mut pieces = Vec::new();
        let add = |pieces: &mut Vec<(u64, u64)>, part: &tar::GnuSparseHeader| {
            if !part.is_empty() {
                let piece = part.offset().and_then(|offset| Ok((offset, part.length()?)));
                pieces.push(piece.map_err(|_| corrupt())?);
            }
            Ok::<(), UnpackError>(())
        };
        for part in &header.sparse {
            add(&mut pieces, part)?;
        }
        let mut more = header.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            source.read_exact(block.as_mut_bytes()).map_err(|error| UnpackError::reading(&error))?;
            for part in block.sparse() {
                add(&mut pieces, part)?;
            }
            if pieces.len() > MAX_PIECES {
                return Err(corrupt());
            }
            more = block.is_extended();
        }
        Self::checked(pieces, header.real_size().map_err(|_| corrupt())?, stored)
    }

    /// The PAX forms that keep the map in the header: 0.0 and 0.1.
    pub(super) fn from_pax_0(pax: &Pax, stored: u64) -> Result<Option<Self>, UnpackError> {
        let numbers = match pax.get("GNU.sparse.map") {
            Some(text) => parse_numbers(text)?,
            None => pax.numbers(&["GNU.sparse.offset", "GNU.sparse.numbytes"]),
        };
        match pax.number("GNU.sparse.size")? {
            Some(size) => Self::checked(pairs(&numbers)?, size, stored).map(Some),
            None => Ok(None),
        }
    }

    /// The PAX form 1.0: the map is in front of the data, in whole blocks. Says also how many bytes it took.
    pub(super) fn from_pax_1(
        size: u64,
        stored: u64,
        source: &mut impl Read,
    ) -> Result<(Self, u64), UnpackError> {
        let mut lines = Lines { source, block: [0; 512], at: 512, taken: 0, left: stored };
        let count = lines.number()?;
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_PIECES).ok_or_else(corrupt)?;
        let mut pieces = Vec::with_capacity(count);
        for _ in 0..count {
            pieces.push((lines.number()?, lines.number()?));
        }
        let taken = lines.taken;
        let data = stored.checked_sub(taken).ok_or_else(corrupt)?;
        Ok((Self::checked(pieces, size, data)?, taken))
    }
}

fn parse_numbers(text: &[u8]) -> Result<Vec<u64>, UnpackError> {
    let text = std::str::from_utf8(text).map_err(|_| corrupt())?;
    text.split(',').map(|number| number.parse().map_err(|_| corrupt())).collect()
}

fn pairs(numbers: &[u64]) -> Result<Vec<(u64, u64)>, UnpackError> {
    if !numbers.len().is_multiple_of(2) {
        return Err(corrupt());
    }
    Ok(numbers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect())
}

/// Decimal numbers, one on a line, read in blocks.
struct Lines<'a, R> {
    source: &'a mut R,
    block: [u8; 512],
    at: usize,
    taken: u64,
    left: u64,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> Result<u64, UnpackError> {
        let mut number: Option<u64> = None;
        loop {
            match self.byte()? {
                b'\n' => return number.ok_or_else(corrupt),
                digit @ b'0'..=b'9' => {
                    let tens = number.unwrap_or(0).checked_mul(10).ok_or_else(corrupt)?;
                    number = Some(tens.checked_add(u64::from(digit - b'0')).ok_or_else(corrupt)?);
                }
                _ => return Err(corrupt()),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, UnpackError> {
        if self.at == self.block.len() {
            if self.taken + 512 > self.left {
                return Err(corrupt());
            }
            self.source.read_exact(&mut self.block).map_err(|error| UnpackError::reading(&error))?;
            self.taken += 512;
            self.at = 0;
        }
        self.at += 1;
        self.block.get(self.at - 1).copied().ok_or_else(corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_must_ascend_fit_and_use_up_the_data() {
        type Case = (&'static [(u64, u64)], u64, u64, bool);
        let cases: [Case; 7] = [
            (&[], 0, 0, true),
            (&[(0, 5), (10, 5)], 20, 10, true),
            (&[(10, 5), (0, 5)], 20, 10, false),
            (&[(0, 5), (4, 5)], 20, 10, false),
            (&[(0, 5)], 4, 5, false),
            (&[(0, 5)], 20, 6, false),
            (&[(u64::MAX, 5)], u64::MAX, 5, false),
        ];
        for (pieces, size, stored, expected) in cases {
            assert_eq!(Map::checked(pieces.to_vec(), size, stored).is_ok(), expected, "{pieces:?}");
        }
    }

    #[test]
    fn the_map_in_front_of_the_data_is_read() {
        let mut text = b"2\n0\n3\n100\n4\n".to_vec();
        text.resize(512, 0);
        let (map, taken) = Map::from_pax_1(104, 519, &mut text.as_slice()).unwrap();
        assert_eq!((map.pieces, map.size, taken), (vec![(0, 3), (100, 4)], 104, 512));
        assert!(Map::from_pax_1(104, 100, &mut text.as_slice()).is_err());
        assert!(Map::from_pax_1(104, 519, &mut b"x".repeat(512).as_slice()).is_err());
    }
}
