//! Docker's default seccomp profile as filters for this machine's own architecture.
//!
//! The profile is data (`syscalls.txt`); what depends on arguments is here. A filter of `seccompiler` has one error
//! number, so `clone3`, which must look unsupported for the C library to fall back to `clone`, has a filter of its own
//! on top. System calls of other architectures (32-bit programs on a 64-bit kernel) end the process.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::capability;

const PROFILE: &str = include_str!("syscalls.txt");
const SYS_ADMIN: u64 = 1 << 21;
/// Every `CLONE_NEW*` flag.
const NEW_NAMESPACES: u64 = 0x7E02_0000;
/// The personalities that Docker lets through (personality(2)): Linux, 32-bit uname, without randomisation, query.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x20000, 0x20008, 0xffff_ffff];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters for a container that keeps `capabilities`, in the order to install them.
pub(crate) fn filters(capabilities: u64) -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut rules = allowed(arch, capabilities);
    let mut programs = Vec::new();
    add_argument_rules(&mut rules, arch, capabilities)?;
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    programs.push(SeccompFilter::new(rules, errno(libc::EPERM), SeccompAction::Allow, arch)?.try_into()?);
    if capabilities & SYS_ADMIN == 0 {
        let clone3 = number("clone3", arch).map(|number| (number, Vec::new())).into_iter().collect();
        programs
            .push(SeccompFilter::new(clone3, SeccompAction::Allow, errno(libc::ENOSYS), arch)?.try_into()?);
    }
    Ok(programs)
}

/// A line of the profile: its name and its number on `arch`.
fn entry(line: &str, arch: TargetArch) -> Option<(&str, i64)> {
    let mut columns = line.split_whitespace();
    let name = columns.next()?;
    let column = match arch {
        TargetArch::x86_64 => 0,
        TargetArch::aarch64 => 1,
        _ => return None,
    };
    Some((name, columns.nth(column)?.parse().ok()?))
}

fn number(name: &str, arch: TargetArch) -> Option<i64> {
    PROFILE
        .lines()
        .filter_map(|line| entry(line, arch))
        .find(|(known, _)| *known == name)
        .map(|(_, number)| number)
}

/// System calls that are allowed whatever their arguments.
fn allowed(arch: TargetArch, capabilities: u64) -> Rules {
    let mut rules = Rules::new();
    let mut applies = false;
    for line in PROFILE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            applies =
                section == "always" || capability::bit(section).is_some_and(|bit| capabilities & bit != 0);
        } else if applies && let Some((_, number)) = entry(line, arch) {
            rules.insert(number, Vec::new());
        }
    }
    rules
}

fn add_argument_rules(
    rules: &mut Rules,
    arch: TargetArch,
    capabilities: u64,
) -> Result<(), seccompiler::Error> {
    let rule =
        |index, length, op, value| SeccompRule::new(vec![SeccompCondition::new(index, length, op, value)?]);
    let personalities =
        PERSONALITIES.iter().map(|value| rule(0, Len::Dword, Op::Eq, *value)).collect::<Result<_, _>>()?;
    let mut add = |name, list| number(name, arch).map(|number| rules.insert(number, list));
    add("personality", personalities);
    // Sockets to the hypervisor know nothing of network namespaces.
    add("socket", vec![rule(0, Len::Dword, Op::Ne, libc::AF_VSOCK as u64)?]);
    if capabilities & SYS_ADMIN == 0 {
        add("clone", vec![rule(0, Len::Qword, Op::MaskedEq(NEW_NAMESPACES), 0)?]);
        add("clone3", Vec::new());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_architectures_have_a_profile() {
        for arch in [TargetArch::x86_64, TargetArch::aarch64] {
            let rules = allowed(arch, 0);
            assert!(rules.len() > 250, "{arch:?}");
            for name in ["mount", "bpf", "unshare", "reboot", "keyctl", "io_uring_setup"] {
                assert!(
                    number(name, arch).is_none_or(|number| !rules.contains_key(&number)),
                    "{name} on {arch:?}"
                );
            }
        }
    }

    #[test]
    fn numbers_agree_with_the_c_library() {
        #[cfg(target_arch = "x86_64")]
        assert_eq!(number("open", TargetArch::x86_64), Some(libc::SYS_open));
        let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        for (name, expected) in
            [("read", libc::SYS_read), ("clone3", libc::SYS_clone3), ("mount", libc::SYS_mount)]
        {
            assert_eq!(number(name, arch), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_capability_opens_what_it_is_for() {
        let arch = TargetArch::x86_64;
        let mount = number("mount", arch).unwrap();
        assert!(allowed(arch, SYS_ADMIN).contains_key(&mount));
        assert_eq!(filters(0).unwrap().len(), 2);
        assert_eq!(filters(SYS_ADMIN).unwrap().len(), 1);
    }
}
