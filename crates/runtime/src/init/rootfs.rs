//! Puts a container's root file system together and makes it the root of this mount namespace.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount_change,
    move_mount, open_tree, unmount,
};

use super::dev;
use super::inroot::Root;
use crate::error::StartFailure;
use crate::plan::{CgroupView, RootfsPlan};
use crate::spec::Mount;
use crate::sys;

const SAFE: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Paths hidden from containers, as Docker hides them.
const MASKED: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// Paths that containers may read but not write, as with Docker.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Mounts the overlay and all that belongs in it. The old root is still in place afterwards.
pub(crate) fn assemble(plan: &RootfsPlan, cgroups: &CgroupView) -> Result<Root, StartFailure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|error| StartFailure::mount("/", error))?;
    let overlay = overlay(plan).map_err(|error| StartFailure::mount(&plan.merged, error))?;
    let merged = open(&plan.merged, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| StartFailure::mount(&plan.merged, error))?;
    attach(&overlay, &merged).map_err(|error| StartFailure::mount(&plan.merged, error))?;
    let root = Root::new(overlay);
    kernel_mounts(&root, plan, cgroups)?;
    for (source, target) in &plan.files {
        bind(&root, source, target, false).map_err(|error| StartFailure::mount(target, error))?;
    }
    for mount in &plan.mounts {
        user_mount(&root, mount)?;
    }
    Ok(root)
}

fn overlay(plan: &RootfsPlan) -> io::Result<OwnedFd> {
    let with = |lower: &dyn Fn(&OwnedFd) -> rustix::io::Result<()>| {
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        lower(&fs)?;
        fsconfig_set_string(&fs, "upperdir", &plan.upper)?;
        fsconfig_set_string(&fs, "workdir", &plan.work)?;
        fsconfig_create(&fs)?;
        fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
    };
    let one_by_one = with(&|fs| {
        plan.layers.iter().rev().try_for_each(|layer| fsconfig_set_string(fs, "lowerdir+", layer))
    });
    match one_by_one {
        // Before Linux 6.5 there is only the joined form, in which `:` separates.
        Err(Errno::INVAL) => {
            let escaped = plan
                .layers
                .iter()
                .rev()
                .map(|layer| layer.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:"));
            let joined = escaped.collect::<Vec<_>>().join(":");
            Ok(with(&|fs| fsconfig_set_string(fs, "lowerdir", joined.as_str()))?)
        }
        other => Ok(other?),
    }
}

/// Puts a mount that is not yet anywhere over `target`.
pub(super) fn attach(mount: impl AsFd, target: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", target, "", flags)?)
}

/// A new file system that is not yet anywhere. An option without `=` is a flag.
pub(super) fn filesystem(kind: &str, options: &[&str], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for option in options {
        match option.split_once('=') {
            Some((key, value)) => fsconfig_set_string(&fs, key, value)?,
            None => fsconfig_set_flag(&fs, *option)?,
        }
    }
    fsconfig_create(&fs)?;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

fn kernel_mounts(root: &Root, plan: &RootfsPlan, cgroups: &CgroupView) -> Result<(), StartFailure> {
    let place = |kind: &str, path: &str, options: &[&str], attributes| {
        filesystem(kind, options, attributes)
            .and_then(|mount| attach(mount, root.plain_dir(path)?))
            .map_err(|error| StartFailure::mount(path, error))
    };
    let sys = if plan.privileged { SAFE } else { SAFE | MountAttrFlags::MOUNT_ATTR_RDONLY };
    place("proc", "/proc", &[], SAFE)?;
    place("sysfs", "/sys", &[], sys)?;
    cgroup_mounts(&place, cgroups)?;
    let dev_attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_STRICTATIME;
    place("tmpfs", "/dev", &["mode=755", "size=65536k"], dev_attributes)?;
    let dev = root.plain_dir("/dev").map_err(|error| StartFailure::mount("/dev", error))?;
    dev::fill(&dev, plan.privileged).map_err(|error| StartFailure::mount("/dev", error))?;
    let pts = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    place("devpts", "/dev/pts", &["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"], pts)?;
    let shm = format!("size={}", plan.shm_bytes);
    place("tmpfs", "/dev/shm", &["mode=1777", &shm], SAFE)?;
    place("mqueue", "/dev/mqueue", &[], SAFE)
}

type Place<'a> = &'a dyn Fn(&str, &str, &[&str], MountAttrFlags) -> Result<(), StartFailure>;

fn cgroup_mounts(place: Place<'_>, view: &CgroupView) -> Result<(), StartFailure> {
    let read_only = SAFE | MountAttrFlags::MOUNT_ATTR_RDONLY;
    match view {
        CgroupView::None => Ok(()),
        CgroupView::V2 => place("cgroup2", "/sys/fs/cgroup", &[], read_only),
        CgroupView::V1(hierarchies) => {
            // Writable until the directories are in it: mounted read-only below.
            place("tmpfs", "/sys/fs/cgroup", &["mode=755"], SAFE)?;
            for (name, controllers) in hierarchies {
                let options: Vec<&str> = controllers.iter().map(String::as_str).collect();
                place("cgroup", &format!("/sys/fs/cgroup/{name}"), &options, read_only)?;
            }
            Ok(())
        }
    }
}

/// A copy of the host's tree at `source` over `target`.
fn bind(root: &Root, source: &Path, target: &Path, readonly: bool) -> io::Result<()> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, source, flags)?;
    if readonly {
        sys::set_mount_attributes(&tree, sys::READ_ONLY, true)?;
    }
    let is_dir = FileType::from_raw_mode(fstat(&tree)?.st_mode) == FileType::Directory;
    let target = if is_dir { root.ensure_dir(target)? } else { root.ensure_file(target)? };
    attach(tree, target)
}

