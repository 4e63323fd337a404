//! The Debian packages that the tests use: a registry of the field, a client of the field, a small user land, and Node.js for
//! the policy evaluator that others wrote.

use anyhow::{Result, bail};

use super::tools::{command, step, succeeds};

/// A package, and how to see that it need not be installed.
struct Package {
    name: &'static str,
    present: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package { name: "docker-registry", present: || on_path("docker-registry") },
    Package { name: "skopeo", present: || on_path("skopeo") },
    Package { name: "docker.io", present: || on_path("dockerd") && on_path("docker") },
    Package { name: "podman", present: || on_path("podman") },
    Package { name: "busybox-static", present: static_busybox },
    Package { name: "openssl", present: || on_path("openssl") },
    Package { name: "nodejs", present: || on_path("node") },
    Package { name: "npm", present: || on_path("npm") },
    Package { name: "zstd", present: || on_path("zstd") },
    Package { name: "python3-venv", present: || succeeds("python3", &["-c", "import ensurepip, venv"]) },
];

/// Installs what is missing.
pub(crate) fn ensure() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !on_path("apt-get") || !is_root() {
        bail!(
            "the tests need these Debian packages: {0}; install them (`apt-get install {0}`), or run the tests as \
             root on a machine with apt",
            missing.join(" ")
        );
    }
    install(&missing)
}

fn missing() -> Vec<&'static str> {
    PACKAGES.iter().filter(|package| !(package.present)()).map(|package| package.name).collect()
}

/// A fresh machine has no package lists; one with old lists may not find the files any more.
fn install(names: &[&str]) -> Result<()> {
    if apt_install(names).is_ok() {
        return Ok(());
    }
    step(command("apt-get", &["update", "--quiet"]))?;
    apt_install(names)
}

fn apt_install(names: &[&str]) -> Result<()> {
    let mut apt = command("apt-get", &["install", "--yes", "--quiet", "--no-install-recommends"]);
    apt.args(names).env("DEBIAN_FRONTEND", "noninteractive");
    step(apt)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Images hold nothing but this program, so it must not need libraries: `ldd` refuses a static one.
fn static_busybox() -> bool {
    const PATH: &str = "/bin/busybox";
    succeeds(PATH, &["true"]) && !succeeds("ldd", &[PATH])
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}
