//! The system calls that no safe wrapper offers, each behind a small safe function.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::Pid;

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Read-only, for [`set_mount_attributes`] (mount_setattr(2), `MOUNT_ATTR_RDONLY`).
pub(crate) const READ_ONLY: u64 = 1;
/// No set-user-id, for [`set_mount_attributes`].
pub(crate) const NO_SUID: u64 = 2;
/// No devices, for [`set_mount_attributes`].
pub(crate) const NO_DEV: u64 = 4;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Adds attributes to the mount that `mount` stands for, and to those below it when `recursive`.
pub(crate) fn set_mount_attributes(mount: impl AsFd, attributes: u64, recursive: bool) -> io::Result<()> {
    let attr = MountAttr { set: attributes, clear: 0, propagation: 0, userns: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a valid empty C string and `attr` outlives the call, with its size given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    check(result).map(drop)
}

/// Which side of [`fork_with_namespaces`] the caller is on.
pub(crate) enum Forked {
    /// The new process, pid 1 of its pid namespace if one was asked for.
    Child,
    /// The caller, with the new process's pid and pidfd.
    Parent { pid: Pid, pidfd: OwnedFd },
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Forks into new namespaces (clone3(2), `CLONE_NEW*` in `namespaces`).
///
/// The caller must be single-threaded: the child keeps only the calling thread, and a lock that another held would
/// stay locked forever. That is why the shim is a process of its own.
pub(crate) fn fork_with_namespaces(namespaces: u64) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let args = CloneArgs {
        flags: namespaces | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: no `CLONE_VM`, so the child has its own copy of the memory and of the stack; `pidfd` is valid for the call.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) })?;
    let Some(pid) = Pid::from_raw(pid as i32) else { return Ok(Forked::Child) };
    // SAFETY: the kernel has just stored a new descriptor there, which nobody else owns.
    Ok(Forked::Parent { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// Marks every descriptor from `first` on as closed at exec, or closes them at once.
pub(crate) fn close_from(first: u32, at_exec: bool) -> io::Result<()> {
    let flags = if at_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: descriptors are only closed where the caller is about to exec, or uses none of them any more.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }).map(drop)
}

