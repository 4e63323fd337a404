//! Files of an image on disk: a directory, or a tar archive of one, read where they lie.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// Where the files are.
#[derive(Debug)]
pub(super) enum Source {
    Directory(PathBuf),
    Archive { path: PathBuf, entries: HashMap<String, (u64, u64)> },
}

impl Source {
    /// Opens a directory or an uncompressed archive.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let unreadable = |error: io::Error| CliError::new(format!("`{}`: {error}", path.display()));
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let file = File::open(path).map_err(unreadable)?;
        let mut archive = tar::Archive::new(file);
        let mut entries = HashMap::new();
        let mut links = Vec::new();
        for entry in archive.entries_with_seek().map_err(|error| no_archive(path, &error))? {
            let entry = entry.map_err(|error| no_archive(path, &error))?;
            let name = entry
                .path()
                .map_err(|error| no_archive(path, &error))?
                .to_string_lossy()
                .trim_start_matches("./")
                .to_owned();
            match entry.header().entry_type() {
                tar::EntryType::Regular => {
                    entries.insert(name, (entry.raw_file_position(), entry.size()));
                }
                // `docker save` names equal layers by links.
                tar::EntryType::Symlink | tar::EntryType::Link => {
                    if let Some(target) = entry.link_name().map_err(|error| no_archive(path, &error))? {
                        links.push((name, target.to_string_lossy().into_owned()));
                    }
                }
                _ => {}
            }
        }
        for (name, target) in links {
            let base = Path::new(&name).parent().unwrap_or_else(|| Path::new(""));
            if let Some(found) = entries.get(&normal(&base.join(&target))).or(entries.get(&target)).copied() {
                entries.insert(name, found);
            }
        }
        Ok(Self::Archive { path: path.to_owned(), entries })
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Directory(path) => is_plain(name) && path.join(name).is_file(),
            Self::Archive { entries, .. } => entries.contains_key(name),
        }
    }

    /// Opens a file; its length comes along.
    pub(super) fn read(&self, name: &str) -> Result<(Box<dyn Read>, u64), CliError> {
        let missing = || CliError::new(format!("the image lacks the file `{name}`"));
        let failed = |error: io::Error| CliError::new(format!("`{name}`: {error}"));
        match self {
            Self::Directory(path) => {
                if !self.has(name) {
                    return Err(missing());
                }
                let file = File::open(path.join(name)).map_err(failed)?;
                let length = file.metadata().map_err(failed)?.len();
                Ok((Box::new(file), length))
            }
            Self::Archive { path, entries } => {
                let (at, length) = entries.get(name).copied().ok_or_else(missing)?;
                let mut file = File::open(path).map_err(failed)?;
                file.seek(SeekFrom::Start(at)).map_err(failed)?;
                Ok((Box::new(file.take(length)), length))
            }
        }
    }

    /// A small file as a whole.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, CliError> {
        let (mut reader, length) = self.read(name)?;
        if length > 8 << 20 {
            return Err(CliError::new(format!("`{name}` is longer than 8 MiB")));
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| CliError::new(format!("`{name}`: {error}")))?;
        Ok(bytes)
    }
}

/// Why a file cannot be read as an archive. The parser quotes what it read, which may be any file's content, and is not shown.
fn no_archive(path: &Path, error: &io::Error) -> CliError {
    let why = match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            "is no tar archive".to_owned()
        }
        io::ErrorKind::UnexpectedEof => "is no tar archive, or breaks off".to_owned(),
        kind => format!("cannot be read: {kind}"),
    };
    CliError::new(format!("`{}` {why}", path.display()))
        .hint("expected an OCI archive or directory, or what `docker save` writes, uncompressed")
}

/// A name that stays within the directory.
fn is_plain(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Without `..`, as links of an archive are meant.
fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(parts.pop()),
            std::path::Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            _ => {}
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_holds_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwords");
        for lines in [1, 100] {
            std::fs::write(&path, "root:hunter2:0:0:root:/root:/bin/bash\n".repeat(lines)).unwrap();
            let text = Source::open(&path).unwrap_err().text();
            assert!(text.contains("is no tar archive") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn names_stay_inside() {
        assert!(is_plain("blobs/sha256/ab") && !is_plain("../x") && !is_plain("/etc/passwd"));
        assert_eq!(normal(Path::new("a/../b/layer.tar")), "b/layer.tar");
    }
}
