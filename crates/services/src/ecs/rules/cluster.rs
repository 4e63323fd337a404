//! What clusters may say.

use std::string::FromUtf8Error;

use landfall_api::ecs::{self as api, error};
use landfall_shape::{ServiceError, Shape as _};
use landfall_wire::json;

/// Providers that every account has.
pub const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// Settings of a cluster that says nothing.
pub fn default_settings() -> Vec<(String, String)> {
    vec![("containerInsights".to_owned(), "disabled".to_owned())]
}

/// Settings of a request as rows keep them.
///
/// # Errors
/// `InvalidParameterException` for names and values that there are not.
pub fn settings(given: &[api::ClusterSetting]) -> Result<Vec<(String, String)>, ServiceError> {
    let mut out = default_settings();
    for setting in given {
        let value = setting.value.as_deref().unwrap_or_default();
        let known = setting.name == Some(api::ClusterSettingName::ContainerInsights);
        if !known || !matches!(value, "enabled" | "disabled" | "enhanced") {
            return Err(error::invalid_parameter_exception(
                "Invalid cluster setting. The setting containerInsights takes the values enabled, enhanced and disabled.",
            ));
        }
        out = vec![("containerInsights".to_owned(), value.to_owned())];
    }
    Ok(out)
}

/// A configuration as rows keep it.
///
/// # Errors
/// It cannot be written as text.
pub fn configuration(given: &api::ClusterConfiguration) -> Result<String, FromUtf8Error> {
    let body = json::encode(&api::schema::CLUSTER_CONFIGURATION, &given.clone().into_value());
    String::from_utf8(body)
}

/// A strategy as rows keep it: provider, weight, base.
pub fn strategy(given: &[api::CapacityProviderStrategyItem]) -> Vec<(String, i32, i32)> {
    let item = |it: &api::CapacityProviderStrategyItem| {
        (it.capacity_provider.clone(), it.weight.unwrap_or(0), it.base.unwrap_or(0))
    };
    given.iter().map(item).collect()
}

/// Checks that providers exist.
///
/// # Errors
/// `InvalidParameterException` otherwise.
pub fn check_providers(providers: &[String]) -> Result<(), ServiceError> {
    match providers.iter().find(|name| !PROVIDERS.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(error::invalid_parameter_exception(format!(
            "The specified capacity provider {name} was not found. Specify a valid name or ARN and try again."
        ))),
    }
}

/// Checks a default strategy against the cluster's providers.
///
/// # Errors
/// `InvalidParameterException` if it names others.
pub fn check_default_strategy(
    strategy: &[(String, i32, i32)],
    providers: &[String],
) -> Result<(), ServiceError> {
    if strategy.iter().all(|(name, ..)| providers.contains(name)) {
        return Ok(());
    }
    Err(error::invalid_parameter_exception(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the \
         cluster. Associate the capacity provider with the cluster and try again.",
    ))
}
