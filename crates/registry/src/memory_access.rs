//! Users, passwords and permissions in memory, for tests and small set-ups.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use landfall_base::{Sensitive, random};

use crate::{Access, Attempt, Credentials, Grant, Operation, Refusal, RepositoryName};

/// What a user of [`MemoryAccess`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing but [`Operation::Ping`].
    Nothing,
    /// Read every repository.
    Pull,
    /// Read, write and delete everywhere.
    Everything,
}

/// An [`Access`] that knows a fixed set of users, by password or by tokens that it issued to them.
#[derive(Debug, Default)]
pub struct MemoryAccess {
    users: HashMap<String, (Sensitive<String>, Permission)>,
    /// Where tokens are to be had; Basic is asked for if there is none.
    token_realm: Option<String>,
    tokens: Mutex<HashMap<String, Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    user: String,
    scopes: Vec<Scope>,
}

/// `repository:NAME:pull,push` of a token request (Docker registry v2 token specification).
#[derive(Debug, Clone)]
struct Scope {
    repository: String,
    actions: Vec<String>,
}

impl MemoryAccess {
    /// Knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str, permission: Permission) -> Self {
        self.users.insert(name.to_owned(), (password.into(), permission));
        self
    }

    /// Asks for a Bearer token from `realm`, the address of a [`TokenService`](crate::TokenService), in place of Basic.
    #[must_use]
    pub fn token_realm(mut self, realm: impl Into<String>) -> Self {
        self.token_realm = Some(realm.into());
        self
    }

    fn check_password(&self, name: &str, password: &str) -> bool {
        let Some((expected, _)) = self.users.get(name) else { return false };
        verify_slices_are_equal(expected.expose().as_bytes(), password.as_bytes()).is_ok()
    }

    fn permission(&self, user: &str) -> Permission {
        self.users.get(user).map_or(Permission::Nothing, |(_, permission)| *permission)
    }

    /// A token for `scopes`, or `None` for a wrong password.
    pub(crate) fn issue_token(&self, credentials: &Credentials, scopes: &[&str]) -> Option<String> {
        let Credentials::Basic { username, password } = credentials else { return None };
        if !self.check_password(username, password.expose()) {
            return None;
        }
        let token = Token {
            user: username.clone(),
            scopes: scopes.iter().filter_map(|text| parse_scope(text)).collect(),
        };
        let text = random::alphanumeric(40);
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone(), token);
        Some(text)
    }

    fn challenge(&self, attempt: &Attempt<'_>) -> Refusal {
        let challenge = match (&self.token_realm, attempt.repository) {
            (None, _) => "Basic realm=\"registry\"".to_owned(),
            (Some(realm), None) => format!("Bearer realm=\"{realm}\",service=\"registry\""),
            (Some(realm), Some(name)) => {
                let actions = if action(&attempt.operation) == "pull" { "pull" } else { "pull,push" };
                format!("Bearer realm=\"{realm}\",service=\"registry\",scope=\"repository:{name}:{actions}\"")
            }
        };
        Refusal::Unauthenticated { challenge }
    }

    /// The user, and whether the credential itself covers the attempt.
    fn identify(&self, attempt: &Attempt<'_>) -> Option<(String, bool)> {
        match attempt.credentials? {
            Credentials::Basic { username, password } => {
                let known = self.token_realm.is_none() && self.check_password(username, password.expose());
                known.then(|| (username.clone(), true))
            }
            Credentials::Bearer(text) => {
                let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                let token = tokens.get(text.expose())?;
                Some((token.user.clone(), token.covers(attempt)))
            }
        }
    }
}

impl Token {
    fn covers(&self, attempt: &Attempt<'_>) -> bool {
        let Some(name) = attempt.repository else { return true };
        let allows = |name: &RepositoryName, wanted: &str| {
            let here = self.scopes.iter().filter(|scope| scope.repository == name.as_str());
            here.flat_map(|scope| &scope.actions).any(|action| action == wanted)
        };
        allows(name, action(&attempt.operation))
    }
}

fn parse_scope(text: &str) -> Option<Scope> {
    let (repository, actions) = text.strip_prefix("repository:")?.rsplit_once(':')?;
    let actions = actions.split(',').map(str::to_owned).collect();
    Some(Scope { repository: repository.to_owned(), actions })
}

fn action(operation: &Operation) -> &'static str {
    use Operation::{
        HeadBlob, ListRepositories, ListTags, MountFrom, Ping, PullBlob, PullManifest, Referrers,
    };
    match operation {
        Ping | PullManifest | PullBlob | HeadBlob | MountFrom | ListTags | Referrers | ListRepositories => {
            "pull"
        }
        _ => "push",
    }
}

impl Access for MemoryAccess {
    async fn authorize(&self, attempt: Attempt<'_>) -> Result<Grant, Refusal> {
        let Some((user, covered)) = self.identify(&attempt) else { return Err(self.challenge(&attempt)) };
        let allowed = match self.permission(&user) {
            Permission::Everything => true,
            Permission::Pull => action(&attempt.operation) == "pull",
            Permission::Nothing => attempt.operation == Operation::Ping,
        };
        match (allowed, covered) {
            (false, _) => {
                Err(Refusal::Denied { message: "requested access to the resource is denied".to_owned() })
            }
            (true, false) => Err(self.challenge(&attempt)),
            (true, true) => {
                let principal: Arc<str> = user.into();
                Ok(Grant { owner: Arc::clone(&principal), principal, ..Grant::default() })
            }
        }
    }
}
