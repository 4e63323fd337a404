//! What this host lacks for running containers, in sentences for its owner.

use std::fs;
use std::path::Path;

use rustix::mount::{FsOpenFlags, OpenTreeFlags, fsopen, open_tree};

use crate::cgroup::Host;
use crate::net::nft;

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether containers cannot run at all.
    pub fatal: bool,
    /// What is missing, what follows from it, and what to do.
    pub text: String,
}

/// Looks at the host; empty if nothing is missing.
pub fn doctor() -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut check = |fatal, missing: bool, text: &str| {
        if missing {
            findings.push(Finding { fatal, text: text.to_owned() });
        }
    };
    check(true, !rustix::process::geteuid().is_root(), "containers need root: start the server as root");
    for name in ["pid", "mnt", "net", "uts", "ipc", "cgroup"] {
        let text = format!("the kernel has no {name} namespaces: use a kernel with CONFIG_NAMESPACES");
        check(true, !Path::new("/proc/self/ns").join(name).exists(), &text);
    }
    check(
        true,
        !has_mount_api(),
        "the kernel does not let this process mount: Linux 5.12 and CAP_SYS_ADMIN are needed",
    );
    check(
        true,
        fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).is_err(),
        "the kernel has no overlayfs: load it with `modprobe overlay`",
    );
    cgroups(&mut check);
    let text = "the kernel's nf_tables cannot be used: tasks reach nothing beyond this host and ports cannot be published; load it with `modprobe nf_tables`";
    check(false, nft::works().is_err(), text);
    let text = "the kernel does not filter system calls: containers start only with `seccomp` off";
    check(false, !Path::new("/proc/sys/kernel/seccomp").exists(), text);
    check(
        false,
        forwarding_is_refused(),
        "the host's firewall drops forwarded packets (Docker sets this up): let packets from and to `landfall0` pass, for example in the chain DOCKER-USER",
    );
    findings
}

fn has_mount_api() -> bool {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(rustix::fs::CWD, "/proc", flags)
        .is_ok_and(|tree| crate::sys::set_mount_attributes(tree, crate::sys::READ_ONLY, false).is_ok())
}

fn cgroups(check: &mut impl FnMut(bool, bool, &str)) {
    let host = Host::detect();
    check(true, host == Host::None, "no control groups are mounted at /sys/fs/cgroup");
    let controllers = host.controllers();
    for name in ["memory", "cpu", "pids"] {
        let text =
            format!("the control group controller `{name}` is missing: limits that need it are refused");
        check(false, host != Host::None && !controllers.iter().any(|known| known == name), &text);
    }
    let text = "the kernel cannot keep containers from devices: they do not get the capability MKNOD";
    check(false, host != Host::None && !host.has_device_rules(), text);
}

/// Docker's bridge is there and its rules are the legacy or the nft kind with policy DROP; which one cannot be told
/// without their tools, so the sign is Docker's own interface.
fn forwarding_is_refused() -> bool {
    fs::read_to_string("/proc/net/dev")
        .is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with("docker0:")))
}
