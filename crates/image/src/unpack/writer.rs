//! Makes what the entries of an archive describe, whiteouts in overlayfs's form (kernel, "Overlay Filesystem"; OCI Image
//! Specification, "Filesystem Layer § Whiteouts").

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::{io, rc::Rc};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat, fchmod,
    fchown, fsetxattr, futimens, linkat, mkdirat, mknodat, openat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::archive::Archive;
use super::entry::{Entry, Kind};
use super::sparse::Map;
use super::tree::{Spot, Tree, clean, split};
use super::{UnpackError, UnpackOptions, shown};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Prefix of aufs's own bookkeeping files, which mean nothing here.
const AUFS: &[u8] = b".wh..wh.";

/// Writes everything in `source` into `root`; the number of entries.
pub(super) fn write_tree(
    source: &mut impl io::Read,
    root: &Path,
    options: &UnpackOptions,
) -> Result<u64, UnpackError> {
    let mut writer =
        Writer { tree: Tree::open(root)?, options, directories: HashMap::new(), buffer: vec![0; 128 << 10] };
    let mut archive = Archive::new(source);
    let mut entries = 0;
    while let Some(entry) = archive.next()? {
        entries += 1;
        if entries > options.limits.layer_entries {
            let why =
                format!("the layer has more entries than the limit of {}", options.limits.layer_entries);
            return Err(UnpackError::Limit(why));
        }
        writer.write(&entry, &mut archive)?;
    }
    writer.finish_directories()?;
    Ok(entries)
}

