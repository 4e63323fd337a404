//! Log drivers.

use landfall_api::ecs::{ContainerDefinition, LogDriver, RegisterTaskDefinitionRequest};

use crate::ecs::rules::log_lines;

use super::{Verdict, ensure, refuse};

const DRIVERS: &str = "awslogs,fluentd,gelf,journald,json-file,splunk,syslog,awsfirelens";

pub(super) fn check(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let Some(configuration) = &container.log_configuration else { return Ok(()) };
    if let LogDriver::Unknown(driver) = &configuration.log_driver {
        return Err(refuse(format!("{driver} is not a valid log driver. Must be one of [{DRIVERS}]")));
    }
    let firelens = request.container_definitions.iter().any(|it| it.firelens_configuration.is_some());
    if configuration.log_driver == LogDriver::Awsfirelens && !firelens {
        return Err(refuse(
            "When a container uses the awsfirelens log driver, a FireLens container must be specified.",
        ));
    }
    if configuration.log_driver != LogDriver::Awslogs {
        return Ok(());
    }
    let option =
        |name: &str| configuration.options.as_ref().and_then(|it| it.get(name)).filter(|it| !it.is_empty());
    ensure(option("awslogs-region").is_some() && option("awslogs-group").is_some(), || {
        "Log driver awslogs requires options: awslogs-region, awslogs-group".to_owned()
    })?;
    let unknown: Vec<&str> = log_lines::unknown(configuration).collect();
    ensure(unknown.is_empty(), || format!("Log driver awslogs disallows options: {}", unknown.join(", ")))?;
    check_mode(option("mode").map(String::as_str))?;
    log_lines::check(configuration).map(drop).map_err(|wrong| refuse(wrong.to_string()))
}

fn check_mode(mode: Option<&str>) -> Verdict {
    ensure(matches!(mode, None | Some("blocking" | "non-blocking")), || {
        "Log driver option 'mode' must be one of [blocking,non-blocking]".to_owned()
    })
}
