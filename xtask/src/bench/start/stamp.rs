//! A static program that writes what the clock shows as its first act.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bench::process;

/// With an argument it lives on for so many milliseconds.
const SOURCE: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    fflush(stdout);
    if (count > 1) usleep(1000 * atoi(arguments[1]));
    return 0;
}
"#;

/// The program's bytes.
pub(super) fn compile(directory: &Path) -> Result<Vec<u8>> {
    let (source, program) = (directory.join("stamp.c"), directory.join("stamp"));
    fs::write(&source, SOURCE)?;
    let mut command = Command::new("cc");
    command.args(["-static", "-O2", "-o"]).arg(&program).arg(&source);
    process::output(command)?;
    Ok(fs::read(&program)?)
}

/// Nanoseconds since the epoch, by the clock that the program reads.
pub(super) fn now() -> i128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// Milliseconds from `began` to what the program wrote.
pub(super) fn since(began: i128, written: &str) -> Result<f64> {
    let line = written.lines().next().unwrap_or_default().trim();
    let stamped: i128 = line.parse().with_context(|| format!("`{line}` is not a time"))?;
    Ok((stamped - began) as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_in_milliseconds() {
        assert_eq!(since(1_700_000_000_000_000_000, "1700000000002500000\n").unwrap(), 2.5);
        assert!(since(0, "").is_err());
    }
}
