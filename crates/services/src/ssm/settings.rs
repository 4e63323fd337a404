//! Service settings of Parameter Store.

use landfall_api::ssm as api;
use landfall_api::ssm::{ParameterTier, error};
use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::record::{SETTINGS, Setting};
use super::rules::validation;
use crate::pipe::{Context, Permission};

const TIER: &str = "/ssm/parameter-store/default-parameter-tier";

/// A setting that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: &'static str,
    default: &'static str,
    values: &'static [&'static str],
}

const KNOWN: [Known; 2] = [
    Known { id: TIER, default: "Standard", values: &["Standard", "Advanced", "Intelligent-Tiering"] },
    Known {
        id: "/ssm/parameter-store/high-throughput-enabled",
        default: "false",
        values: &["true", "false"],
    },
];

/// A setting as a request names it, whether there is one or not.
#[derive(Debug)]
pub struct Named {
    pub(super) arn: Arn,
    known: Option<Known>,
}

impl Named {
    /// By id or ARN.
    pub(super) fn of(cx: &Context<'_>, id: &str) -> Self {
        let prefix =
            format!("arn:{}:ssm:{}:{}:servicesetting", cx.region().partition(), cx.region(), cx.account());
        let path = id.strip_prefix(&prefix).unwrap_or(id);
        Self {
            arn: Arn::new(
                "ssm",
                cx.region(),
                cx.account(),
                &format!("servicesetting/{}", path.trim_start_matches('/')),
            ),
            known: KNOWN.into_iter().find(|known| known.id == path),
        }
    }

    pub(super) fn permission(&self, action: &'static str) -> Permission {
        Permission::on(action, &self.arn)
    }

    /// The setting.
    ///
    /// # Errors
    /// `ServiceSettingNotFound`
    pub(super) fn existing(&self) -> Result<Known, ServiceError> {
        self.known.ok_or_else(|| {
            error::service_setting_not_found(
                "The specified service setting wasn't found. Either the service name or the \
                 setting hasn't been provisioned by the AWS service team.",
            )
        })
    }
}

impl Known {
    /// Accepts a value that the setting can have.
    ///
    /// # Errors
    /// `ValidationException`
    pub(super) fn check(&self, value: &str) -> Result<(), ServiceError> {
        if self.values.contains(&value) {
            return Ok(());
        }
        Err(validation(format!(
            "Setting value {value} is invalid. Valid values: [{}].",
            self.values.join(", ")
        )))
    }

    /// The setting as the API shows it.
    pub(super) fn shown(&self, arn: &Arn, changed: Option<&Setting>) -> api::ServiceSetting {
        let status = if changed.is_some() { "Customized" } else { "Default" };
        api::ServiceSetting {
            setting_id: Some(self.id.to_owned()),
            setting_value: Some(changed.map_or(self.default, |setting| setting.value.as_str()).to_owned()),
            last_modified_date: changed.map(|setting| setting.modified_at),
            last_modified_user: changed
                .map_or_else(|| Some("System".to_owned()), |setting| Some(setting.modified_by.clone())),
            arn: Some(arn.to_string()),
            status: Some(status.to_owned()),
        }
    }
}

/// The tier of new parameters whose request names none.
///
/// # Errors
/// A row cannot be read.
pub(super) fn default_tier(
    view: &View,
    account: &AccountId,
    region: &Region,
) -> Result<Option<ParameterTier>, StoreError> {
    let setting = view.get(&SETTINGS, &(account, region, TIER))?;
    Ok(setting.map(|setting| setting.value.as_str().into()))
}
