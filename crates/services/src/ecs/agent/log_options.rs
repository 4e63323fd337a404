//! Options of log drivers that came from secrets. A task needs them as long as it writes, so they are kept: sealed, and
//! until the task is forgotten.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_api::ecs::{ContainerDefinition, LogConfiguration};
use landfall_base::Sensitive;
use landfall_store::{Tx, View};
use landfall_vault::Sealed;

use crate::ecs::launch::{SecretLogOptions, with_secret_options};
use crate::ecs::record::{SECRET_LOG_OPTIONS, TaskDefinition};
use crate::pipe::{Failure, Installation};

fn context<'a>(task_arn: &'a str, container: &'a str) -> [(&'static str, &'a str); 3] {
    [("Purpose", "LogOptions"), ("Task", task_arn), ("Container", container)]
}

/// The rows of a task that starts.
pub(super) fn seal(
    installation: &Installation,
    task_arn: &str,
    options: &SecretLogOptions,
) -> Result<Vec<(String, Sealed)>, Failure> {
    let row = |(container, options): (&String, &Vec<(String, Sensitive<String>)>)| {
        let plain: BTreeMap<&str, &str> =
            options.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let plain = Sensitive::new(serde_json::to_vec(&plain).map_err(Failure::internal)?);
        let sealed = installation.vault.seal(&context(task_arn, container), plain.expose())?;
        Ok((container.clone(), sealed))
    };
    options.iter().map(row).collect()
}

pub(super) fn keep(tx: &mut Tx, task_arn: &str, rows: &[(String, Sealed)]) {
    for (container, sealed) in rows {
        tx.put(&SECRET_LOG_OPTIONS, &(task_arn, container.as_str()), sealed);
    }
}

/// The log driver of a task's container, whole.
pub(super) fn configuration<'a>(
    installation: &Installation,
    view: &View,
    task_arn: &str,
    container: &'a ContainerDefinition,
) -> Result<Option<Cow<'a, LogConfiguration>>, Failure> {
    let Some(configuration) = &container.log_configuration else { return Ok(None) };
    let name = container.name.as_deref().unwrap_or_default();
    let has_secrets = configuration.secret_options.iter().flatten().next().is_some();
    let sealed = if has_secrets { view.get(&SECRET_LOG_OPTIONS, &(task_arn, name))? } else { None };
    let Some(sealed) = sealed else { return Ok(Some(Cow::Borrowed(configuration))) };
    let plain = installation.vault.unseal(&context(task_arn, name), &Sealed::clone(&sealed))?;
    let options: BTreeMap<String, String> =
        serde_json::from_slice(plain.expose()).map_err(Failure::internal)?;
    let options: Vec<_> = options.into_iter().map(|(name, value)| (name, Sensitive::new(value))).collect();
    Ok(Some(Cow::Owned(with_secret_options(configuration, &options))))
}

/// A definition's container by name.
pub(super) fn container<'a>(definition: &'a TaskDefinition, name: &str) -> Option<&'a ContainerDefinition> {
    definition.definition.container_definitions.iter().flatten().find(|it| it.name.as_deref() == Some(name))
}
