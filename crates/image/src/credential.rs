//! What a registry is told about who is asking.

use std::fmt;

use landfall_base::Sensitive;

/// A user name and password for one registry, as a registry secret or an ECR token holds them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user name; `AWS` for ECR tokens.
    pub username: String,
    /// The password or token.
    pub password: Sensitive<String>,
}

impl Credential {
    /// Puts the two together.
    pub fn new(username: impl Into<String>, password: impl Into<Sensitive<String>>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The user name is left out too: it comes from the same secret.
        f.write_str("Credential(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Credential::new("bob", "hunter2")), "Credential(***)");
    }
}
