//! What S3 refuses in a statement of a bucket policy beside what the policy language does: actions, resources and condition
//! keys that cannot be of this bucket (User Guide, "Policies and permissions in Amazon S3"; the texts are S3's answers).

use landfall_iam::reference;
use serde_json::Value;

const ACTION: &str = "Policy has invalid action";
const RESOURCE: &str = "Policy has invalid resource";
const NOT_APPLICABLE: &str = "Action does not apply to any resource(s) in statement";
const KEY: &str = "Policy has an invalid condition key";
const KEY_NOT_APPLICABLE: &str =
    "Conditions do not apply to combination of actions and resources in statement";

/// Checks one statement of the policy of a bucket.
///
/// # Errors
/// S3's sentence.
pub(super) fn check(statement: &Value, bucket: &str) -> Result<(), &'static str> {
    let actions = texts(statement.get("Action").or(statement.get("NotAction")));
    let resources = texts(statement.get("Resource").or(statement.get("NotResource")));
    let named: Vec<_> = actions.iter().map(|pattern| named(pattern)).collect();
    if named.iter().any(Vec::is_empty) {
        return Err(ACTION);
    }
    let mut reached = Vec::new();
    for resource in resources {
        reached.push(Reach::of(resource, bucket).ok_or(RESOURCE)?);
    }
    let listed = statement.get("Action").is_some() && statement.get("Resource").is_some();
    let applies = |action: &Action| reached.iter().any(|reach| reach.has(action));
    if listed && !named.iter().all(|actions| actions.iter().any(applies)) {
        return Err(NOT_APPLICABLE);
    }
    for key in condition_keys(statement) {
        let actions = key_actions(key).ok_or(KEY)?;
        let has_key = |action: &Action| actions.is_empty() || actions.iter().any(|name| name == action.name);
        if listed && !named.iter().all(|of_pattern| of_pattern.iter().any(has_key)) {
            return Err(KEY_NOT_APPLICABLE);
        }
    }
    Ok(())
}

/// The texts of an element, which may be one or a list.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// An action on a bucket or on objects.
struct Action {
    name: &'static str,
    of_bucket: bool,
    of_objects: bool,
}

/// The actions that a pattern names. `CreateBucket` is on a bucket that is not there yet, so that no policy can hold it.
fn named(pattern: &str) -> Vec<Action> {
    let name = match pattern.split_once(':') {
        Some((service, name)) if service.eq_ignore_ascii_case("s3") => name,
        None if pattern == "*" => pattern,
        _ => return Vec::new(),
    };
    let pattern = name.to_ascii_lowercase();
    let actions = reference::actions_of("s3").filter(|name| *name != "CreateBucket");
    actions.filter(|name| matches(&pattern, &name.to_ascii_lowercase())).filter_map(action).collect()
}

fn action(name: &'static str) -> Option<Action> {
    let types = reference::action_resources(&format!("s3:{name}"))?;
    let is = |kind: &str| types.iter().any(|name| name.trim_end_matches('*') == kind);
    let action = Action { name, of_bucket: is("bucket"), of_objects: is("object") };
    (action.of_bucket || action.of_objects).then_some(action)
}

/// What a resource of a statement can be: the bucket, its objects, or both.
struct Reach {
    bucket: bool,
    objects: bool,
}

impl Reach {
    /// `None` for what can be neither.
    fn of(resource: &str, bucket: &str) -> Option<Self> {
        let rest = resource.strip_prefix("arn:")?;
        let (_, path) = rest.split_once(":s3:::")?;
        let (name, key) = match path.split_once('/') {
            Some((name, key)) => (name, Some(key)),
            None => (path, None),
        };
        // A variable may become anything.
        let variable = name.contains('$');
        let own = variable || matches(name, bucket);
        // A `*` goes on behind the name of the bucket.
        let beyond = key.is_none() && (variable || name.contains('*')) && {
            let start = name.split('*').next().unwrap_or_default();
            variable || bucket.starts_with(start) || matches(name, bucket)
        };
        let reach = Self { bucket: own && key.is_none(), objects: own && key.is_some() || beyond };
        (reach.bucket || reach.objects).then_some(reach)
    }

    fn has(&self, action: &Action) -> bool {
        self.bucket && action.of_bucket || self.objects && action.of_objects
    }
}

fn condition_keys(statement: &Value) -> impl Iterator<Item = &str> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    operators.filter_map(|(_, keys)| keys.as_object()).flat_map(|keys| keys.keys().map(String::as_str))
}

/// The actions that a key is for, none for one that is for all. Global keys are taken unseen, as S3 does.
fn key_actions(key: &str) -> Option<&'static [String]> {
    let global = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if global { Some(&[]) } else { reference::s3_key_actions(key) }
}

