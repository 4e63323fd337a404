//! Which actions exist and which resources they take (AWS Service Authorization Reference), for the services that
//! Landfall has. The engine decides without it; hints and the tests of callers use it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Reference {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    types: BTreeMap<String, String>,
    actions: BTreeMap<String, Vec<String>>,
    /// The service's own condition keys, where they are known: a key that ends in `/` has names of tags behind it. With
    /// each the actions that it is for; none for a key that is not only for some.
    #[serde(default)]
    keys: BTreeMap<String, Vec<String>>,
}

static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/sar.json")).unwrap_or_default());

/// The resource types of an action, given as `service:Name` without regard to case; a type that the action requires
/// ends in `*`. Empty for an action whose resource is `*`, `None` for one that does not exist or whose service is not
/// covered.
pub fn action_resources(action: &str) -> Option<&'static [String]> {
    let (service, name) = action.split_once(':')?;
    let actions = &REFERENCE.services.get(&service.to_ascii_lowercase())?.actions;
    let found = actions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, types)| types.as_slice())
}

/// The ARN template of a resource type, for example `arn:${Partition}:ecs:…:cluster/${ClusterName}`.
pub fn resource_arn(service: &str, resource_type: &str) -> Option<&'static str> {
    REFERENCE.services.get(service)?.types.get(resource_type).map(String::as_str)
}

/// Whether an action can be about the resource of an ARN, as far as the shapes of ARNs tell; `None` for an action that
/// is not known here. A `*` in the ARN stands for names.
pub fn applies_to(action: &str, arn: &str) -> Option<bool> {
    Some(arn_templates(action)?.any(|(_, template)| fits(arn, template)))
}

/// The resource types of an action, each with its ARN template; `None` for an action that is not known here.
pub fn arn_templates(action: &str) -> Option<impl Iterator<Item = (&'static str, &'static str)>> {
    let service = action.split_once(':')?.0.to_ascii_lowercase();
    let types = action_resources(action)?.iter().map(|name| name.trim_end_matches('*'));
    Some(types.filter_map(move |name| Some((name, resource_arn(&service, name)?))))
}

/// Whether an ARN has the shape of a template. CloudWatch Logs writes the ARNs of groups with more at the end.
fn fits(arn: &str, template: &str) -> bool {
    let group = || [":*", ":log-stream:"].iter().find_map(|end| arn.strip_suffix(end));
    let group = template.contains(":log-group:").then(group).flatten();
    has_shape(arn, template) || group.is_some_and(|arn| has_shape(arn, template))
}

/// Each `${Name}` is at least one character and no colon. Bucket names have no slash either, which is what tells them
/// from objects.
fn has_shape(arn: &str, template: &str) -> bool {
    let Some((head, rest)) = template.split_once("${") else { return arn == template };
    let (Some(arn), Some((name, rest))) = (arn.strip_prefix(head), rest.split_once('}')) else {
        return false;
    };
    let Some(first) = arn.chars().next().map(char::len_utf8) else { return false };
    let next = rest.split("${").next().unwrap_or(rest);
    // The shortest value is the right one wherever one is: it leaves most for what follows.
    let end = if next.is_empty() {
        Some(arn.len())
    } else {
        arn.get(first..).and_then(|it| it.find(next)).map(|at| at + first)
    };
    let Some((value, left)) = end.and_then(|end| arn.split_at_checked(end)) else { return false };
    let foreign: &[char] = if name == "BucketName" { &[':', '/'] } else { &[':'] };
    !value.contains(foreign) && has_shape(left, rest)
}

/// The names of the service's actions, in no particular order.
pub fn actions_of(service: &str) -> impl Iterator<Item = &'static str> {
    REFERENCE.services.get(service).into_iter().flat_map(|it| it.actions.keys().map(String::as_str))
}

/// The actions that one of S3's own condition keys is for, by name; empty for a key that is not only for some, `None` for
/// one that does not exist.
pub fn s3_key_actions(key: &str) -> Option<&'static [String]> {
    let name = match key.split_once('/') {
        Some((name, tag)) if !tag.is_empty() => &key[..=name.len()],
        Some(_) => return None,
        None => key,
    };
    let mut keys = REFERENCE.services.get("s3")?.keys.iter();
    keys.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, actions)| actions.as_slice())
}

/// Whether the service's actions are known here.
pub fn covers_service(service: &str) -> bool {
    REFERENCE.services.contains_key(&service.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_their_resources() {
        assert_eq!(action_resources("ECR:getauthorizationtoken"), Some(&[][..]));
        assert_eq!(action_resources("ecs:RunTask"), Some(&["task-definition*".to_owned()][..]));
        assert_eq!(action_resources("ecs:RunTasks"), None);
        assert!(covers_service("kms") && !covers_service("lambda"));
    }

    #[test]
    fn condition_keys_of_s3() {
        assert_eq!(
            s3_key_actions("s3:Prefix"),
            Some(&["ListBucket".to_owned(), "ListBucketVersions".to_owned()][..])
        );
        assert_eq!(s3_key_actions("s3:ExistingObjectTag/team"), Some(&[][..]));
        for unknown in
            ["s3:ExistingObjectTag", "s3:ExistingObjectTag/", "s3:x-acl", "s3:prefix/a", "kms:ViaService"]
        {
            assert_eq!(s3_key_actions(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_an_action_can_be_about() {
        let cases = [
            ("s3:GetObject", "arn:aws:s3:::b", Some(false)),
            ("s3:GetObject", "arn:aws:s3:::b/a/c:d", Some(false)),
            ("s3:GetObject", "arn:aws:s3:::b/a/c", Some(true)),
            ("s3:GetObject", "arn:aws:s3:::b/*", Some(true)),
            ("S3:listbucket", "arn:aws:s3:::b", Some(true)),
            ("s3:ListBucket", "arn:aws:s3:::b/k", Some(false)),
            ("s3:ListBucket", "arn:aws:s3:::", Some(false)),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:role/a/b", Some(true)),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:user/a", Some(false)),
            ("ecs:RunTask", "arn:aws:ecs:us-east-1:111122223333:task-definition/a:1", Some(true)),
            ("ecs:RunTask", "arn:aws:ecs:us-east-1:111122223333:cluster/a", Some(false)),
            (
                "logs:PutLogEvents",
                "arn:aws:logs:us-east-1:111122223333:log-group:/a/b:log-stream:c/d",
                Some(true),
            ),
            ("logs:DescribeLogStreams", "arn:aws:logs:us-east-1:111122223333:log-group:/a/b:*", Some(true)),
            ("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:alias/a", Some(false)),
            ("lambda:Invoke", "arn:aws:s3:::b", None),
        ];
        for (action, arn, expected) in cases {
            assert_eq!(applies_to(action, arn), expected, "{action} {arn}");
        }
    }

    #[test]
    fn every_required_type_has_a_template() {
        for (name, service) in &REFERENCE.services {
            for kind in service.actions.values().flatten().filter(|kind| kind.ends_with('*')) {
                assert!(resource_arn(name, kind.trim_end_matches('*')).is_some(), "{name} {kind}");
            }
        }
    }
}
