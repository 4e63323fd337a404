//! Health checks (API reference, HealthCheck).

use landfall_api::ecs::ContainerDefinition;

use super::{Verdict, ensure, name_of};

pub(super) fn check(container: &ContainerDefinition) -> Verdict {
    let Some(check) = &container.health_check else { return Ok(()) };
    let name = name_of(container);
    let words = check.command.iter().map(String::as_str).collect::<Vec<_>>();
    let valid = matches!(words.as_slice(), ["CMD", _, ..] | ["CMD-SHELL", _] | ["NONE"]);
    ensure(valid, || {
        format!(
            "Invalid 'healthCheck' setting for container '{name}'. The command must begin with CMD or CMD-SHELL, \
             followed by what to run."
        )
    })?;
    for (member, value, from, to) in [
        ("interval", check.interval, 5, 300),
        ("timeout", check.timeout, 2, 60),
        ("retries", check.retries, 1, 10),
        ("startPeriod", check.start_period, 0, 300),
    ] {
        ensure(value.is_none_or(|value| (from..=to).contains(&value)), || {
            format!(
                "Invalid 'healthCheck.{member}' setting for container '{name}'. It must be between {from} and {to}."
            )
        })?;
    }
    Ok(())
}