/// execve(2): returns only the error.
pub(crate) fn execve(path: &Path, args: &[CString], env: &[CString]) -> io::Error {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return io::Error::from_raw_os_error(libc::EINVAL);
    };
    let pointers = |list: &[CString]| {
        list.iter().map(|item| item.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both lists end with a null pointer and point to C strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Sets every signal to its default action and unblocks all: both survive exec, and Rust itself ignores `SIGPIPE`.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: setting a default action runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    set_signal_mask(false);
}

/// Blocks or unblocks all signals that can be blocked.
pub(crate) fn set_signal_mask(block: bool) {
    // SAFETY: `set` is initialised by the fill call before it is read.
    unsafe {
        let mut set = std::mem::zeroed();
        if block {
            libc::sigfillset(&raw mut set)
        } else {
            libc::sigemptyset(&raw mut set)
        };
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Takes the next blocked signal that is waiting, sleeping until there is one.
pub(crate) fn next_signal() -> Option<i32> {
    // SAFETY: `set` is initialised by the fill call; no information about the signal is asked for.
    let signal = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        libc::sigwaitinfo(&raw const set, std::ptr::null_mut())
    };
    (signal > 0).then_some(signal)
}

/// Installs a compiled seccomp filter without turning `no_new_privs` on (seccomp(2), `SECCOMP_SET_MODE_FILTER`).
pub(crate) fn install_filter(filter: &[seccompiler::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(filter.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut().cast() };
    // SAFETY: `program` points to `length` instructions that outlive the call; the kernel copies and checks them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) })
        .map(drop)
}

/// kill(2) with a signal number that need not be a named one (real-time signals).
pub(crate) fn pidfd_signal(pidfd: impl AsFd, signal: i32) -> io::Result<()> {
    // SAFETY: the call takes a descriptor and a number; the null pointer asks for default information.
    check(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    })
    .map(drop)
}

/// kill(2) by pid.
pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers.
    check(libc::c_long::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// Leaves the process at once, without running exit handlers of a copied process image.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) does not return and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Gives this thread new namespaces (unshare(2), `CLONE_NEW*`).
pub(crate) fn unshare(namespaces: libc::c_int) -> io::Result<()> {
    // SAFETY: only namespace flags are passed, so descriptors and memory stay shared as they were.
    check(libc::c_long::from(unsafe { libc::unshare(namespaces) })).map(drop)
}

/// Moves this thread into namespaces that `fd` stands for (setns(2); a pidfd takes several `CLONE_NEW*`).
pub(crate) fn setns(fd: impl AsFd, namespaces: libc::c_int) -> io::Result<()> {
    // SAFETY: setns(2) takes a descriptor and flags.
    check(libc::c_long::from(unsafe { libc::setns(fd.as_fd().as_raw_fd(), namespaces) })).map(drop)
}

/// Sets a resource limit by its number (setrlimit(2)), lowered to the hard limit of this process where it may not be
/// raised.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    if prlimit(resource, Some([soft, hard])).is_ok() {
        return Ok(());
    }
    let [_, own_hard] = prlimit(resource, None)?;
    prlimit(resource, Some([soft.min(own_hard), hard.min(own_hard)])).map(drop)
}

/// prlimit64(2) on this process: sets the soft and hard limit if there are new ones; the limits before.
fn prlimit(resource: u32, new: Option<[u64; 2]>) -> io::Result<[u64; 2]> {
    let mut old = [0u64; 2];
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both pointers are null or point to two 64-bit numbers (`struct rlimit64`) that outlive the call.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, new, &raw mut old) })?;
    Ok(old)
}

/// Takes a capability out of the bounding set (prctl(2), `PR_CAPBSET_DROP`). One that this kernel lacks is no error.
pub(crate) fn drop_from_bounding_set(capability: u32) -> io::Result<()> {
    // SAFETY: prctl(2) takes numbers here.
    match check(libc::c_long::from(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) })) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        other => other.map(drop),
    }
}

/// Calls bpf(2) with the beginning of `union bpf_attr`; the kernel takes the rest as zero.
fn bpf(command: libc::c_int, attributes: &[u64]) -> io::Result<libc::c_long> {
    // SAFETY: the attributes outlive the call and their size is given; pointers in them are the callers' care.
    check(unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_ptr(), size_of_val(attributes)) })
}

/// Two 32-bit fields in the order of memory.
fn fields(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// Loads a program that decides about devices (bpf(2), `BPF_PROG_LOAD`). `code` is a row of `struct bpf_insn`.
pub(crate) fn load_device_program(code: &[u8]) -> io::Result<OwnedFd> {
    const CGROUP_DEVICE: u32 = 15;
    let count = u32::try_from(code.len() / 8).map_err(io::Error::other)?;
    // A licence that the verifier asks for, though this program calls nothing that needs one.
    let licence = c"MIT";
    let fd = bpf(5, &[fields(CGROUP_DEVICE, count), code.as_ptr() as u64, licence.as_ptr() as u64, 0, 0, 0])?;
    // SAFETY: the kernel has just made this descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Attaches such a program to a control group (bpf(2), `BPF_PROG_ATTACH`), beside those that may be there.
pub(crate) fn attach_device_program(program: RawFd, group: RawFd) -> io::Result<()> {
    const CGROUP_DEVICE: u32 = 6;
    const ALLOW_MULTI: u32 = 2;
    let (program, group) = (program.unsigned_abs(), group.unsigned_abs());
    bpf(8, &[fields(group, program), fields(CGROUP_DEVICE, ALLOW_MULTI)]).map(drop)
}
