//! The root key: made once, kept in a file only its owner may read, never used to encrypt anything itself.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use landfall_base::{Sensitive, random};
use zeroize::Zeroizing;

use crate::error::VaultError;

/// Size of every key, in bytes.
pub(crate) const KEY: usize = 32;
/// Size of a root key's id, in bytes.
pub(crate) const KEY_ID: usize = 8;

const FILE: &str = "root.key";
const WRAPPING: &[u8] = b"landfall vault 1: wrapping key";
const IDENTITY: &[u8] = b"landfall vault 1: root key id";

/// The root key file of a directory, created with it when missing.
pub(crate) fn load_or_create(directory: &Path) -> Result<Sensitive<[u8; KEY]>, VaultError> {
    let failed = |why| io("create directory", directory, why);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let path = directory.join(FILE);
    if let Some(key) = load(&path)? {
        return Ok(key);
    }
    create(directory, &path)?;
    // Another process may have been faster: what is in the file counts.
    load(&path)?.ok_or_else(|| io("read", &path, ErrorKind::NotFound.into()))
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> VaultError {
    VaultError::Io { action, path: path.to_owned(), source }
}

fn load(path: &Path) -> Result<Option<Sensitive<[u8; KEY]>>, VaultError> {
    let failed = |why| io("read", path, why);
    let file = match File::open(path) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Exposed { path: path.to_owned(), mode });
    }
    // Room for one byte too many: the file must end where the key does.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * KEY));
    file.take(KEY as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let found = bytes.len();
    let damaged = |_| VaultError::DamagedRootKey { path: path.to_owned(), expected: KEY, found };
    bytes.as_slice().try_into().map(|key| Some(Sensitive::new(key))).map_err(damaged)
}

/// The file appears whole or not at all, and never replaces one that is there.
fn create(directory: &Path, path: &Path) -> Result<(), VaultError> {
    let temporary = directory.join(format!("{FILE}.{}", random::hex(16)));
    let key = Sensitive::new(random::bytes::<KEY>());
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(key.expose())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&temporary, path);
        std::fs::remove_file(&temporary)?;
        match linked {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => Err(why),
            _ => File::open(directory)?.sync_all(),
        }
    };
    write().map_err(|why| io("create", path, why))
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(root: &[u8; KEY], purpose: &[u8]) -> Result<[u8; N], VaultError> {
    let mut derived = [0; N];
    Salt::new(HKDF_SHA256, &[])
        .extract(root)
        .expand(&[purpose], Length(N))
        .and_then(|output| output.fill(&mut derived))
        .map_err(|_| VaultError::SealFailed)?;
    Ok(derived)
}

/// The key that data keys are sealed with.
pub(crate) fn wrapping_key(root: &[u8; KEY]) -> Result<Sensitive<[u8; KEY]>, VaultError> {
    derive(root, WRAPPING).map(Sensitive::new)
}

/// The root key's public name.
pub(crate) fn key_id(root: &[u8; KEY]) -> Result<[u8; KEY_ID], VaultError> {
    derive(root, IDENTITY)
}
