//! The settings of a registry: their names, values and defaults.

use landfall_shape::ServiceError;

use super::registry::{BLOB_MOUNTING, REGISTRY_POLICY_SCOPE};
use super::rules::wording;

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub(super) name: &'static str,
    /// Its values; the first is the default.
    values: &'static [&'static str],
}

const SETTINGS: &[Setting] = &[
    Setting { name: "BASIC_SCAN_TYPE_VERSION", values: &["AWS_NATIVE"] },
    Setting { name: REGISTRY_POLICY_SCOPE, values: &["V1", "V2"] },
    Setting { name: BLOB_MOUNTING, values: &["DISABLED", "ENABLED"] },
];

impl Setting {
    /// # Errors
    /// `InvalidParameterException`
    pub(super) fn named(name: &str) -> Result<&'static Self, ServiceError> {
        let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        let found = SETTINGS.iter().find(|setting| setting.name == name);
        found.ok_or_else(|| wording::invalid("name", &format!("must be one of [{}]", names.join(", "))))
    }

    /// # Errors
    /// `InvalidParameterException`
    pub(super) fn check(&self, value: &str) -> Result<(), ServiceError> {
        if self.values.contains(&value) {
            return Ok(());
        }
        Err(wording::invalid("value", &format!("must be one of [{}]", self.values.join(", "))))
    }

    pub(super) fn default(&self) -> &'static str {
        self.values.first().copied().unwrap_or_default()
    }
}
