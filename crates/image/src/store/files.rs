//! Looking into an image's files where its layers are, without mounting them: as overlayfs shows them (kernel, "Overlay
//! Filesystem"), symbolic links followed inside the image.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use super::Image;

/// Most symbolic links that are followed for one path (kernel, `MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// What is at a path of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A plain file: where it lies, and its permission bits.
    File {
        /// In a layer's directory.
        path: PathBuf,
        /// `0o755` and the like.
        mode: u32,
    },
    /// A directory.
    Directory,
    /// Something else: a device, a pipe.
    Other,
    /// Nothing.
    Missing,
}

impl Image {
    /// What is at an absolute path. Blocks on the disk.
    ///
    /// # Errors
    /// The disk cannot be read, or links go round in circles.
    pub fn entry(&self, path: &Path) -> std::io::Result<Entry> {
        Walk { layers: &self.layer_dirs }.entry(path)
    }
}

struct Walk<'a> {
    /// Lowest first.
    layers: &'a [PathBuf],
}

/// A directory of the image: those that are merged in it, highest first.
struct Dir(Vec<PathBuf>);

enum Step {
    Into(Dir),
    Link(PathBuf),
    End(Entry),
}

impl Walk<'_> {
    fn root(&self) -> Dir {
        Dir(self.layers.iter().rev().cloned().collect())
    }

    fn entry(&self, path: &Path) -> std::io::Result<Entry> {
        let mut way = vec![self.root()];
        let mut rest: VecDeque<OsString> = parts(path).into();
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let Some(dir) = way.last() else { return Ok(Entry::Missing) };
            match step(dir, &name)? {
                Step::Into(dir) => way.push(dir),
                Step::Link(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(std::io::ErrorKind::Other.into());
                    }
                    if target.is_absolute() {
                        way.truncate(1);
                    }
                    for part in parts(&target).into_iter().rev() {
                        rest.push_front(part);
                    }
                }
                // What is behind a file is nothing.
                Step::End(entry) if rest.is_empty() => return Ok(entry),
                Step::End(_) => return Ok(Entry::Missing),
            }
        }
        Ok(Entry::Directory)
    }
}

fn parts(path: &Path) -> Vec<OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(part).collect()
}

/// What has a name in a directory.
fn step(dir: &Dir, name: &OsString) -> std::io::Result<Step> {
    let mut merged = Vec::new();
    for layer in &dir.0 {
        let path = layer.join(name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if found.is_dir() {
            let opaque = is_opaque(&path);
            merged.push(path);
            if opaque {
                break;
            }
            continue;
        }
        // A file below a directory of a higher layer is hidden, and so is all that is below it.
        if !merged.is_empty() || is_whiteout(&found) {
            break;
        }
        if found.is_symlink() {
            return fs::read_link(&path).map(Step::Link);
        }
        return Ok(Step::End(of_file(path, &found)));
    }
    if merged.is_empty() {
        return Ok(Step::End(Entry::Missing));
    }
    Ok(Step::Into(Dir(merged)))
}

fn of_file(path: PathBuf, found: &Metadata) -> Entry {
    match found.is_file() {
        true => Entry::File { path, mode: found.permissions().mode() & 0o7777 },
        false => Entry::Other,
    }
}

fn is_whiteout(found: &Metadata) -> bool {
    found.file_type().is_char_device() && found.rdev() == 0
}

fn is_opaque(path: &Path) -> bool {
    ["trusted.overlay.opaque", "user.overlay.opaque"].into_iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::lgetxattr(path, name, &mut value[..])
            .is_ok_and(|length| value.get(..length) == Some(b"y"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    fn found(layers: &[PathBuf], path: &str) -> String {
        match (Walk { layers }).entry(Path::new(path)).unwrap() {
            Entry::File { path, .. } => {
                let layer = layers.iter().position(|layer| path.starts_with(layer)).unwrap();
                format!("layer {layer}")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_highest_layer_counts_and_links_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let layers = [dir.path().join("low"), dir.path().join("high")];
        for layer in &layers {
            fs::create_dir_all(layer).unwrap();
        }
        write(&layers[0], "usr/bin/env");
        write(&layers[0], "usr/bin/sh");
        write(&layers[1], "usr/bin/sh");
        write(&layers[0], "data/old");
        write(&layers[1], "data");
        symlink("usr/bin", layers[0].join("bin")).unwrap();
        symlink("/usr/bin/env", layers[1].join("absolute")).unwrap();
        symlink("../../../usr/bin/env", layers[1].join("above")).unwrap();
        symlink("circle", layers[1].join("circle")).unwrap();
        for (path, expected) in [
            ("/usr/bin/env", "layer 0"),
            ("/usr/bin/sh", "layer 1"),
            ("/bin/sh", "layer 1"),
            ("/bin/../bin/./env", "layer 0"),
            ("/absolute", "layer 0"),
            ("/above", "layer 0"),
            ("/usr/bin", "Directory"),
            ("/", "Directory"),
            ("/usr/bin/nope", "Missing"),
            ("/usr/bin/sh/x", "Missing"),
            ("/data/old", "Missing"),
            ("/data", "layer 1"),
        ] {
            assert_eq!(found(&layers, path), expected, "{path}");
        }
        assert!(Walk { layers: &layers }.entry(Path::new("/circle")).is_err());
    }
}
