//! The directory a layer goes into, and the only way to open something in it.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, statat, unlinkat,
};
use rustix::io::Errno;

use super::{UnpackError, shown};

/// Most directories kept open.
const MAX_OPEN: usize = 64;
/// How often an `openat2` that met a concurrent rename is tried again.
const MAX_RACES: usize = 16;

/// A directory that cannot be left.
pub(super) struct Tree {
    root: Rc<OwnedFd>,
    /// Directories opened lately: archives go through them one after the other.
    open: HashMap<Vec<u8>, Rc<OwnedFd>>,
}

/// A place in the tree: an open directory and a name in it, which is not followed if it is a link.
pub(super) struct Spot {
    pub(super) dir: Rc<OwnedFd>,
    pub(super) name: Vec<u8>,
}

/// The path's parts joined by single slashes, without leading slash: what it means seen from the root. `..` takes back a part,
/// and may not take back more than there is.
pub(super) fn clean(path: &[u8]) -> Result<Vec<u8>, UnpackError> {
    if path.contains(&0) {
        return Err(UnpackError::Unsafe(format!("the path `{}` holds a NUL byte", shown(path))));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let outside = || UnpackError::Unsafe(format!("the path `{}` leaves the layer", shown(path)));
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

/// Directory and name of a clean path that is not the root.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

impl Tree {
    pub(super) fn open(root: &Path) -> Result<Self, UnpackError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, root, flags, Mode::empty())
            .map_err(|error| UnpackError::writing(root.as_os_str().as_encoded_bytes(), error))?;
        Ok(Self { root: Rc::new(fd), open: HashMap::new() })
    }

    /// Where a clean, non-empty path is, its directories made if they are missing.
    pub(super) fn spot(&mut self, path: &[u8]) -> Result<Spot, UnpackError> {
        let (parent, name) = split(path);
        Ok(Spot { dir: self.directory(parent)?, name: name.to_vec() })
    }

    /// Where a clean, non-empty path is, if its directories exist.
    pub(super) fn existing_spot(&mut self, path: &[u8]) -> Result<Spot, Errno> {
        let (parent, name) = split(path);
        Ok(Spot { dir: self.lookup(parent)?, name: name.to_vec() })
    }

    /// Opens a directory, making it and those above it if they are missing.
    pub(super) fn directory(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, UnpackError> {
        match self.lookup(path) {
            Ok(fd) => return Ok(fd),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(no_directory(path, error)),
        }
        let mut ends: Vec<usize> = (0..path.len()).filter(|at| path[*at] == b'/').collect();
        ends.push(path.len());
        for end in ends {
            self.make_if_missing(&path[..end])?;
        }
        self.lookup(path).map_err(|error| no_directory(path, error))
    }

    fn make_if_missing(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        if self.lookup(path).is_ok() {
            return Ok(());
        }
        let spot = self.existing_spot(path).map_err(|error| no_directory(path, error))?;
        match mkdirat(&spot.dir, spot.name.as_slice(), Mode::from_raw_mode(0o755)) {
            Ok(()) => Ok(()),
            // It exists, and yet it could not be opened as a directory.
            Err(Errno::EXIST) => Err(no_directory(path, Errno::NOTDIR)),
            Err(error) => Err(UnpackError::writing(path, error)),
        }
    }

    fn lookup(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, Errno> {
        if path.is_empty() {
            return Ok(Rc::clone(&self.root));
        }
        if let Some(fd) = self.open.get(path) {
            return Ok(Rc::clone(fd));
        }
        let fd = Rc::new(self.open_beneath(path)?);
        if self.open.len() >= MAX_OPEN {
            self.open.clear();
        }
        self.open.insert(path.to_vec(), Rc::clone(&fd));
        Ok(fd)
    }

    fn open_beneath(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        for _ in 0..MAX_RACES {
            match openat2(&*self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                outcome => return outcome,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Removes whatever is at a spot.
    pub(super) fn remove(&mut self, spot: &Spot) -> Result<(), UnpackError> {
        // What was open below it is no longer what its path names.
        self.open.clear();
        match unlinkat(&spot.dir, spot.name.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(UnpackError::writing(&spot.name, error)),
        }
        // The standard library removes trees by descriptor and does not follow links.
        let path = proc_path(spot);
        std::fs::remove_dir_all(path).map_err(|error| UnpackError::writing(&spot.name, error))
    }
}

fn no_directory(path: &[u8], error: Errno) -> UnpackError {
    match error {
        Errno::NOTDIR | Errno::NOENT => {
            UnpackError::Unsafe(format!("`{}` is used as a directory and is none", shown(path)))
        }
        error => UnpackError::writing(path, error),
    }
}

/// A path to a spot for calls that take no directory descriptor.
fn proc_path(spot: &Spot) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    let base = std::path::PathBuf::from(format!("/proc/self/fd/{}", spot.dir.as_raw_fd()));
    base.join(std::ffi::OsStr::from_bytes(&spot.name))
}

impl Spot {
    /// What is there.
    pub(super) fn file_type(&self) -> Option<FileType> {
        self.stat().map(|stat| FileType::from_raw_mode(stat.st_mode))
    }

    pub(super) fn stat(&self) -> Option<rustix::fs::Stat> {
        statat(&self.dir, self.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_seen_from_the_root() {
        let cases = [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/etc/passwd", Some("etc/passwd")),
            ("a/../b", Some("b")),
            ("./", Some("")),
            ("..", None),
            ("a/../../b", None),
            ("/../b", None),
            ("a\0b", None),
        ];
        for (path, expected) in cases {
            assert_eq!(
                clean(path.as_bytes()).ok(),
                expected.map(|text| text.as_bytes().to_vec()),
                "{path:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_clean_path_has_no_way_up(path in "[a./]{0,24}") {
            if let Ok(cleaned) = clean(path.as_bytes()) {
                prop_assert!(!cleaned.starts_with(b"/"));
                prop_assert!(cleaned.split(|byte| *byte == b'/').all(|part| part != b".." && part != b"."));
                prop_assert_eq!(clean(&cleaned).unwrap(), cleaned);
            }
        }
    }
}
