//! The task definition to run: registered from a file, or found by its name.

use std::path::Path;

use landfall_api::ecs::{
    DescribeTaskDefinition, DescribeTaskDefinitionRequest, RegisterTaskDefinition, TaskDefinition,
};

use super::file;
use crate::client::{CallError, Client};
use crate::error::CliError;
use crate::terminal;

/// What `landfall run` is given.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    StandardInput,
    File(&'a Path),
    Registered(&'a str),
}

impl<'a> Target<'a> {
    /// A path is what exists as a file, or looks like one; so `./web` and `web.json` are never families.
    fn of(text: &'a str) -> Self {
        if text == "-" {
            return Self::StandardInput;
        }
        let path = Path::new(text);
        let looks_like_one = text.contains('/') || text.to_ascii_lowercase().ends_with(".json");
        if !text.starts_with("arn:") && (looks_like_one || path.is_file()) {
            return Self::File(path);
        }
        Self::Registered(text)
    }
}

/// The registered task definition that `text` stands for.
pub(super) async fn resolve(client: &Client, text: &str) -> Result<TaskDefinition, CliError> {
    match Target::of(text) {
        Target::StandardInput => register(client, "standard input", &file::read_standard_input()?).await,
        Target::File(path) => register(client, &path.display().to_string(), &file::read(path)?).await,
        Target::Registered(name) => describe(client, name).await,
    }
}

async fn register(client: &Client, source: &str, text: &str) -> Result<TaskDefinition, CliError> {
    let parsed = file::parse(source, text)?;
    for member in &parsed.unknown {
        terminal::note(&format!(
            "warning: `{member}` in `{source}` is not a member of a task definition: ignored"
        ));
    }
    let answer = client.call::<RegisterTaskDefinition>(parsed.request).await?;
    let definition = known(answer.task_definition)?;
    let (family, revision) = (definition.family.as_deref(), definition.revision);
    terminal::note(&format!("registered {}:{}", family.unwrap_or_default(), revision.unwrap_or_default()));
    Ok(definition)
}

async fn describe(client: &Client, name: &str) -> Result<TaskDefinition, CliError> {
    let input = DescribeTaskDefinitionRequest { task_definition: name.to_owned(), include: None };
    let answer = client.call::<DescribeTaskDefinition>(input).await.map_err(|error| refused(name, error))?;
    known(answer.task_definition)
}

fn refused(name: &str, error: CallError) -> CliError {
    let by_service = error.code() == Some("ClientException");
    let error = CliError::from(error);
    if !by_service {
        return error;
    }
    error
        .hint(format!("no task definition `{name}` is registered, and there is no file of that name"))
        .hint("`aws ecs list-task-definition-families` lists what is registered; a file is given by its path")
}

fn known(definition: Option<TaskDefinition>) -> Result<TaskDefinition, CliError> {
    definition.ok_or_else(|| CliError::new("the server answered without a task definition"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_are_told_apart() {
        let cases = [
            ("-", Target::StandardInput),
            ("web", Target::Registered("web")),
            ("web:3", Target::Registered("web:3")),
            (
                "arn:aws:ecs:r:0:task-definition/web:3",
                Target::Registered("arn:aws:ecs:r:0:task-definition/web:3"),
            ),
            ("./web", Target::File(Path::new("./web"))),
            ("missing.JSON", Target::File(Path::new("missing.JSON"))),
            ("Cargo.toml", Target::File(Path::new("Cargo.toml"))),
        ];
        for (text, expected) in cases {
            assert_eq!(Target::of(text), expected);
        }
    }
}
