//! The encryption context: pairs that are authenticated but not kept (KMS Developer Guide, "Encryption context").

use std::collections::BTreeMap;

use landfall_shape::Entries;

use crate::pipe::Permission;

/// Names and values, compared with their case; their order means nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// The context of a request.
    pub(super) fn of(entries: Option<Entries<String>>) -> Self {
        Self(entries.unwrap_or_default().0.into_iter().collect())
    }

    /// Whether it has no pair.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs as bytes that no other context has: every text is preceded by its length.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in self.0.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Adds `kms:EncryptionContext:…` and `kms:EncryptionContextKeys`.
    pub(super) fn add_to(&self, permission: Permission) -> Permission {
        let keys = self.0.keys().cloned();
        let permission = permission.with_all("kms:EncryptionContextKeys", keys);
        self.0.iter().fold(permission, |permission, (key, value)| {
            permission.with(format!("kms:EncryptionContext:{key}"), value)
        })
    }
}

impl From<&BTreeMap<String, String>> for EncryptionContext {
    fn from(pairs: &BTreeMap<String, String>) -> Self {
        Self(pairs.clone())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for EncryptionContext {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}
