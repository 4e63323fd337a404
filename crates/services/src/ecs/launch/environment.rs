//! What the kernel takes of a container's environment: of everything that a program is given, arguments and variables
//! together, a quarter of the stack's limit.

use std::collections::BTreeMap;

use landfall_acs::advice::with_member;
use landfall_acs::{Cause, Finding, Fix, LaunchKind};
use landfall_api::ecs as api;
use landfall_base::Sensitive;
use serde_json::{Value, json};

use super::wording;

/// Linux' usual limit of a stack, in bytes.
const STACK: u64 = 8 << 20;
/// More than this no stack brings (`fs/exec.c`: three quarters of `_STK_LIM`).
const MOST: u64 = STACK / 4 * 3;
/// The stack that brings it.
const ENOUGH: i64 = 24 << 20;
/// Less than this no stack leaves (`ARG_MAX`).
const LEAST: u64 = 128 << 10;
/// Left for what the image and this installation put beside it.
const MARGIN: u64 = 16 << 10;
/// Names of variables that are told.
const TOLD: usize = 5;

/// What is known of a container's environment before its start.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerEnvironment {
    /// The container's name.
    pub container: String,
    /// The variables of the definition and of overrides.
    plain: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    has_files: bool,
    ulimits: Vec<api::Ulimit>,
    program: String,
}

impl ContainerEnvironment {
    /// Of a container and what overrides it.
    pub(super) fn of(
        container: &api::ContainerDefinition,
        overrides: Option<&api::TaskOverride>,
        has_files: bool,
    ) -> Self {
        let name = container.name.clone().unwrap_or_default();
        let over = overrides.iter().flat_map(|it| it.container_overrides.iter().flatten());
        let over =
            over.filter(|it| it.name.as_ref() == Some(&name)).flat_map(|it| it.environment.iter().flatten());
        let pair = |it: &api::KeyValuePair| {
            (it.name.clone().unwrap_or_default(), it.value.clone().unwrap_or_default())
        };
        let secret = |it: &api::Secret| (it.name.clone(), it.value_from.clone());
        let mut words = [&container.entry_point, &container.command].into_iter().flatten().flatten();
        Self {
            container: name.clone(),
            plain: container.environment.iter().flatten().chain(over).map(pair).collect(),
            secrets: container.secrets.iter().flatten().map(secret).collect(),
            has_files,
            ulimits: container.ulimits.clone().unwrap_or_default(),
            program: words.next().map(|it| format!("exec {it}: ")).unwrap_or_default(),
        }
    }

    /// What is to be told if a program cannot be given all that; `given` are secrets and variables of files.
    pub(super) fn too_large(
        &self,
        given: &[(String, Sensitive<String>)],
        launch: LaunchKind,
    ) -> Option<Finding> {
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        let given = given.iter().map(|(name, value)| (name, value.expose()));
        for (name, value) in given.chain(self.plain.iter().map(|(name, value)| (name, value))) {
            sizes.insert(name, size(name, value));
        }
        let (all, limit) = (sizes.values().sum::<u64>(), self.limit());
        if all <= limit {
            return None;
        }
        let container = &self.container;
        Some(Finding {
            headline: format!(
                "the environment of `{container}` is too large: {} KiB, and a program can be given {} KiB",
                all >> 10,
                limit >> 10
            ),
            cause: Cause::Configuration,
            message: wording::not_started(launch, &format!("{}argument list too long", self.program)),
            fix: Some(self.fix(&sizes, all, launch)),
        })
    }

    fn limit(&self) -> u64 {
        let stack = self.ulimits.iter().find(|it| it.name == api::UlimitName::Stack);
        let stack = stack.and_then(|it| u64::try_from(it.soft_limit).ok()).unwrap_or(STACK);
        (stack / 4).clamp(LEAST, MOST)
    }

    /// A larger stack where there can be one; else what fits, and the program has to fetch the others.
    fn fix(&self, sizes: &BTreeMap<&str, u64>, all: u64, launch: LaunchKind) -> Fix {
        match launch {
            LaunchKind::Ec2 | LaunchKind::External if all + MARGIN <= MOST => self.larger_stack(),
            _ => self.what_fits(sizes, all),
        }
    }

