//! Linux capabilities by name, and Docker's default set.

use crate::error::RuntimeError;
use crate::spec::CapabilityChanges;

/// Names in the order of their numbers (linux/capability.h).
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

const DEFAULT: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// Every capability.
pub(crate) const ALL: u64 = (1 << NAMES.len()) - 1;

/// The bit of a capability, named with or without `CAP_`, in any case.
pub(crate) fn bit(name: &str) -> Option<u64> {
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
    NAMES.iter().position(|known| *known == short).map(|number| 1 << number)
}

fn bits(names: &[String]) -> Result<u64, RuntimeError> {
    names.iter().try_fold(0, |set, name| {
        let bits = if name.eq_ignore_ascii_case("all") { Some(ALL) } else { bit(name) };
        bits.map(|bits| set | bits).ok_or_else(|| {
            RuntimeError::Invalid(format!(
                "`{name}` is not a Linux capability: expected a name such as `NET_ADMIN`, or `ALL`"
            ))
        })
    })
}

/// Docker's rule: `add ALL` starts from everything, `drop ALL` from nothing; then single names are added and dropped.
pub(crate) fn effective(changes: &CapabilityChanges) -> Result<u64, RuntimeError> {
    let is_all = |name: &&String| name.eq_ignore_ascii_case("all");
    let single = |names: &[String]| names.iter().filter(|name| !is_all(name)).cloned().collect::<Vec<_>>();
    let (add, drop) = (bits(&single(&changes.add))?, bits(&single(&changes.drop))?);
    let default = DEFAULT.iter().filter_map(|name| bit(name)).fold(0, |set, bit| set | bit);
    Ok(if changes.add.iter().any(|name| is_all(&name)) {
        ALL & !drop
    } else if changes.drop.iter().any(|name| is_all(&name)) {
        add
    } else {
        (default | add) & !drop
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(add: &[&str], drop: &[&str]) -> u64 {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        effective(&CapabilityChanges { add: owned(add), drop: owned(drop) }).unwrap()
    }

    #[test]
    fn the_default_is_dockers() {
        assert_eq!(format!("{:016x}", set(&[], &[])), "00000000a80425fb");
    }

    #[test]
    fn changes_follow_dockers_order() {
        assert_eq!(set(&["NET_ADMIN"], &["ALL"]), 1 << 12);
        assert_eq!(set(&["ALL"], &["CAP_SYS_ADMIN"]), ALL & !(1 << 21));
        assert_eq!(set(&["cap_sys_ptrace"], &["mknod"]), set(&[], &[]) & !(1 << 27) | 1 << 19);
        assert_eq!(set(&[], &["all"]), 0);
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let changes = CapabilityChanges { add: vec!["FLY".into()], drop: Vec::new() };
        assert!(effective(&changes).unwrap_err().to_string().contains("`FLY`"));
    }
}