fn user_mount(root: &Root, mount: &Mount) -> Result<(), StartFailure> {
    match mount {
        Mount::Bind { source, target, readonly } => {
            let made = if source.exists() { Ok(()) } else { std::fs::create_dir_all(source) };
            made.map_err(|error| StartFailure::mount(source, error))?;
            bind(root, source, target, *readonly).map_err(|error| StartFailure::mount(target, error))
        }
        Mount::Tmpfs { target, size, options } => {
            tmpfs(root, target, *size, options).map_err(|error| StartFailure::mount(target, error))
        }
    }
}

fn tmpfs(root: &Root, target: &Path, size: Option<u64>, options: &[String]) -> io::Result<()> {
    let (settings, attributes) = in_memory(size, options);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    attach(filesystem("tmpfs", &settings, attributes)?, root.ensure_dir(target)?)
}

/// Mount options as Docker takes them: what is the file system's, and what is the mount's. How mounts propagate is not theirs
/// to say in a mount namespace of its own.
fn in_memory(size: Option<u64>, options: &[String]) -> (Vec<String>, MountAttrFlags) {
    let mut attributes = SAFE;
    let mut settings: Vec<String> = size.map(|bytes| format!("size={bytes}")).into_iter().collect();
    for option in options {
        match option.as_str() {
            "ro" => attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY,
            "rw" => attributes -= MountAttrFlags::MOUNT_ATTR_RDONLY,
            "exec" => attributes -= MountAttrFlags::MOUNT_ATTR_NOEXEC,
            "noexec" => attributes |= MountAttrFlags::MOUNT_ATTR_NOEXEC,
            "suid" => attributes -= MountAttrFlags::MOUNT_ATTR_NOSUID,
            "nosuid" => attributes |= MountAttrFlags::MOUNT_ATTR_NOSUID,
            "dev" => attributes -= MountAttrFlags::MOUNT_ATTR_NODEV,
            "nodev" => attributes |= MountAttrFlags::MOUNT_ATTR_NODEV,
            "diratime" => attributes -= MountAttrFlags::MOUNT_ATTR_NODIRATIME,
            "nodiratime" => attributes |= MountAttrFlags::MOUNT_ATTR_NODIRATIME,
            "noatime" => attributes = access_time(attributes, MountAttrFlags::MOUNT_ATTR_NOATIME),
            "strictatime" => attributes = access_time(attributes, MountAttrFlags::MOUNT_ATTR_STRICTATIME),
            "atime" | "relatime" | "nostrictatime" => {
                attributes = access_time(attributes, MountAttrFlags::MOUNT_ATTR_RELATIME);
            }
            "defaults" | "norelatime" | "private" | "rprivate" | "shared" | "rshared" | "slave"
            | "rslave" | "unbindable" | "runbindable" => {}
            other => settings.push(other.to_owned()),
        }
    }
    (settings, attributes)
}

/// They exclude each other: the last one counts.
fn access_time(attributes: MountAttrFlags, wanted: MountAttrFlags) -> MountAttrFlags {
    let others = MountAttrFlags::MOUNT_ATTR_NOATIME | MountAttrFlags::MOUNT_ATTR_STRICTATIME;
    (attributes - others) | wanted
}

