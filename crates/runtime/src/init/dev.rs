//! The device nodes of a container (OCI runtime specification, "Default Devices").

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, chmodat, makedev, mkdirat, mknodat, symlinkat};

/// Name, major and minor number.
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("/proc/kcore", "core"),
    ("pts/ptmx", "ptmx"),
];

/// Fills a new `/dev`.
pub(super) fn fill(dev: &OwnedFd, privileged: bool) -> io::Result<()> {
    let everyone = Mode::from_raw_mode(0o666);
    for (name, major, minor) in NODES {
        mknodat(dev, name, FileType::CharacterDevice, everyone, makedev(major, minor))?;
        // The umask of the caller took bits away.
        chmodat(dev, name, everyone, AtFlags::empty())?;
    }
    for (target, name) in LINKS {
        symlinkat(target, dev, name)?;
    }
    for name in ["pts", "shm", "mqueue"] {
        mkdirat(dev, name, Mode::from_raw_mode(0o755))?;
    }
    if privileged { host_devices(dev) } else { Ok(()) }
}

/// A privileged container sees every device of the host's `/dev` directory itself.
fn host_devices(dev: &OwnedFd) -> io::Result<()> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    for entry in std::fs::read_dir("/dev")?.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let kind = match metadata.file_type() {
            kind if kind.is_char_device() => FileType::CharacterDevice,
            kind if kind.is_block_device() => FileType::BlockDevice,
            _ => continue,
        };
        match mknodat(
            dev,
            entry.file_name(),
            kind,
            Mode::from_raw_mode(metadata.mode() & 0o777),
            metadata.rdev(),
        ) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
