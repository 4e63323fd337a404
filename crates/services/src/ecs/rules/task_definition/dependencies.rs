//! `dependsOn`.

use landfall_api::ecs::{ContainerCondition, ContainerDefinition, ContainerDependency};

use super::{Verdict, ensure, is_essential, name_of, refuse};

pub(super) fn check(containers: &[ContainerDefinition]) -> Verdict {
    for container in containers {
        for dependency in container.depends_on.iter().flatten() {
            check_dependency(containers, dependency)?;
        }
    }
    ensure(!has_cycle(containers), || "Container dependsOn contains a cycle".to_owned())
}

fn check_dependency(containers: &[ContainerDefinition], dependency: &ContainerDependency) -> Verdict {
    let Some(target) = containers.iter().find(|it| name_of(it) == dependency.container_name) else {
        let name = &dependency.container_name;
        return Err(refuse(format!("Cannot depend on container + '{name}' because it does not exist")));
    };
    match &dependency.condition {
        ContainerCondition::Start => Ok(()),
        ContainerCondition::Complete | ContainerCondition::Success => ensure(!is_essential(target), || {
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
                .to_owned()
        }),
        ContainerCondition::Healthy => ensure(target.health_check.is_some(), || {
            "A dependency container with HEALTHY condition must have health check configured".to_owned()
        }),
        ContainerCondition::Unknown(condition) => {
            Err(refuse(format!("Invalid container dependency condition: {condition}.")))
        }
    }
}

/// Takes away, again and again, every container all of whose dependencies are gone; a cycle is what stays.
fn has_cycle(containers: &[ContainerDefinition]) -> bool {
    let mut left: Vec<&ContainerDefinition> = containers.iter().collect();
    loop {
        let names: Vec<&str> = left.iter().map(|it| name_of(it)).collect();
        let before = left.len();
        left.retain(|it| {
            let mut on = it.depends_on.iter().flatten();
            on.any(|dependency| names.contains(&dependency.container_name.as_str()))
        });
        if left.is_empty() || left.len() == before {
            return !left.is_empty();
        }
    }
}
