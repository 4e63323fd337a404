//! From the names in a request to rows, and to the permissions that calls on them need.

use std::sync::Arc;

use landfall_api::logs::error;
use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::names::GroupName;
use super::record::{GROUPS, LogGroup, LogStream, STREAMS};
use crate::pipe::{Context, Failure, Permission};

/// A log group that a request names; its row if it exists.
#[derive(Debug)]
pub struct Group {
    pub(super) name: GroupName,
    row: Option<Arc<LogGroup>>,
}

/// A log stream that a request names; its row if it exists.
#[derive(Debug)]
pub struct Stream {
    pub(super) group: Group,
    pub(super) name: String,
    row: Option<Arc<LogStream>>,
}

impl Group {
    /// The group with a name in the caller's account and Region.
    pub(super) fn named(cx: &Context<'_>, view: &View, name: String) -> Result<Self, StoreError> {
        Self::at(view, GroupName { account: cx.account().clone(), region: cx.region().clone(), name })
    }

    fn at(view: &View, name: GroupName) -> Result<Self, StoreError> {
        let row = view.get(&GROUPS, &(&name.account, &name.region, name.name.as_str()))?;
        Ok(Self { name, row })
    }

    /// The group with a name or an identifier; a request must have exactly one of them.
    pub(super) fn given(
        cx: &Context<'_>,
        view: &View,
        name: Option<String>,
        identifier: Option<String>,
    ) -> Result<Self, Failure> {
        match (name, identifier) {
            (Some(_), Some(_)) => {
                let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
                Err(error::validation_exception(text).into())
            }
            (Some(name), None) => Ok(Self::named(cx, view, name)?),
            (None, Some(identifier)) => Ok(Self::identified(cx, view, identifier)?),
            (None, None) => {
                let text = "Expected either logGroupName or logGroupIdentifier.";
                Err(error::invalid_parameter_exception(text).into())
            }
        }
    }

    /// The group with an identifier: a name or an ARN.
    fn identified(cx: &Context<'_>, view: &View, identifier: String) -> Result<Self, StoreError> {
        match GroupName::of_arn(&identifier).filter(|name| name.region == *cx.region()) {
            Some(name) => Self::at(view, name),
            None => Self::named(cx, view, identifier),
        }
    }

    /// The group that a tagging call names by ARN.
    pub(super) fn of_resource(cx: &Context<'_>, view: &View, arn: &str) -> Result<Self, Failure> {
        let name = GroupName::of_arn(arn).filter(|name| name.region == *cx.region());
        let invalid = || {
            error::invalid_parameter_exception(format!(
                "`{arn}` is not the ARN of a log group in this Region."
            ))
        };
        Ok(Self::at(view, name.ok_or_else(invalid)?)?)
    }

    /// The group whose key a call is about: by name or by ARN.
    pub(super) fn for_key(
        cx: &Context<'_>,
        view: &View,
        name: Option<String>,
        resource: Option<String>,
    ) -> Result<Self, Failure> {
        match (name, resource) {
            (Some(name), None) => Ok(Self::named(cx, view, name)?),
            (None, Some(arn)) if arn.ends_with(":query-result:*") => {
                let text = "Results of queries are not stored in this installation: there is nothing that a key would protect.";
                Err(error::invalid_parameter_exception(text).into())
            }
            (None, Some(arn)) => Self::of_resource(cx, view, &arn),
            _ => {
                let text = "Exactly one of logGroupName and resourceIdentifier must be given.";
                Err(error::invalid_parameter_exception(text).into())
            }
        }
    }

    /// The key of its row.
    pub(super) fn key(&self) -> (&AccountId, &Region, &str) {
        (&self.name.account, &self.name.region, &self.name.name)
    }

    pub(super) fn exists(&self) -> bool {
        self.row.is_some()
    }

    /// Its row.
    ///
    /// # Errors
    /// AWS's answer when there is none.
    pub(super) fn row(&self) -> Result<&Arc<LogGroup>, ServiceError> {
        let missing = || error::resource_not_found_exception("The specified log group does not exist.");
        self.row.as_ref().ok_or_else(missing)
    }

    fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.row.iter().flat_map(|row| &row.tags).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// What a call on the whole group needs.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        Permission::on(action, &self.name.scope_arn()).with_resource_tags(self.tags())
    }

    /// What TagResource, UntagResource and ListTagsForResource need: here policies name the group without `:*`
    /// (CloudWatch Logs user guide, "Identity and access management", log group ARNs).
    pub(super) fn tagging_permission(&self, action: &'static str) -> Permission {
        Permission::on(action, &self.name.arn()).with_resource_tags(self.tags())
    }
}

impl Stream {
    /// The stream with a name in a group.
    pub(super) fn in_group(view: &View, group: Group, name: String) -> Result<Self, StoreError> {
        let (account, region, group_name) = group.key();
        let row = view.get(&STREAMS, &(account, region, group_name, name.as_str()))?;
        Ok(Self { group, name, row })
    }

    /// The key of its row.
    pub(super) fn key(&self) -> (&AccountId, &Region, &str, &str) {
        let (account, region, group) = self.group.key();
        (account, region, group, &self.name)
    }

    pub(super) fn exists(&self) -> bool {
        self.row.is_some()
    }

    /// Its group's row and its own.
    ///
    /// # Errors
    /// AWS's answer when one is not there.
    pub(super) fn rows(&self) -> Result<(&Arc<LogGroup>, &Arc<LogStream>), ServiceError> {
        Ok((self.group.row()?, self.row.as_ref().ok_or_else(no_stream)?))
    }

    /// What a call on the stream needs.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        Permission::on(action, &self.group.name.stream_arn(&self.name)).with_resource_tags(self.group.tags())
    }
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    // Streams have no tags of their own.
    let group = arn.as_str().split(":log-stream:").next().unwrap_or_default();
    let Some(name) = GroupName::of_arn(group) else { return Ok(None) };
    let group = Group::at(view, name)?;
    Ok(Some(group.tagging_permission("logs:ListTagsForResource")))
}

/// AWS's answer when a stream is not there.
pub(super) fn no_stream() -> ServiceError {
    error::resource_not_found_exception("The specified log stream does not exist.")
}
