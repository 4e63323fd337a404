//! Tags: what a request gives, and putting them on what there is.

use landfall_api::ec2::{Tag, TagSpecification};
use landfall_shape::ServiceError;

use super::errors::{self, Kind};
use super::network::Network;
use super::record::Tags;

/// Most tags that one resource has.
const MOST: usize = 50;

/// The tags of a request, sorted by key.
///
/// # Errors
/// `InvalidParameterValue`, `TagLimitExceeded`
pub(super) fn of_request(given: Option<Vec<Tag>>) -> Result<Tags, ServiceError> {
    let mut tags = Tags::new();
    for tag in given.into_iter().flatten() {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        check(&key, &value)?;
        if tags.iter().any(|(other, _)| *other == key) {
            return Err(errors::invalid_value(format!("Duplicate tag key '{key}' specified.")));
        }
        tags.push((key, value));
    }
    tags.sort();
    limited(tags)
}

/// The tags that something is made with.
///
/// # Errors
/// `InvalidParameterValue`, `TagLimitExceeded`
pub(super) fn of_specifications(
    given: Option<Vec<TagSpecification>>,
    kind: Kind,
) -> Result<Tags, ServiceError> {
    let mut tags = Vec::new();
    for specification in given.into_iter().flatten() {
        let wanted = specification.resource_type.as_ref().map_or("", |it| it.as_str());
        if wanted != kind.name() {
            let message = format!("'{wanted}' is not a valid taggable resource type for this operation.");
            return Err(errors::invalid_value(message));
        }
        tags.extend(specification.tags.unwrap_or_default());
    }
    of_request(Some(tags))
}

/// The tags with more of them; those with the same keys are replaced.
///
/// # Errors
/// `TagLimitExceeded`
pub(super) fn with(present: &[(String, String)], more: &[(String, String)]) -> Result<Tags, ServiceError> {
    let kept = present.iter().filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
    let mut tags: Tags = kept.chain(more).cloned().collect();
    tags.sort();
    limited(tags)
}

/// The tags without some: by key, and by value where one is given. Without any given, all go.
pub(super) fn without(present: &[(String, String)], given: Option<&[Tag]>) -> Tags {
    let Some(given) = given.filter(|given| !given.is_empty()) else { return Tags::new() };
    let goes = |key: &str, value: &str| {
        given.iter().any(|tag| {
            tag.key.as_deref() == Some(key) && tag.value.as_deref().is_none_or(|other| other == value)
        })
    };
    present.iter().filter(|(key, value)| !goes(key, value)).cloned().collect()
}

fn check(key: &str, value: &str) -> Result<(), ServiceError> {
    if key.is_empty() {
        return Err(errors::invalid_value("Tag keys cannot be empty."));
    }
    if key.starts_with("aws:") {
        let message = "Tag keys starting with 'aws:' are reserved for internal use";
        return Err(errors::invalid_value(message));
    }
    if key.chars().count() > 128 {
        return Err(errors::invalid_value(format!(
            "Tag key exceeds the maximum length of 128 characters: {key}"
        )));
    }
    if value.chars().count() > 256 {
        return Err(errors::invalid_value("Tag value exceeds the maximum length of 256 characters"));
    }
    Ok(())
}

fn limited(tags: Tags) -> Result<Tags, ServiceError> {
    if tags.len() > MOST {
        let message = "The maximum number of Tags for a resource has been reached.";
        return Err(ServiceError::client("TagLimitExceeded", message));
    }
    Ok(tags)
}

/// What is to be tagged, by the kinds that the ids are of.
///
/// # Errors
/// `InvalidID`, `MissingParameter`
pub(super) fn resources(ids: Vec<String>) -> Result<Vec<(Kind, String)>, ServiceError> {
    if ids.is_empty() {
        return Err(errors::missing("The request must contain the parameter resourceIdSet"));
    }
    let kind = |id: String| match Kind::of(&id) {
        Some(kind) => Ok((kind, id)),
        None => Err(ServiceError::client("InvalidID", format!("The ID '{id}' is not valid"))),
    };
    let mut resources: Vec<_> = ids.into_iter().map(kind).collect::<Result<_, _>>()?;
    resources.sort_by(|(_, one), (_, other)| one.cmp(other));
    resources.dedup_by(|(_, one), (_, other)| one == other);
    Ok(resources)
}

/// The tags that something has.
///
/// # Errors
/// `InvalidVpcID.NotFound` and the like
pub(super) fn of_resource<'a>(
    network: &'a Network,
    kind: Kind,
    id: &str,
) -> Result<&'a [(String, String)], ServiceError> {
    network.tags(kind, id).ok_or_else(|| errors::not_found(kind, id))
}
