//! From the checks of a sample call to what they are in general: action, form of the resource, condition keys.

use landfall_iam::reference::{action_resources, covers_service, resource_arn};
use landfall_services::pipe::Permission;
use regex::Regex;

use crate::exceptions::{BEYOND_THE_TABLES, OTHER_RESOURCES, is_for};

/// A check without the names of the sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form {
    pub(crate) action: &'static str,
    /// The ARN template of AWS's tables, or `*`.
    pub(crate) resource: String,
}

/// Condition keys of a check, tags by pattern. One without values is absent.
pub(crate) fn keys(permission: &Permission) -> impl Iterator<Item = String> {
    permission.context.iter().filter(|(_, values)| !values.is_empty()).map(|(key, _)| {
        if key.starts_with("kms:EncryptionContext:") {
            return "kms:EncryptionContext:${Key}".to_owned();
        }
        match key.split_once('/') {
            // Not a tag, however alike they look.
            Some(("secretsmanager:resource", _)) | None => key.clone(),
            Some((family, _)) => format!("{family}/${{TagKey}}"),
        }
    })
}

/// The form of a check.
///
/// # Errors
/// AWS's tables do not know the action, or know no such resource for it.
pub(crate) fn form(permission: &Permission) -> Result<Form, String> {
    let action = permission.action;
    let resource = &permission.resource;
    let service = action.split_once(':').map_or("", |(service, _)| service);
    if !covers_service(service) {
        return beyond(action, resource);
    }
    let types = action_resources(action).ok_or_else(|| format!("AWS has no action {action}"))?;
    if resource == "*" && types.iter().all(|kind| !kind.ends_with('*')) {
        return Ok(Form { action, resource: "*".to_owned() });
    }
    let known = types.iter().filter_map(|kind| resource_arn(service, kind.trim_end_matches('*')));
    let excepted = OTHER_RESOURCES.iter().filter(|(of, ..)| is_for(of, action)).map(|(_, form, _)| *form);
    match template(resource, known.chain(excepted).collect()) {
        Some(template) => Ok(Form { action, resource: template.to_owned() }),
        None => Err(format!("{action} is not on {resource}: AWS has {types:?}")),
    }
}

fn beyond(action: &'static str, resource: &str) -> Result<Form, String> {
    let forms = BEYOND_THE_TABLES.iter().filter(|(known, _)| *known == action).map(|(_, form)| *form);
    match template(resource, forms.collect()) {
        Some(template) => Ok(Form { action, resource: template.to_owned() }),
        None => Err(format!("{action} on {resource} is neither in AWS's tables nor in the list beside them")),
    }
}

/// The template that fits best: names without separators before those with paths.
fn template<'a>(resource: &str, templates: Vec<&'a str>) -> Option<&'a str> {
    let fits = |name: &str, template: &str| {
        let pattern = regex::escape(template);
        let variable = Regex::new(r"\\\$\\\{[A-Za-z]+\\\}").unwrap();
        let pattern = variable.replace_all(&pattern, regex::NoExpand(name));
        Regex::new(&format!("^{pattern}$")).unwrap().is_match(resource)
    };
    let exact = templates.iter().find(|template| fits("[^:/]+", template));
    exact.or_else(|| templates.iter().find(|template| fits(".+", template))).copied()
}