/// Whether this kernel takes the options of a file system in memory: one is made that is mounted nowhere. Nothing is wrong
/// where that is not allowed to this process.
///
/// # Errors
/// As a start would say it.
pub fn check_tmpfs(target: &Path, size: Option<u64>, options: &[String]) -> Result<(), StartFailure> {
    let (settings, attributes) = in_memory(size, options);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    match filesystem("tmpfs", &settings, attributes) {
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
            Err(StartFailure::mount(target, error))
        }
        _ => Ok(()),
    }
}

/// What is mounted over a file where it is a directory, or the other way round, as a start would say it.
pub fn mount_misfit(target: &Path, is_directory: bool) -> StartFailure {
    StartFailure::mount(target, if is_directory { Errno::NOTDIR } else { Errno::ISDIR })
}

/// What would be mounted cannot be made on the host, as a start would say it.
pub fn mount_unmade(source: &Path) -> StartFailure {
    StartFailure::mount(source, Errno::NOTDIR)
}

/// Makes the assembled tree the root and lets go of the old one.
pub(crate) fn enter(merged: &Path) -> Result<(), StartFailure> {
    let go = || -> rustix::io::Result<()> {
        rustix::process::chdir(merged)?;
        // With both arguments the same the old root ends up on top of the new one (pivot_root(2), Notes).
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")
    };
    go().map_err(|error| StartFailure::other("cannot change the root", error))
}

/// What can only be closed off once everything is mounted. To be called inside the new root.
pub(crate) fn lock_down(plan: &RootfsPlan, cgroups: &CgroupView) -> Result<(), StartFailure> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let seal = |path: &str, recursive| {
        let fd = open(path, flags, Mode::empty())?;
        sys::set_mount_attributes(fd, sys::READ_ONLY, recursive)
    };
    if matches!(cgroups, CgroupView::V1(_)) {
        seal("/sys/fs/cgroup", true).map_err(|error| StartFailure::mount("/sys/fs/cgroup", error))?;
    }
    if !plan.privileged {
        READ_ONLY.iter().try_for_each(|path| make_read_only(path))?;
        MASKED.iter().try_for_each(|path| mask(path))?;
    }
    if plan.readonly {
        seal("/", false).map_err(|error| StartFailure::mount("/", error))?;
    }
    Ok(())
}

fn make_read_only(path: &str) -> Result<(), StartFailure> {
    let go = || -> io::Result<()> {
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        let tree = open_tree(CWD, path, flags)?;
        sys::set_mount_attributes(&tree, sys::READ_ONLY | sys::NO_SUID | sys::NO_DEV, true)?;
        attach(tree, open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
    };
    unless_missing(path, go())
}

fn mask(path: &str) -> Result<(), StartFailure> {
    let go = || -> io::Result<()> {
        let target = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let is_dir = FileType::from_raw_mode(fstat(&target)?.st_mode) == FileType::Directory;
        let cover = if is_dir {
            filesystem("tmpfs", &["size=0k"], SAFE | MountAttrFlags::MOUNT_ATTR_RDONLY)?
        } else {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            open_tree(CWD, "/dev/null", flags)?
        };
        attach(cover, target)
    };
    unless_missing(path, go())
}

fn unless_missing(path: &str, result: io::Result<()>) -> Result<(), StartFailure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StartFailure::mount(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(options: &[&str]) -> MountAttrFlags {
        let options: Vec<_> = options.iter().map(|&it| it.to_owned()).collect();
        let (settings, attributes) = in_memory(None, &options);
        assert_eq!(settings, Vec::<String>::new());
        attributes
    }

    #[test]
    fn options_of_a_mount_are_no_options_of_its_file_system() {
        assert_eq!(attributes(&["rw", "defaults", "private", "noexec", "relatime"]), SAFE);
        assert_eq!(attributes(&["exec", "noexec", "ro", "rw"]), SAFE);
        let times = attributes(&["noatime", "strictatime", "nodiratime"]);
        assert_eq!(
            times,
            SAFE | MountAttrFlags::MOUNT_ATTR_STRICTATIME | MountAttrFlags::MOUNT_ATTR_NODIRATIME
        );
        let (settings, _) = in_memory(Some(1), &["mode=1777".to_owned(), "nope".to_owned()]);
        assert_eq!(settings, ["size=1", "mode=1777", "nope"]);
    }

    #[test]
    fn misfits_are_told_as_the_kernel_tells_them() {
        let path = Path::new("/etc/x");
        assert_eq!(mount_misfit(path, true).message, "cannot mount `/etc/x`: not a directory");
        assert_eq!(mount_misfit(path, false).message, "cannot mount `/etc/x`: is a directory");
    }
}
