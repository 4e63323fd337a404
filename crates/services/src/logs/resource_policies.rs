//! Resource policies: which AWS services may write events, in the whole account or in one group.
//!
//! AWS documents that they are not looked at for users, roles and other accounts (API reference, PutResourcePolicy), and
//! nothing in an installation writes events in the name of an AWS service. So they are checked, kept and shown, and decide
//! nothing here: just as they decide nothing there for those callers.

use landfall_api::logs::{self as api, error};
use landfall_iam::{Policy, PolicyError, PolicyKind, ResourceService};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::lookup::Group;
use super::record::ResourcePolicy;
use crate::pipe::{Context, Failure};
use crate::principals;

/// What a policy is on, and what it is called there.
#[derive(Debug)]
pub(super) struct Place {
    group: Option<Group>,
    pub(super) arn: String,
    pub(super) name: String,
}

impl Place {
    /// The place that a request names: a policy of the account by name, or that of a group by the group's ARN.
    ///
    /// # Errors
    /// `InvalidParameterException`
    pub(super) fn find(
        cx: &Context<'_>,
        view: &View,
        name: Option<String>,
        resource: Option<String>,
    ) -> Result<Self, Failure> {
        if let Some(resource) = resource {
            let group = Group::of_resource(cx, view, &resource)?;
            return Ok(Self { arn: group.name.arn().to_string(), name: String::new(), group: Some(group) });
        }
        let missing =
            || error::invalid_parameter_exception("Either policyName or resourceArn must be given.");
        Ok(Self { group: None, arn: String::new(), name: name.ok_or_else(missing)? })
    }

    pub(super) fn is_of_group(&self) -> bool {
        self.group.is_some()
    }

    /// The group, if it is about one, exists.
    ///
    /// # Errors
    /// `ResourceNotFoundException`
    pub(super) fn existing(&self) -> Result<(), ServiceError> {
        self.group.as_ref().map_or(Ok(()), |group| group.row().map(drop))
    }

    /// AWS's answer when there is no policy.
    pub(super) fn missing(&self) -> ServiceError {
        let named = if self.is_of_group() { &self.arn } else { &self.name };
        error::resource_not_found_exception(format!("Policy with name [{named}] does not exist."))
    }

    /// Whoever changes the policy of a group says which revision is meant; nobody loses another's change.
    ///
    /// # Errors
    /// `OperationAbortedException`
    pub(super) fn check_revision(
        &self,
        expected: Option<&str>,
        current: Option<&ResourcePolicy>,
    ) -> Result<(), ServiceError> {
        let current = current.map(|policy| policy.revision.as_str());
        let asked = self.is_of_group() || expected.is_some();
        if !asked || expected == current {
            return Ok(());
        }
        Err(error::operation_aborted_exception(
            "The specified expectedRevisionId is not the current revision of the resource policy.",
        ))
    }
}

/// A policy that somebody wants to put.
///
/// # Errors
/// `InvalidParameterException`
pub(super) fn parse(view: &View, text: &str) -> Result<Policy, Failure> {
    let policy = Policy::parse(text, PolicyKind::Resource(ResourceService::LogGroup));
    let policy = policy.map_err(|error| invalid(&error))?;
    principals::bind(view, &policy)?.map_err(|error| invalid(&error).into())
}

fn invalid(error: &PolicyError) -> ServiceError {
    error::invalid_parameter_exception(error.message())
}

/// A policy as the API shows it.
///
/// # Errors
/// A row cannot be read.
pub(super) fn shown(
    view: &View,
    arn: &str,
    name: &str,
    row: &ResourcePolicy,
) -> Result<api::ResourcePolicy, StoreError> {
    let of_group = !arn.is_empty();
    Ok(api::ResourcePolicy {
        policy_name: (!of_group).then(|| name.to_owned()),
        policy_document: Some(principals::shown(view, &row.policy)?),
        last_updated_time: Some(row.updated_at.millis()),
        policy_scope: Some(if of_group { api::PolicyScope::Resource } else { api::PolicyScope::Account }),
        resource_arn: of_group.then(|| arn.to_owned()),
        revision_id: of_group.then(|| row.revision.clone()),
    })
}
