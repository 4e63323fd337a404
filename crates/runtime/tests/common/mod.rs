//! A runtime of its own for each test: own directory, control group and bridge; and a look at what it left behind.

#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use landfall_runtime::{
    ContainerId, ContainerSpec, ContainerStatus, Frame, LogReader, NativeConfig, NativeRuntime, Network,
    Runtime, RuntimeError, SandboxId, SandboxSpec, Stream,
};

static HOSTS: AtomicU8 = AtomicU8::new(1);

pub const SHIM: &str = env!("CARGO_BIN_EXE_landfall-shim-test");

/// Everything a test needs, gone afterwards.
pub struct Host {
    pub runtime: NativeRuntime,
    pub config: NativeConfig,
    pub dir: tempfile::TempDir,
    pub layer: PathBuf,
    name: String,
}

impl Host {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub fn with(name: &str, change: impl FnOnce(&mut NativeConfig)) -> Self {
        // Overlayfs cannot write to another overlayfs, so not in a test machine's own root.
        let dir = tempfile::Builder::new().prefix("landfall-test-").tempdir_in("/dev/shm").unwrap();
        let layer = dir.path().join("layer");
        make_layer(&layer);
        let tag = format!("{name}{}", std::process::id());
        let mut config = NativeConfig::new(dir.path().join("run"));
        config.cgroup = format!("landfall-test-{tag}").into();
        config.bridge = format!("lt{:x}", fnv(&tag) & 0xffff_ffff);
        config.shim = Some(SHIM.into());
        // Tests run side by side, also in several processes; two that chose at once could choose the same.
        let number = HOSTS.fetch_add(1, Ordering::Relaxed);
        config.subnet = Some((Ipv4Addr::new(10, 100 + (std::process::id() % 100) as u8, number, 0), 24));
        change(&mut config);
        let runtime = NativeRuntime::new(config.clone()).unwrap();
        Self { runtime, config, dir, layer, name: tag }
    }

    pub fn sandbox(&self, id: &str, network: Network) -> SandboxId {
        let mut spec = SandboxSpec::new(id.parse().unwrap());
        spec.network = network;
        self.runtime.create_sandbox(&spec).unwrap().id
    }

    pub fn container(&self, id: &str, sandbox: &SandboxId, args: &[&str]) -> ContainerSpec {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        ContainerSpec::new(id.parse().unwrap(), sandbox.clone(), vec![self.layer.clone()], args)
    }

    /// Runs a shell script in a container without a network; exit status and what it wrote.
    pub fn sh(&self, script: &str) -> (ContainerStatus, String) {
        self.run(script, |_| {})
    }

    pub fn run(&self, script: &str, change: impl FnOnce(&mut ContainerSpec)) -> (ContainerStatus, String) {
        // Between two streams there is no order.
        let script = format!("exec 2>&1; {script}");
        let (status, output) = self.try_run(&["/bin/sh", "-c", &script], change);
        (status.unwrap(), output)
    }

    pub fn try_run(
        &self,
        args: &[&str],
        change: impl FnOnce(&mut ContainerSpec),
    ) -> (Result<ContainerStatus, RuntimeError>, String) {
        let id = format!("c{}", landfall_base::random::hex(8));
        let sandbox = self.sandbox(&format!("s{id}"), Network::None);
        let mut spec = self.container(&id, &sandbox, args);
        change(&mut spec);
        let started = self.runtime.start_container(&spec);
        let result = started.map(|_| self.end_of(&spec.id));
        let output = self.output(&spec.id);
        self.runtime.remove_container(&spec.id).unwrap();
        self.runtime.remove_sandbox(&sandbox).unwrap();
        (result, output)
    }

    pub fn end_of(&self, id: &ContainerId) -> ContainerStatus {
        end_of(&self.runtime, id)
    }

    pub fn output(&self, id: &ContainerId) -> String {
        let frames = self.frames(id);
        frames
            .iter()
            .map(|frame| {
                String::from_utf8_lossy(&frame.bytes).into_owned() + if frame.partial { "" } else { "\n" }
            })
            .collect()
    }

    pub fn frames(&self, id: &ContainerId) -> Vec<Frame> {
        let Ok(mut reader) = LogReader::open(&self.runtime.log_path(id), 0) else { return Vec::new() };
        let mut frames = Vec::new();
        loop {
            let more = reader.read().unwrap();
            if more.is_empty() {
                return frames;
            }
            frames.extend(more);
        }
    }

