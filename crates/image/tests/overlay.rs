//! The kernel's opinion: pulled layers mounted by overlayfs show what the image is meant to hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail by panicking")]

mod support;

use std::path::Path;

use landfall_image::{BuiltImage, ImageBuilder, LayerStore, NoProgress, Platform};
use support::{Registry, hasty_client};

/// A directory with a mount on it; needs root, as the product does.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

fn mount_overlay<'a>(lower_to_upper: &[std::path::PathBuf], at: &'a Path) -> Mounted<'a> {
    let dirs: Vec<String> = lower_to_upper.iter().rev().map(|dir| dir.display().to_string()).collect();
    let options = std::ffi::CString::new(format!("lowerdir={}", dirs.join(":"))).unwrap();
    let flags = rustix::mount::MountFlags::RDONLY;
    rustix::mount::mount("overlay", at, "overlay", flags, options.as_c_str()).unwrap();
    Mounted(at)
}

fn image() -> BuiltImage {
    let empty = b"".as_slice();
    let lower = [
        ("kept", 0o644, b"lower".as_slice()),
        ("gone", 0o644, b"lower"),
        ("changed", 0o644, b"lower"),
        ("dir-gone/x", 0o644, b"lower"),
        ("dir-opaque/x", 0o644, b"lower"),
        ("dir-back/x", 0o644, b"lower"),
    ];
    let upper = [
        (".wh.gone", 0o644, empty),
        ("changed", 0o600, b"upper"),
        (".wh.dir-gone", 0o644, empty),
        ("dir-opaque/.wh..wh..opq", 0o644, empty),
        ("dir-opaque/y", 0o644, b"upper"),
        (".wh.dir-back", 0o644, empty),
        ("dir-back/z", 0o644, b"upper"),
    ];
    let builder = ImageBuilder::new(&Platform::linux("amd64"));
    builder.layer(lower).unwrap().layer(upper).unwrap().build().unwrap()
}

fn tree(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(root).unwrap().display().to_string();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(format!("{shown}={}", std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn whiteouts_hide_what_is_below_and_nothing_else() {
    let registry = Registry::serving(&image(), |_| None).await;
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("merged");
    std::fs::create_dir(&at).unwrap();
    let store = LayerStore::open(dir.path().join("store")).unwrap();
    let client = hasty_client();
    let platform = Platform::linux("amd64");
    let resolved = client.resolve(&registry.reference("app"), None, &platform).await.unwrap();
    let pulled = store.pull(&client, &resolved, None, &NoProgress, 2).await.unwrap();
    let mounted = mount_overlay(&pulled.layer_dirs, &at);
    assert_eq!(tree(mounted.0), ["changed=upper", "dir-back/z=upper", "dir-opaque/y=upper", "kept=lower"]);
}
