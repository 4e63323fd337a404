//! Signals and resource limits by the names that images and task definitions use.

use crate::error::RuntimeError;
use crate::spec::Ulimit;

/// Signals 1 to 31 on Linux for x86_64 and aarch64 (signal(7)).
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Limits by number (setrlimit(2)).
const LIMITS: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];

/// A signal from an image's STOPSIGNAL: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub(crate) fn number(name: &str) -> Result<i32, RuntimeError> {
    let upper = name.trim().to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let by_name =
        || SIGNALS.iter().position(|known| *known == short).and_then(|at| i32::try_from(at + 1).ok());
    // The C library keeps the first two real-time signals for itself.
    let real_time = || {
        short.strip_prefix("RTMIN").and_then(|rest| {
            if rest.is_empty() { Some(34) } else { Some(34 + rest.strip_prefix('+')?.parse::<i32>().ok()?) }
        })
    };
    let from_end = || {
        short.strip_prefix("RTMAX").and_then(|rest| {
            if rest.is_empty() { Some(64) } else { Some(64 - rest.strip_prefix('-')?.parse::<i32>().ok()?) }
        })
    };
    let found = short.parse().ok().or_else(by_name).or_else(real_time).or_else(from_end);
    found.filter(|number| (1..=64).contains(number)).ok_or_else(|| {
        RuntimeError::Invalid(format!(
            "`{name}` is not a signal: expected a name such as `SIGTERM`, or a number from 1 to 64"
        ))
    })
}

/// Number, soft and hard limit.
pub(crate) fn limit(ulimit: &Ulimit) -> Result<(u32, u64, u64), RuntimeError> {
    let position =
        LIMITS.iter().position(|known| *known == ulimit.name).and_then(|at| u32::try_from(at).ok());
    let number = position.ok_or_else(|| {
        RuntimeError::Invalid(format!(
            "`{}` is not a resource limit: expected one of {}",
            ulimit.name,
            LIMITS.join(", ")
        ))
    })?;
    if ulimit.soft > ulimit.hard {
        let text = format!(
            "the soft limit {} of `{}` is above its hard limit {}",
            ulimit.soft, ulimit.name, ulimit.hard
        );
        return Err(RuntimeError::Invalid(text));
    }
    Ok((number, ulimit.soft, ulimit.hard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_all_their_names() {
        for (name, expected) in [
            ("SIGTERM", 15),
            ("term", 15),
            ("9", 9),
            ("QUIT", 3),
            ("SIGSYS", 31),
            ("SIGRTMIN+3", 37),
            ("RTMIN", 34),
            ("RTMAX-14", 50),
        ] {
            assert_eq!(number(name).unwrap(), expected, "{name}");
        }
        for name in ["", "SIG", "0", "65", "-1", "SIGNOPE", "RTMIN+99", "RTMINX"] {
            assert!(number(name).is_err(), "{name}");
        }
    }

    #[test]
    fn numbers_of_limits_are_the_kernels() {
        let ulimit = |name: &str, soft, hard| limit(&Ulimit { name: name.into(), soft, hard });
        let number = |name: &str| i64::from(ulimit(name, 1, 1).unwrap().0);
        assert_eq!(ulimit("nofile", 10, 20).unwrap(), (7, 10, 20));
        assert_eq!(number("nofile"), i64::from(libc::RLIMIT_NOFILE));
        assert_eq!(number("rttime"), i64::from(libc::RLIMIT_RTTIME));
        assert_eq!(number("core"), i64::from(libc::RLIMIT_CORE));
        assert!(ulimit("nofile", 2, 1).is_err());
        assert!(ulimit("files", 1, 1).is_err());
    }
}
