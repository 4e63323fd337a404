//! What a task has on the host: mounts, cgroups, processes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Waits until nothing bears the task's id any more.
pub(super) fn wait_until_none(id: &str, patience: Duration) -> Result<()> {
    let began = Instant::now();
    while let Some(left) = first(id) {
        if began.elapsed() > patience {
            bail!("{left} of task `{id}` is left {} s after its end", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn first(id: &str) -> Option<&'static str> {
    if fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| mounts.contains(id)) {
        return Some("a mount");
    }
    if has_directory(Path::new("/sys/fs/cgroup"), id, 5) {
        return Some("a cgroup");
    }
    process(id).then_some("a process")
}

fn has_directory(directory: &Path, id: &str, depth: usize) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    for entry in directories {
        if entry.file_name().to_string_lossy().contains(id)
            || depth > 1 && has_directory(&entry.path(), id, depth - 1)
        {
            return true;
        }
    }
    false
}

fn process(id: &str) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    let numbers =
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let mut lines = numbers.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b/task-0123-c")).unwrap();
        assert!(has_directory(directory.path(), "0123", 3));
        assert!(!has_directory(directory.path(), "0123", 2));
        assert!(!has_directory(directory.path(), "9999", 3));
    }
}
