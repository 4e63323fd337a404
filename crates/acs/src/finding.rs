//! Why a step of a start failed, as data: one headline, one cause, one thing to do.

use serde::{Deserialize, Serialize};

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The cause in one sentence.
    pub headline: String,
    /// Its kind.
    pub cause: Cause,
    /// AWS's own message: the `stoppedReason` of the task or the `reason` of the container.
    pub message: String,
    /// What to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// Kinds of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// A policy does not allow it, or denies it.
    Permission,
    /// A secret, parameter or file is missing or holds the wrong thing.
    Content,
    /// The task definition, or something it names, is not right.
    Configuration,
    /// The registry said no.
    Registry,
    /// Something cannot be reached.
    Network,
    /// There is no room.
    Capacity,
}

impl Cause {
    /// As the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "PERMISSION",
            Self::Content => "CONTENT",
            Self::Configuration => "CONFIGURATION",
            Self::Registry => "REGISTRY",
            Self::Network => "NETWORK",
            Self::Capacity => "CAPACITY",
        }
    }
}

/// What to change, to be pasted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// A command for a POSIX shell. Words in capitals such as `PASSWORD` are to be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The policy statement or the corrected JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The policies were evaluated again with the statement added, and then allow the step.
    pub verified: bool,
}

impl Fix {
    /// Something to do that no command does.
    pub fn advice(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Something to do, and the command that does it.
    pub fn command(text: impl Into<String>, command: impl Into<String>) -> Self {
        Self { text: text.into(), command: Some(command.into()), ..Self::default() }
    }

    /// For an image by a digest that its registry does not have: no push brings that about. The image gets a tag, and the
    /// task definition names it by that. `None` for an image without a digest.
    pub fn instead_of_digest(image: &str) -> Option<Self> {
        let (name, _) = image.split_once('@')?;
        let tagged = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
        let name = if tagged { name.to_owned() } else { format!("{name}:TAG") };
        Some(Self {
            document: Some(format!("\"image\": \"{name}\"")),
            ..Self::command(
                "the registry does not have this digest, and pushing does not make it: push the image by a tag, and name it \
                 by that, or name a digest that there is",
                format!("docker tag IMAGE {name}\ndocker push {name}"),
            )
        })
    }

    /// Both in one line.
    pub fn line(&self) -> String {
        match &self.command {
            None => self.text.clone(),
            Some(command) if self.text.is_empty() => command.clone(),
            Some(command) => format!("{}: {command}", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_replaced_by_a_tag() {
        for (image, expected) in [
            ("hub.example.com:5000/team/app@sha256:00", Some("hub.example.com:5000/team/app:TAG")),
            ("app:1@sha256:00", Some("app:1")),
            ("hub.example.com:5000/app:1", None),
        ] {
            let fix = Fix::instead_of_digest(image);
            let member = expected.map(|it| format!("\"image\": \"{it}\""));
            assert_eq!(fix.as_ref().and_then(|it| it.document.clone()), member, "{image}");
            let command = expected.map(|it| format!("docker tag IMAGE {it}\ndocker push {it}"));
            assert_eq!(fix.and_then(|it| it.command), command, "{image}");
        }
    }
}
