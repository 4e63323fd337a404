//! What goes into a role's session: tags and source identity of the request, and of the session that asks for it (IAM
//! User Guide, "Passing session tags in AWS STS" and "Monitor and control actions taken with assumed roles").

use landfall_api::sts::AssumeRoleRequest;
use landfall_shape::ServiceError;

use crate::pipe::SessionFacts;

/// Tags and source identity of a new session.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Passed {
    /// Those of the request and the inherited ones.
    pub(super) tags: Vec<(String, String)>,
    /// Keys of the tags that go on.
    pub(super) transitive: Vec<String>,
    /// Set once, it stays.
    pub(super) source_identity: Option<String>,
}

impl Passed {
    /// Puts together what the request and the caller's session pass.
    ///
    /// # Errors
    /// The request contradicts itself or what is inherited.
    pub(super) fn of(
        session: Option<&SessionFacts>,
        input: &AssumeRoleRequest,
    ) -> Result<Self, ServiceError> {
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone()));
        let mut passed = Self {
            tags: tags.collect(),
            transitive: input.transitive_tag_keys.clone().unwrap_or_default(),
            source_identity: input.source_identity.clone(),
        };
        passed.check()?;
        if let Some(session) = session {
            passed.inherit(session)?;
        }
        Ok(passed)
    }

    fn check(&self) -> Result<(), ServiceError> {
        check_keys(&self.tags)?;
        if self.transitive.iter().all(|key| self.tags.iter().any(|(tag, _)| same(tag, key))) {
            return Ok(());
        }
        let text = "The specified transitive tag key must be included in the requested tags.";
        Err(ServiceError::client("ValidationError", text))
    }

    fn inherit(&mut self, session: &SessionFacts) -> Result<(), ServiceError> {
        for key in &session.transitive {
            if self.tags.iter().any(|(tag, _)| same(tag, key)) {
                let text = "One of the specified transitive tag keys can't be set because it conflicts with a \
                            transitive tag key from the calling session.";
                return Err(ServiceError::client("InvalidParameterValue", text));
            }
            self.tags.extend(session.tags.iter().find(|(tag, _)| same(tag, key)).cloned());
            self.transitive.push(key.clone());
        }
        match (&session.source_identity, &self.source_identity) {
            (Some(set), Some(wanted)) if set != wanted => {
                let text = "The source identity of the calling session cannot be changed.";
                Err(ServiceError::client("ValidationError", text))
            }
            (Some(set), _) => {
                self.source_identity = Some(set.clone());
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }
}

/// Session tags differ by more than case, and are not AWS's own.
///
/// # Errors
/// Two do not; one is.
pub(super) fn check_keys(tags: &[(String, String)]) -> Result<(), ServiceError> {
    if tags.iter().any(|(key, _)| key.to_lowercase().starts_with("aws:")) {
        let text = "Tag keys that begin with aws: are reserved for system use.";
        return Err(ServiceError::client("InvalidParameterValue", text));
    }
    let mut known = tags.iter().enumerate();
    if known.any(|(at, (key, _))| tags.iter().take(at).any(|(earlier, _)| same(earlier, key))) {
        let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(ServiceError::client("InvalidParameterValue", text));
    }
    Ok(())
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
