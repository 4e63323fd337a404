//! Finds and makes places in a root file system that somebody else filled. A link in an image must never lead a mount
//! out of the root, so every lookup is bound to a descriptor of the root (openat2(2), `RESOLVE_IN_ROOT`).

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, fstat, fstatfs, mkdirat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

/// A root file system, held by descriptor.
pub(crate) struct Root(OwnedFd);

/// How many links one path may go through, as the kernel counts.
const MOST_LINKS: usize = 40;
/// `f_type` of proc (statfs(2)).
const PROC_MAGIC: u64 = 0x9fa0;

enum Step {
    Down(OsString),
    Up,
    Top,
}

impl Root {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Opens a directory for a kernel file system. A link in its path is refused: no honest image has one there.
    pub(crate) fn plain_dir(&self, path: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        let relative = path.trim_start_matches('/');
        match openat2(&self.0, relative, flags, Mode::empty(), resolve) {
            Ok(fd) => Ok(fd),
            Err(Errno::NOENT) => {
                self.ensure_dir(Path::new(path))?;
                Ok(openat2(&self.0, relative, flags, Mode::empty(), resolve)?)
            }
            Err(Errno::LOOP | Errno::NOTDIR) => {
                Err(io::Error::other("the image has something other than a directory there"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a directory, following links inside the root, and makes what is missing.
    pub(crate) fn ensure_dir(&self, path: &Path) -> io::Result<OwnedFd> {
        let fd = self.walk(path, true)?;
        if is_dir(&fd)? { outside_proc(fd) } else { Err(Errno::NOTDIR.into()) }
    }

    /// Opens a file, following links inside the root, and makes it where missing.
    pub(crate) fn ensure_file(&self, path: &Path) -> io::Result<OwnedFd> {
        let fd = self.walk(path, false)?;
        if is_dir(&fd)? { Err(Errno::ISDIR.into()) } else { outside_proc(fd) }
    }

    /// Opens what is there, without making anything.
    pub(crate) fn existing(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.0, path, flags, Mode::empty(), resolve)?)
    }

    /// Goes through `path` one name at a time, never above the root, and makes what is missing: directories, and at
    /// the end a directory or an empty file. Links are read and followed by hand so that a dangling one can be
    /// filled in where it points to inside the root.
    fn walk(&self, path: &Path, want_dir: bool) -> io::Result<OwnedFd> {
        let mut open = vec![self.0.try_clone()?];
        let mut todo: VecDeque<Step> = steps(path).collect();
        let mut links = 0;
        while let Some(step) = todo.pop_front() {
            match step {
                Step::Top => open.truncate(1),
                Step::Up => open.truncate(1.max(open.len() - 1)),
                Step::Down(name) => {
                    let make_dir = want_dir || !todo.is_empty();
                    let at = open.last().ok_or(Errno::NOENT)?;
                    let fd = open_or_make(at, &name, make_dir)?;
                    if FileType::from_raw_mode(fstat(&fd)?.st_mode) == FileType::Symlink {
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(Errno::LOOP.into());
                        }
                        let target = readlinkat(&fd, "", Vec::new())?;
                        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                        steps(&target).rev().for_each(|step| todo.push_front(step));
                    } else {
                        open.push(fd);
                    }
                }
            }
        }
        open.pop().ok_or_else(|| Errno::NOENT.into())
    }
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = Step> {
    path.components().filter_map(|component| match component {
        Component::RootDir | Component::Prefix(_) => Some(Step::Top),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir => None,
    })
}

fn open_or_make(at: &OwnedFd, name: &OsString, make_dir: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(at, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            if make_dir {
                mkdirat(at, name, Mode::from_raw_mode(0o755))?;
            } else {
                let create = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                openat(at, name, create, Mode::from_raw_mode(0o644))?;
            }
            Ok(openat(at, name, flags, Mode::empty())?)
        }
        other => Ok(other?),
    }
}

fn is_dir(fd: impl AsFd) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Directory)
}

/// A mount over a file of proc could change what security modules and masked paths rely on.
fn outside_proc(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fstatfs(&fd)?.f_type as u64 == PROC_MAGIC {
        return Err(io::Error::other("the path leads into `/proc`, which cannot be mounted over"));
    }
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn root(dir: &Path) -> Root {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Root::new(rustix::fs::open(dir, flags, Mode::empty()).unwrap())
    }

    #[test]
    fn links_never_lead_out_of_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        symlink(outside.path(), dir.path().join("absolute")).unwrap();
        symlink("../../../../../..", dir.path().join("up")).unwrap();
        let root = root(dir.path());
        root.ensure_file(Path::new("/absolute/a")).unwrap();
        root.ensure_file(Path::new("/up/b")).unwrap();
        root.ensure_dir(Path::new("/../../c")).unwrap();
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        let inside = dir.path().join(outside.path().strip_prefix("/").unwrap());
        assert!(inside.join("a").is_file());
        assert!(dir.path().join("b").is_file());
        assert!(dir.path().join("c").is_dir());
    }

    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(root(dir.path()).ensure_dir(Path::new("/a/x")).is_err());
    }

    #[test]
    fn kernel_file_systems_are_not_mounted_through_links() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        symlink("etc", dir.path().join("proc")).unwrap();
        assert!(root(dir.path()).plain_dir("/proc").is_err());
        assert!(root(dir.path()).plain_dir("/sys").is_ok());
    }

    #[test]
    fn a_file_is_no_directory_and_the_other_way_round() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let root = root(dir.path());
        assert!(root.ensure_dir(Path::new("/file")).is_err());
        assert!(root.ensure_dir(Path::new("/file/below")).is_err());
        assert!(root.ensure_file(Path::new("/")).is_err());
    }
}