    /// Waits until the container has written a line that contains `text`.
    pub fn wait_for_line(&self, id: &ContainerId, text: &str) {
        let mut reader = LogReader::open(&self.runtime.log_path(id), 0).unwrap();
        for _ in 0..400 {
            let frames = reader.read().unwrap();
            if frames.iter().any(|frame| String::from_utf8_lossy(&frame.bytes).contains(text)) {
                return;
            }
            reader.wait(Duration::from_millis(50)).unwrap();
        }
        panic!("no line with `{text}`; log: {}", self.output(id));
    }

    pub fn remove_all(&self) {
        let all = self.runtime.list().unwrap();
        for container in all.containers {
            self.runtime.remove_container(&container.id).unwrap();
        }
        for sandbox in all.sandboxes {
            self.runtime.remove_sandbox(&sandbox.id).unwrap();
        }
    }

    /// Fails if anything of this host's is left in the kernel or on disk.
    pub fn assert_nothing_left(&self) {
        self.remove_all();
        self.runtime.uninstall().unwrap();
        let run = self.dir.path().to_str().unwrap();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(run), "mounts left:\n{mounts}");
        assert_eq!(cgroups_named(&self.name), Vec::<PathBuf>::new());
        assert_eq!(shims_of(run), Vec::<i32>::new(), "shims left");
        let links: Vec<_> =
            std::fs::read_dir("/sys/class/net").unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(!links.contains(&self.config.bridge.clone().into()), "{links:?}");
        for below in ["containers", "sandboxes", "netns", "doors"] {
            assert_eq!(
                std::fs::read_dir(self.config.dir.join(below)).unwrap().count(),
                0,
                "{below} is not empty"
            );
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A test that failed must not leave containers running; if it passed, this finds nothing.
        if std::thread::panicking() {
            if let Ok(all) = self.runtime.list() {
                all.containers
                    .iter()
                    .for_each(|container| drop(self.runtime.remove_container(&container.id)));
                all.sandboxes.iter().for_each(|sandbox| drop(self.runtime.remove_sandbox(&sandbox.id)));
            }
            let _ = self.runtime.uninstall();
        }
    }
}

pub fn end_of(runtime: &NativeRuntime, id: &ContainerId) -> ContainerStatus {
    let reactor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    reactor.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), runtime.wait(id)).await.unwrap().unwrap()
    })
}

pub fn code(status: &ContainerStatus) -> i32 {
    match status {
        ContainerStatus::Exited { code, .. } => *code,
        other => panic!("not exited: {other:?}"),
    }
}

pub fn texts(frames: &[Frame], stream: Stream) -> Vec<String> {
    frames
        .iter()
        .filter(|frame| frame.stream == stream)
        .map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned())
        .collect()
}

fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A root file system with busybox.
pub fn make_layer(layer: &Path) {
    for dir in ["bin", "etc", "tmp", "proc", "sys", "dev", "root", "home/web"] {
        std::fs::create_dir_all(layer.join(dir)).unwrap();
    }
    std::fs::copy("/bin/busybox", layer.join("bin/busybox")).unwrap();
    for applet in [
        "sh", "true", "false", "echo", "cat", "id", "pwd", "env", "ls", "sleep", "head", "tail", "grep",
        "mkdir", "touch", "hostname", "nc", "wget", "ps", "kill", "mount", "mknod", "dd", "stat", "sort",
        "wc", "unshare", "ip", "readlink", "printf", "ulimit", "chmod",
    ] {
        std::os::unix::fs::symlink("busybox", layer.join("bin").join(applet)).unwrap();
    }
    std::fs::write(
        layer.join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n",
    )
    .unwrap();
    std::fs::write(layer.join("etc/group"), "root:x:0:\nweb:x:1001:\nextra:x:55:web\n").unwrap();
    std::os::unix::fs::chown(layer.join("home/web"), Some(1000), Some(1001)).unwrap();
}

fn cgroups_named(tag: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let path = hierarchy.path().join(format!("landfall-test-{tag}"));
        if path.exists() {
            found.push(path);
        }
    }
    found
}

/// Processes that still have something below `dir` open or as an argument.
fn shims_of(dir: &str) -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| *pid != own)
        .filter(|pid| {
            let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            fds.filter_map(|fd| std::fs::read_link(fd.path()).ok())
                .any(|target| target.to_string_lossy().contains(dir))
        })
        .collect()
}