/// Whether a pattern with `*` and `?` matches the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == '?' || Some(letter) == text.get(seen) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((from, taken)) = star else { return false };
                star = Some((from, taken + 1));
                (at, seen) = (from + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(action: Value, resource: Value, condition: Value) -> Option<&'static str> {
        let statement =
            json!({"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition});
        check(&statement, "b").err()
    }

    #[test]
    fn actions_must_be_of_s3_and_apply_to_the_resources() {
        let (bucket, objects) = (json!("arn:aws:s3:::b"), json!("arn:aws:s3:::b/*"));
        let both = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
        let table = [
            (json!("s3:GetObject"), &objects, None),
            (json!("s3:GETobject"), &objects, None),
            (json!("s3:*"), &bucket, None),
            (json!("*"), &objects, None),
            (json!(["s3:GetObject", "s3:ListBucket"]), &both, None),
            (json!("s3:Get*"), &bucket, None),
            (json!("s3:GetObject"), &bucket, Some(NOT_APPLICABLE)),
            (json!("s3:ListBucket"), &objects, Some(NOT_APPLICABLE)),
            (json!(["s3:GetObject", "s3:ListBucket"]), &objects, Some(NOT_APPLICABLE)),
            (json!("s3:Nope"), &objects, Some(ACTION)),
            (json!("s3:"), &objects, Some(ACTION)),
            (json!("ec2:*"), &objects, Some(ACTION)),
            (json!(["s3:GetObject", "ec2:RunInstances"]), &objects, Some(ACTION)),
            (json!("s3:ListAllMyBuckets"), &bucket, Some(ACTION)),
            (json!("s3:CreateBucket"), &bucket, Some(ACTION)),
        ];
        for (action, resource, expected) in table {
            let shown = format!("{action} {resource}");
            assert_eq!(refusal(action, resource.clone(), json!({})), expected, "{shown}");
        }
    }

    #[test]
    fn resources_must_be_the_bucket() {
        for good in [
            "arn:aws:s3:::b",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::?/x",
            "arn:aws:s3:::b*",
            "arn:aws:s3:::${aws:username}",
        ] {
            assert_eq!(refusal(json!("s3:*"), json!(good), json!({})), None, "{good}");
        }
        for bad in [
            "*",
            "arn:aws:s3:::c/*",
            "arn:aws:s3:::bb",
            "arn:aws:sqs:us-east-1:111122223333:b",
            "b",
            "arn:aws:s3:::a*",
        ] {
            assert_eq!(refusal(json!("s3:*"), json!(bad), json!({})), Some(RESOURCE), "{bad}");
        }
        assert_eq!(refusal(json!("s3:GetObject"), json!("arn:aws:s3:::b*"), json!({})), None);
        assert_eq!(refusal(json!("s3:ListBucket"), json!("arn:aws:s3:::b*"), json!({})), None);
        let others = json!({"Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::b"});
        assert_eq!(check(&others, "b"), Ok(()));
    }

    #[test]
    fn condition_keys_must_be_known_and_of_the_actions() {
        let table = [
            ("s3:GetObject", "arn:aws:s3:::b/*", "s3:ExistingObjectTag/team", None),
            ("s3:GetObject", "arn:aws:s3:::b/*", "aws:Anything", None),
            ("s3:GetObject", "arn:aws:s3:::b/*", "s3:authType", None),
            ("s3:PutObject", "arn:aws:s3:::b/*", "s3:x-amz-acl", None),
            ("s3:ListBucket", "arn:aws:s3:::b", "s3:prefix", None),
            ("s3:PutObject", "arn:aws:s3:::b/*", "s3:x-acl", Some(KEY)),
            ("s3:GetObject", "arn:aws:s3:::b/*", "ec2:Vpc", Some(KEY)),
            ("s3:GetObject", "arn:aws:s3:::b/*", "nonsense", Some(KEY)),
            ("s3:GetObject", "arn:aws:s3:::b/*", "s3:prefix", Some(KEY_NOT_APPLICABLE)),
        ];
        for (action, resource, key, expected) in table {
            let condition = json!({"StringEquals": {key: "x"}});
            assert_eq!(refusal(json!(action), json!(resource), condition), expected, "{action} {key}");
        }
        let both = (json!(["s3:ListBucket", "s3:GetBucketLocation"]), json!("arn:aws:s3:::b"));
        let prefix = json!({"StringLike": {"s3:prefix": "a/*"}});
        assert_eq!(refusal(both.0, both.1, prefix), Some(KEY_NOT_APPLICABLE));
    }
}
