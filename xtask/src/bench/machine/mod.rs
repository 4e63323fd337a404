//! The machine on which a run was made, and the versions of everything that was compared.

pub(super) mod proc;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Bench, process};

/// Facts for the head of the document, as name and value.
pub(super) type Facts = Vec<(&'static str, String)>;

/// Asks the machine about itself.
pub(super) fn describe(bench: &Bench) -> Facts {
    vec![
        ("CPU", cpu()),
        ("Memory", memory()),
        ("System", system()),
        ("Disk", disk(bench.scratch.path())),
        ("Load before the run", load()),
        ("Landfall", version(&bench.landfall)),
        ("Emulators", super::setup::EMULATORS.join(", ")),
        ("Engines and tools", versions(&["dockerd", "podman", "crun", "runc", "skopeo", "docker-registry"])),
    ]
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {}", model.map_or("unknown model", |(_, model)| model))
}

fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

/// What else the machine was doing.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split_whitespace().take(2).collect();
    format!("{} (over 1 and 5 minutes)", averages.join(", "))
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{}, kernel {}, {}", name.trim_matches('"'), kernel.trim(), cgroups())
}

fn cgroups() -> &'static str {
    match (
        Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
        Path::new("/sys/fs/cgroup/unified").exists(),
    ) {
        (true, _) => "cgroup v2",
        (false, true) => "cgroup v1 with an empty v2 hierarchy beside it (hybrid)",
        (false, false) => "cgroup v1",
    }
}

fn disk(directory: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let filesystem = filesystem_of(directory, &mounts).unwrap_or_else(|| "unknown file system".to_owned());
    match durable_appends(directory) {
        Ok(rate) => format!("{filesystem}; {rate:.0} appends of 4 KiB with fdatasync in a second"),
        Err(_) => filesystem,
    }
}

/// The deepest mount point above a directory, with device and type.
fn filesystem_of(directory: &Path, mounts: &str) -> Option<String> {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter_map(|fields| {
        let (device, point, kind) = (*fields.first()?, *fields.get(1)?, *fields.get(2)?);
        directory.starts_with(point).then_some((point.len(), format!("{kind} on {device}")))
    });
    // Of two mounts on one point the later one is seen.
    above.max_by_key(|(length, _)| *length).map(|(_, text)| text)
}

/// What the disk can do for one writer that waits for each of its writes.
fn durable_appends(directory: &Path) -> Result<f64> {
    let mut file = File::create(directory.join("appends"))?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(500) {
        file.write_all(&[count as u8; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

fn version(program: &Path) -> String {
    let mut command = Command::new(program);
    command.arg("--version");
    let text = process::output(command).unwrap_or_else(|error| format!("unknown ({error:#})"));
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn versions(programs: &[&str]) -> String {
    let each = programs.iter().map(|program| shorten(program, &version(Path::new(program))));
    each.collect::<Vec<_>>().join(", ")
}

/// `dockerd 20.10.24+dfsg1` from `Docker version 20.10.24+dfsg1, build 5d6db84`.
fn shorten(program: &str, text: &str) -> String {
    let is_number =
        |word: &&str| word.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
    match text.split_whitespace().find(is_number) {
        Some(number) => format!("{program} {}", number.trim_end_matches(',')),
        None => format!("{program}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_shortened() {
        for (text, expected) in [
            ("Docker version 20.10.24+dfsg1, build 5d6db84", "x 20.10.24+dfsg1"),
            ("crun version 1.8.1", "x 1.8.1"),
            ("docker-registry github.com/docker/distribution v2.8.2+ds1", "x v2.8.2+ds1"),
            ("unknown", "x: unknown"),
        ] {
            assert_eq!(shorten("x", text), expected);
        }
    }

    #[test]
    fn the_deepest_mount_holds_a_directory() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\n";
        for (directory, expected) in
            [("/tmp/disk/x", "xfs on /dev/b"), ("/tmp/other", "tmpfs on tmpfs"), ("/home", "ext4 on /dev/a")]
        {
            assert_eq!(filesystem_of(Path::new(directory), mounts).as_deref(), Some(expected));
        }
    }
}
