//! Names of sandboxes and containers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text cannot name a sandbox or a container.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a valid name: expected 1 to 128 letters, digits, `-`, `_` or `.`, beginning with a letter or digit"
)]
pub struct InvalidName(String);

/// Names become directory, cgroup and interface names, so nothing that a path could take amiss is let in.
fn check(text: &str) -> Result<Box<str>, InvalidName> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let well_formed = text.len() <= 128
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(allowed);
    if well_formed { Ok(text.into()) } else { Err(InvalidName(text.to_owned())) }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Box<str>);

        impl $type {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check(text).map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Names a sandbox: what the containers of one task share.
    SandboxId
}

name! {
    /// Names a container; unique on the host, not only in its sandbox.
    ContainerId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_in_paths_are_taken() {
        for (text, valid) in [
            ("web", true),
            ("a.b-c_9", true),
            ("", false),
            (".", false),
            ("..", false),
            ("-x", false),
            ("a/b", false),
            ("ä", false),
        ] {
            assert_eq!(text.parse::<ContainerId>().is_ok(), valid, "{text}");
        }
        assert!("x".repeat(129).parse::<SandboxId>().is_err());
    }
}
