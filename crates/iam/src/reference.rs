//! Which actions exist and which resources they take (AWS Service Authorization Reference), for the services that
//! Landfall has. The engine decides without it; hints and the tests of callers use it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Reference {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    types: BTreeMap<String, String>,
    actions: BTreeMap<String, Vec<String>>,
}

static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/sar.json")).unwrap_or_default());

/// The resource types of an action, given as `service:Name` without regard to case; a type that the action requires
/// ends in `*`. Empty for an action whose resource is `*`, `None` for one that does not exist or whose service is not
/// covered.
pub fn action_resources(action: &str) -> Option<&'static [String]> {
    let (service, name) = action.split_once(':')?;
    let actions = &REFERENCE.services.get(&service.to_ascii_lowercase())?.actions;
    let found = actions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, types)| types.as_slice())
}

/// The ARN template of a resource type, for example `arn:${Partition}:ecs:…:cluster/${ClusterName}`.
pub fn resource_arn(service: &str, resource_type: &str) -> Option<&'static str> {
    REFERENCE.services.get(service)?.types.get(resource_type).map(String::as_str)
}

/// Whether the service's actions are known here.
pub fn covers_service(service: &str) -> bool {
    REFERENCE.services.contains_key(&service.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_their_resources() {
        assert_eq!(action_resources("ECR:getauthorizationtoken"), Some(&[][..]));
        assert_eq!(action_resources("ecs:RunTask"), Some(&["task-definition*".to_owned()][..]));
        assert_eq!(action_resources("ecs:RunTasks"), None);
        assert!(covers_service("kms") && !covers_service("lambda"));
    }

    #[test]
    fn every_required_type_has_a_template() {
        for (name, service) in &REFERENCE.services {
            for kind in service.actions.values().flatten().filter(|kind| kind.ends_with('*')) {
                assert!(resource_arn(name, kind.trim_end_matches('*')).is_some(), "{name} {kind}");
            }
        }
    }
}
