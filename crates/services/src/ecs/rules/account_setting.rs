//! Account settings: names, values and what holds where nothing was set (Developer Guide, "Account settings").

use landfall_api::ecs::{SettingName, error};
use landfall_shape::ServiceError;

/// A setting's name, the values it takes and the one it has at first.
pub const SETTINGS: [(SettingName, &[&str], &str); 11] = [
    (SettingName::AwsvpcTrunking, SWITCH, "disabled"),
    (SettingName::ContainerInsights, &["enabled", "disabled", "enhanced"], "disabled"),
    (SettingName::ContainerInstanceLongArnFormat, SWITCH, "enabled"),
    (SettingName::DefaultLogDriverMode, &["blocking", "non-blocking"], "non-blocking"),
    (SettingName::FargateEventWindows, SWITCH, "disabled"),
    (SettingName::FargateFipsMode, SWITCH, "disabled"),
    (SettingName::FargateTaskRetirementWaitPeriod, &["0", "7", "14"], "7"),
    (SettingName::GuardDutyActivate, &["on", "off"], "off"),
    (SettingName::ServiceLongArnFormat, SWITCH, "enabled"),
    (SettingName::TagResourceAuthorization, &["on", "off"], "on"),
    (SettingName::TaskLongArnFormat, SWITCH, "enabled"),
];

const SWITCH: &[&str] = &["enabled", "disabled"];

/// The value that a setting has at first.
pub fn default_value(name: &SettingName) -> Option<&'static str> {
    SETTINGS.iter().find(|(other, ..)| other == name).map(|(.., value)| *value)
}

/// Checks a value that somebody wants to set.
///
/// # Errors
/// `InvalidParameterException` for names and values that there are not, and for what only AWS changes.
pub fn check(name: &SettingName, value: &str) -> Result<(), ServiceError> {
    let Some((_, values, _)) = SETTINGS.iter().find(|(other, ..)| other == name) else {
        return Err(error::invalid_parameter_exception(format!("Invalid setting name: {name}.")));
    };
    if *name == SettingName::GuardDutyActivate {
        return Err(error::invalid_parameter_exception(
            "The guardDutyActivate setting is managed by Amazon GuardDuty and can't be changed.",
        ));
    }
    if values.contains(&value) {
        return Ok(());
    }
    let values = values.join(", ");
    Err(error::invalid_parameter_exception(format!(
        "Invalid value for setting {name}. Valid values: {values}."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_model_has_a_valid_default() {
        for name in SettingName::VALUES {
            let name = SettingName::from(*name);
            let (_, values, value) = SETTINGS.iter().find(|(other, ..)| *other == name).unwrap();
            assert!(values.contains(value), "{name}");
        }
    }

    #[test]
    fn wrong_settings_are_refused() {
        assert!(check(&SettingName::TaskLongArnFormat, "enabled").is_ok());
        assert!(check(&SettingName::TaskLongArnFormat, "yes").is_err());
        assert!(check(&SettingName::GuardDutyActivate, "on").is_err());
        assert!(check(&SettingName::from("moon"), "on").is_err());
    }
}