struct Writer<'a> {
    tree: Tree,
    options: &'a UnpackOptions,
    /// Modes and times of directories, set last: until then children are written into them.
    directories: HashMap<Vec<u8>, (u32, (i64, u32))>,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn write<R: io::Read>(&mut self, entry: &Entry, archive: &mut Archive<R>) -> Result<(), UnpackError> {
        let path = clean(&entry.path)?;
        let (parent, name) = split(&path);
        if name == OPAQUE {
            return self.make_opaque(parent);
        }
        if name.starts_with(AUFS) {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return self.whiteout(parent, hidden);
        }
        match entry.kind {
            Kind::Other => {
                tracing::debug!(path = %shown(&path), "left out a device node or unknown entry");
                Ok(())
            }
            Kind::Directory => self.directory(&path, entry),
            // Only a directory can be the root itself.
            _ if path.is_empty() => Err(UnpackError::Unsafe("the layer replaces its root".to_owned())),
            Kind::File => self.file(&path, entry, archive),
            Kind::HardLink => self.hard_link(&path, entry),
            Kind::Symlink => self.symlink(&path, entry),
            Kind::Fifo => self.fifo(&path, entry),
        }
    }

    /// Runs `make`, and once more after clearing the spot if something was there.
    fn replacing<T>(
        &mut self,
        path: &[u8],
        spot: &Spot,
        make: impl Fn(&Spot) -> rustix::io::Result<T>,
    ) -> Result<T, UnpackError> {
        match make(spot) {
            Err(Errno::EXIST) => {
                self.tree.remove(spot)?;
                self.directories.remove(path);
                make(spot).map_err(|error| UnpackError::writing(path, error))
            }
            outcome => outcome.map_err(|error| UnpackError::writing(path, error)),
        }
    }

    fn directory(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        if !path.is_empty() {
            let spot = self.tree.spot(path)?;
            let before = spot.file_type();
            if before != Some(FileType::Directory) {
                let make = |spot: &Spot| mkdirat(&spot.dir, spot.name.as_slice(), Mode::RWXU);
                self.replacing(path, &spot, make)?;
            }
            // Only our own whiteouts are character devices: what was below in lower layers stays hidden.
            if before == Some(FileType::CharacterDevice) {
                self.make_opaque(path)?;
            }
        }
        let fd = self.readable(path)?;
        self.own_and_tag(&fd, path, entry)?;
        self.directories.insert(path.to_vec(), (entry.mode, entry.mtime));
        Ok(())
    }

    fn file<R: io::Read>(
        &mut self,
        path: &[u8],
        entry: &Entry,
        archive: &mut Archive<R>,
    ) -> Result<(), UnpackError> {
        let spot = self.tree.spot(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let private = Mode::RUSR | Mode::WUSR;
        let make = |spot: &Spot| openat(&spot.dir, spot.name.as_slice(), flags, private);
        let mut file = File::from(self.replacing(path, &spot, make)?);
        match &entry.sparse {
            Some(map) => self.sparse_data(path, map, &mut file, archive)?,
            None => self.data(path, u64::MAX, &mut file, archive)?,
        }
        self.own_and_tag(&file, path, entry)?;
        // Behind the owner: a change of owner takes set-user-id away.
        fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(|error| UnpackError::writing(path, error))?;
        futimens(&file, &times(entry.mtime)).map_err(|error| UnpackError::writing(path, error))
    }

    /// Copies at most `limit` bytes of the entry's data.
    fn data<R: io::Read>(
        &mut self,
        path: &[u8],
        mut limit: u64,
        file: &mut File,
        archive: &mut Archive<R>,
    ) -> Result<(), UnpackError> {
        while limit > 0 {
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = archive.read(&mut self.buffer[..wanted])?;
            if count == 0 {
                return Ok(());
            }
            file.write_all(&self.buffer[..count]).map_err(|error| UnpackError::writing(path, error))?;
            limit -= count as u64;
        }
        Ok(())
    }

    fn sparse_data<R: io::Read>(
        &mut self,
        path: &[u8],
        map: &Map,
        file: &mut File,
        archive: &mut Archive<R>,
    ) -> Result<(), UnpackError> {
        let limit = self.options.limits.layer_bytes;
        if map.size > limit {
            let why = format!("a sparse file is longer than the layer's limit of {limit} bytes");
            return Err(UnpackError::Limit(why));
        }
        for (offset, length) in &map.pieces {
            file.seek(SeekFrom::Start(*offset)).map_err(|error| UnpackError::writing(path, error))?;
            self.data(path, *length, file, archive)?;
        }
        file.set_len(map.size).map_err(|error| UnpackError::writing(path, error))
    }

    fn hard_link(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let target = clean(&entry.link)?;
        let missing = || {
            let (path, target) = (shown(path), shown(&target));
            UnpackError::Corrupt(format!(
                "`{path}` is a hard link to `{target}`, which this layer does not have"
            ))
        };
        if target.is_empty() {
            return Err(missing());
        }
        let from = self.tree.existing_spot(&target).map_err(|_| missing())?;
        let source = from.stat().ok_or_else(missing)?;
        let to = self.tree.spot(path)?;
        let same = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino) == (source.st_dev, source.st_ino);
        if to.stat().is_some_and(same) {
            return Ok(());
        }
        if FileType::from_raw_mode(source.st_mode) == FileType::Directory {
            return Err(UnpackError::Unsafe(format!("`{}` is a hard link to a directory", shown(path))));
        }
        let make = |to: &Spot| {
            linkat(&from.dir, from.name.as_slice(), &to.dir, to.name.as_slice(), AtFlags::empty())
        };
        self.replacing(path, &to, make)
    }

    fn symlink(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let spot = self.tree.spot(path)?;
        if entry.link.is_empty() || entry.link.contains(&0) {
            return Err(UnpackError::Corrupt(format!("`{}` is a symbolic link to nothing", shown(path))));
        }
        let make = |spot: &Spot| symlinkat(entry.link.as_slice(), &spot.dir, spot.name.as_slice());
        self.replacing(path, &spot, make)?;
        self.own_at(&spot, path, entry)
    }

    fn fifo(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let spot = self.tree.spot(path)?;
        let make = |spot: &Spot| mknodat(&spot.dir, spot.name.as_slice(), FileType::Fifo, Mode::empty(), 0);
        self.replacing(path, &spot, make)?;
        self.own_at(&spot, path, entry)?;
        // Nobody else writes here, so what was just made is still what the name means.
        chmodat(&spot.dir, spot.name.as_slice(), Mode::from_raw_mode(entry.mode), AtFlags::empty())
            .map_err(|error| UnpackError::writing(path, error))
    }

    /// Hides what lower layers have under this name. What this very layer has stays: whiteouts are about lower layers.
    fn whiteout(&mut self, parent: &[u8], hidden: &[u8]) -> Result<(), UnpackError> {
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(UnpackError::Unsafe("a whiteout hides no name".to_owned()));
        }
        let path = if parent.is_empty() { hidden.to_vec() } else { [parent, b"/", hidden].concat() };
        let spot = self.tree.spot(&path)?;
        let made = mknodat(&spot.dir, spot.name.as_slice(), FileType::CharacterDevice, Mode::empty(), 0);
        match made {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) if spot.file_type() == Some(FileType::Directory) => self.make_opaque(&path),
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(UnpackError::writing(&path, error)),
        }
    }

    /// Hides everything that lower layers have in this directory.
    fn make_opaque(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        let fd = self.readable(path)?;
        let name = if self.options.rootless { "user.overlay.opaque" } else { "trusted.overlay.opaque" };
        fsetxattr(&fd, name, b"y", XattrFlags::empty()).map_err(|error| UnpackError::writing(path, error))
    }

    /// A descriptor of a directory that takes attributes.
    fn readable(&mut self, path: &[u8]) -> Result<OwnedFd, UnpackError> {
        let dir: Rc<OwnedFd> = self.tree.directory(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&dir, ".", flags, Mode::empty()).map_err(|error| UnpackError::writing(path, error))
    }

    fn owner(&self, entry: &Entry) -> Option<(Option<Uid>, Option<Gid>)> {
        // Root's files are root's already.
        let needed = !self.options.rootless && (entry.uid, entry.gid) != (0, 0);
        needed.then(|| (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid))))
    }

    /// Owner and attributes by descriptor, in this order: a change of owner takes capabilities away.
    fn own_and_tag(&self, fd: &impl AsFd, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        if let Some((uid, gid)) = self.owner(entry) {
            fchown(fd, uid, gid).map_err(|error| UnpackError::writing(path, error))?;
        }
        for (name, value) in &entry.xattrs {
            match fsetxattr(fd, name.as_str(), value, XattrFlags::empty()) {
                Ok(()) | Err(Errno::NOTSUP) => {}
                Err(Errno::PERM) if self.options.rootless => {}
                Err(error) => return Err(UnpackError::writing(path, error)),
            }
        }
        Ok(())
    }

    /// Owner and time by name, for what cannot be opened.
    fn own_at(&self, spot: &Spot, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let (name, nofollow) = (spot.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
        if let Some((uid, gid)) = self.owner(entry) {
            chownat(&spot.dir, name, uid, gid, nofollow)
                .map_err(|error| UnpackError::writing(path, error))?;
        }
        utimensat(&spot.dir, name, &times(entry.mtime), nofollow)
            .map_err(|error| UnpackError::writing(path, error))
    }

    fn finish_directories(&mut self) -> Result<(), UnpackError> {
        let mut directories: Vec<_> = std::mem::take(&mut self.directories).into_iter().collect();
        // Children before parents, whose new mode may forbid to look inside.
        directories.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (path, (mode, mtime)) in directories {
            if !self.is_directory(&path) {
                continue;
            }
            let fd = self.readable(&path)?;
            let failed = |error| UnpackError::writing(&path, error);
            fchmod(&fd, Mode::from_raw_mode(mode)).map_err(failed)?;
            futimens(&fd, &times(mtime)).map_err(failed)?;
        }
        Ok(())
    }

    /// Whether a path is still a directory, and not something that took its place.
    fn is_directory(&mut self, path: &[u8]) -> bool {
        path.is_empty()
            || self.tree.existing_spot(path).is_ok_and(|spot| spot.file_type() == Some(FileType::Directory))
    }
}

fn times((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::from(nanos) };
    Timestamps { last_access: time, last_modification: time }
}
