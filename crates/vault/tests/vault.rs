//! Sealing and opening as the services use it, and what must be refused.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use landfall_vault::{Sealed, Vault, VaultError};
use proptest::prelude::*;

const CONTEXT: &[(&str, &str)] = &[
    ("SecretARN", "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf"),
    ("SecretVersionId", "v1"),
];

fn vault() -> Vault {
    Vault::in_memory().unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sealed_opens(plaintext: Vec<u8>, context: Vec<(String, String)>) {
        let context: Vec<_> = context.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let vault = vault();
        let json = serde_json::to_string(&vault.seal(&context, &plaintext).unwrap()).unwrap();
        let sealed: Sealed = serde_json::from_str(&json).unwrap();
        let opened = vault.unseal(&context, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
    }

    #[test]
    fn outside_bytes_do_not_open(bytes: Vec<u8>) {
        prop_assert!(Sealed::from_bytes(bytes).map(|sealed| vault().unseal(CONTEXT, &sealed).is_err()).unwrap_or(true));
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let vault = vault();
    let bytes = vault.seal(CONTEXT, b"a secret").unwrap().as_bytes().to_vec();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        let opened = Sealed::from_bytes(changed).and_then(|sealed| vault.unseal(CONTEXT, &sealed).map(drop));
        assert!(opened.is_err(), "byte {at}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let vault = vault();
    let bytes = vault.seal(CONTEXT, b"a secret").unwrap().as_bytes().to_vec();
    for length in 0..bytes.len() {
        let shorter = bytes[..length].to_vec();
        let opened = Sealed::from_bytes(shorter).and_then(|sealed| vault.unseal(CONTEXT, &sealed).map(drop));
        assert!(
            matches!(opened, Err(VaultError::Malformed(_) | VaultError::NotAuthentic)),
            "length {length}"
        );
    }
}

#[test]
fn another_context_does_not_open() {
    let vault = vault();
    let sealed = vault.seal(&[("ab", "c"), ("d", "e")], b"x").unwrap();
    let others: [&[(&str, &str)]; 5] = [
        &[],
        &[("ab", "c")],
        &[("d", "e"), ("ab", "c")],
        &[("a", "bc"), ("d", "e")],
        &[("ab", "c"), ("d", "f")],
    ];
    for other in others {
        assert!(matches!(vault.unseal(other, &sealed), Err(VaultError::NotAuthentic)), "{other:?}");
    }
}

#[test]
fn a_value_of_another_vault_names_both_keys() {
    let (here, there) = (vault(), vault());
    let sealed = there.seal(CONTEXT, b"x").unwrap();
    let message = here.unseal(CONTEXT, &sealed).unwrap_err().to_string();
    assert!(message.contains(&here.root_key_id()) && message.contains(&there.root_key_id()), "{message}");
}

#[test]
fn equal_plaintexts_look_different() {
    let vault = vault();
    assert_ne!(vault.seal(CONTEXT, b"x").unwrap(), vault.seal(CONTEXT, b"x").unwrap());
}

#[test]
fn debug_shows_the_length_only() {
    let sealed = vault().seal(CONTEXT, b"hunter2").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(7 bytes)");
}

#[test]
fn the_root_key_survives_and_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let sealed = Vault::open(&path).unwrap().seal(CONTEXT, b"kept").unwrap();
    assert_eq!(Vault::open(&path).unwrap().unseal(CONTEXT, &sealed).unwrap().expose(), b"kept");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_directory_never_holds_plaintext() {
    let directory = tempfile::tempdir().unwrap();
    let plaintext = b"correct horse battery staple";
    let sealed = Vault::open(directory.path()).unwrap().seal(CONTEXT, plaintext).unwrap();
    std::fs::write(directory.path().join("row"), serde_json::to_vec(&sealed).unwrap()).unwrap();
    std::fs::write(directory.path().join("raw"), sealed.as_bytes()).unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| window == &plaintext[..8]));
    }
}

#[test]
fn a_root_key_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(Vault::open(directory.path()).unwrap());
    let file = directory.path().join("root.key");
    for mode in [0o640, 0o604, 0o620, 0o601] {
        set_mode(&file, mode);
        let message = Vault::open(directory.path()).unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
    }
    set_mode(&file, 0o600);
    assert!(Vault::open(directory.path()).is_ok());
}

#[test]
fn a_damaged_root_key_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("root.key");
    for length in [0, 31, 33, 100] {
        std::fs::write(&file, vec![7; length]).unwrap();
        set_mode(&file, 0o600);
        assert!(matches!(Vault::open(directory.path()), Err(VaultError::DamagedRootKey { .. })), "{length}");
        assert_eq!(std::fs::read(&file).unwrap().len(), length);
    }
}
