//! Names a client may send: repositories, tags, references (OCI distribution specification, "Pulling manifests").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// What a client sent as a name does not follow the grammar.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a {what}: expected {expected}")]
pub struct InvalidName {
    what: &'static str,
    expected: &'static str,
    text: String,
}

/// The longest name, in characters.
const LONGEST: usize = 320;

/// A repository's name: path components of lower-case letters and digits, joined by `.`, `_`, `__` or hyphens; at most
/// 320 characters: 256 as Amazon ECR allows, and an account and a Region before them. Such a name can hold neither `..` nor
/// an empty component, so it is safe in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName(Arc<str>);

impl RepositoryName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() <= LONGEST && text.split('/').all(is_component) {
            return Ok(Self(text.into()));
        }
        Err(InvalidName {
            what: "repository name",
            expected: "at most 320 lower-case letters and digits, separated by `/`, `.`, `_`, `__` or `-`",
            text: excerpt(text),
        })
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.starts_with(word) || !text.ends_with(word) {
        return false;
    }
    text.split(word).all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    })
}

/// A tag: up to 128 letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`. Ordered as tag lists must be: without
/// regard to case, then by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

impl Tag {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl FromStr for Tag {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let shape = text.len() <= 128
            && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.bytes().all(inner);
        if shape {
            return Ok(Self(text.into()));
        }
        Err(InvalidName {
            what: "tag",
            expected: "1 to 128 letters, digits, `_`, `.` or `-`, not beginning with `.` or `-`",
            text: excerpt(text),
        })
    }
}

impl Ord for Tag {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How a manifest is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By a movable name.
    Tag(Tag),
    /// By its content.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        text.parse().map(Self::Tag)
    }
}

/// A repository within one of the registries that a server offers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// Which registry, as [`Grant`](crate::Grant) said; empty where there is only one.
    pub namespace: Arc<str>,
    /// The name in that registry. The client may see a longer one.
    pub name: RepositoryName,
}

impl TryFrom<String> for RepositoryName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for Tag {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RepositoryName> for String {
    fn from(name: RepositoryName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0.as_ref().to_owned()
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// Enough of a bad name to recognise it; outside input is not echoed at length.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repository_names() {
        for good in ["a", "library/busybox", "a.b/c_d/e__f/g--h/i---j9", &"a".repeat(320)] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "..",
            "a/../b",
            ".a",
            "a.",
            "a..b",
            "a___b",
            "a_-b",
            "-a",
            "A",
            "a b",
            "a%2fb",
            "é",
            "a\0",
            &"a".repeat(321),
        ] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn accepted_names_are_safe_in_a_path(text in "[a-z0-9._/-]{0,20}") {
            if let Ok(name) = text.parse::<RepositoryName>() {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
            }
        }

        #[test]
        fn any_text_is_an_answer(text in ".{0,40}") {
            let _ = (text.parse::<RepositoryName>(), text.parse::<Tag>(), text.parse::<Reference>());
        }
    }

    #[test]
    fn tags() {
        for good in ["latest", "_x", "1.0-RC_2", &"a".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "a:b", &"a".repeat(129)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_ordered_without_case_first() {
        let mut tags: Vec<Tag> =
            ["b", "B", "a", "C", "A1"].iter().map(|text| text.parse().unwrap()).collect();
        tags.sort();
        let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        assert_eq!(texts, ["a", "A1", "B", "b", "C"]);
    }
}