    fn larger_stack(&self) -> Fix {
        let limit =
            |name: &str, soft: i64, hard: i64| json!({"name": name, "softLimit": soft, "hardLimit": hard});
        let others = self.ulimits.iter().filter(|it| it.name != api::UlimitName::Stack);
        let mut limits: Vec<Value> = others
            .map(|it| limit(it.name.as_str(), i64::from(it.soft_limit), i64::from(it.hard_limit)))
            .collect();
        limits.push(limit("stack", ENOUGH, ENOUGH));
        let text = format!(
            "give `{}` a larger stack: a quarter of its limit is for arguments and environment",
            self.container
        );
        with_member(&text, "ulimits", limits)
    }

    /// Without the largest secrets, and without environment files if that is not enough.
    fn what_fits(&self, sizes: &BTreeMap<&str, u64>, all: u64) -> Fix {
        let (mut left, mut kept) = (all, self.secrets.clone());
        let mut out: Vec<String> = Vec::new();
        while left + MARGIN > self.limit() {
            let size_of =
                |(name, _): &(String, String)| sizes.get(name.as_str()).copied().unwrap_or_default();
            let Some((at, size)) = kept.iter().map(size_of).enumerate().max_by_key(|(_, size)| *size) else {
                break;
            };
            left -= size;
            out.push(kept.remove(at).0);
        }
        let mut members = Vec::new();
        if !out.is_empty() {
            let kept: Vec<_> =
                kept.iter().map(|(name, from)| json!({"name": name, "valueFrom": from})).collect();
            members.push(format!("\"secrets\": {}", Value::Array(kept)));
        }
        if self.has_files && left + MARGIN > self.limit() {
            members.push("\"environmentFiles\": []".to_owned());
            out.push("the environment files".to_owned());
        }
        let text = format!(
            "give `{}` what fits, and let its program fetch the others itself: {}",
            self.container,
            first_of(out)
        );
        Fix { document: (!members.is_empty()).then(|| members.join("\n")), ..Fix::advice(text) }
    }
}

/// The first few, and how many there are beside them.
fn first_of(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(TOLD);
    names.truncate(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// A variable with `=`, the zero byte behind it and the pointer to it.
fn size(name: &str, value: &str) -> u64 {
    (name.len() + value.len() + 2 + size_of::<usize>()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(extra: Value) -> ContainerEnvironment {
        let mut container = json!({"name": "app", "image": "x", "command": ["run"], "secrets": [
            {"name": "S0", "valueFrom": "a"}, {"name": "S1", "valueFrom": "b"}]});
        container.as_object_mut().unwrap().append(&mut extra.as_object().unwrap().clone());
        let definition = crate::ecs::launch::stage::definition(&json!([container]));
        ContainerEnvironment::of(&definition.container_definitions.unwrap()[0], None, false)
    }

    fn given(sizes: &[usize]) -> Vec<(String, Sensitive<String>)> {
        sizes.iter().enumerate().map(|(at, size)| (format!("S{at}"), "x".repeat(*size).into())).collect()
    }

    #[test]
    fn a_quarter_of_the_stack() {
        let it = environment(json!({}));
        assert_eq!(it.too_large(&given(&[1 << 20, (1 << 20) - 100]), LaunchKind::Ec2), None);
        let found = it.too_large(&given(&[1 << 20, 1 << 20]), LaunchKind::Ec2).unwrap();
        assert!(found.message.ends_with("exec run: argument list too long: unknown"), "{}", found.message);
        let stack = format!("{{{}}}", found.fix.unwrap().document.unwrap());
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&stack).unwrap(),
            json!({"ulimits": [{"name": "stack", "softLimit": 25_165_824, "hardLimit": 25_165_824}]})
        );
        let it = environment(
            json!({"ulimits": [{"name": "stack", "softLimit": 25_165_824, "hardLimit": 25_165_824}]}),
        );
        assert_eq!(it.too_large(&given(&[1 << 20, 1 << 20]), LaunchKind::Ec2), None);
    }

    #[test]
    fn what_fits_stays() {
        let it = environment(json!({}));
        let fix = it.too_large(&given(&[1 << 20, 3 << 20]), LaunchKind::Fargate).unwrap().fix.unwrap();
        assert_eq!(fix.document.as_deref(), Some(r#""secrets": [{"name":"S0","valueFrom":"a"}]"#));
        assert!(fix.text.ends_with("fetch the others itself: S1"), "{}", fix.text);
    }

    #[test]
    fn the_definitions_own_variables_replace_secrets() {
        let it = environment(json!({"environment": [{"name": "S1", "value": "small"}]}));
        assert_eq!(it.too_large(&given(&[1 << 20, 3 << 20]), LaunchKind::Fargate), None);
    }
}
