//! The condition keys that a document asks for: in conditions, and as variables.

use serde_json::Value;

/// Adds the keys of a document that was accepted as a policy. Keys differ by more than case.
pub(super) fn context_keys(document: &str, keys: &mut Vec<String>) {
    let Ok(document) = serde_json::from_str::<Value>(document) else { return };
    let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
    for statement in items(document.get("Statement")) {
        for element in ["Resource", "NotResource"] {
            items(statement.get(element)).for_each(|text| add_variables(text, variables, keys));
        }
        let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
        for (key, values) in operators.filter_map(|(_, entries)| entries.as_object()).flatten() {
            add(key, keys);
            items(Some(values)).for_each(|text| add_variables(text, variables, keys));
        }
    }
}

/// The entries of a list, or the one value that stands for it.
fn items(value: Option<&Value>) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Some(Value::Array(items)) => Box::new(items.iter()),
        other => Box::new(other.into_iter()),
    }
}

fn add(key: &str, keys: &mut Vec<String>) {
    if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
        keys.push(key.to_owned());
    }
}

fn add_variables(text: &Value, variables: bool, keys: &mut Vec<String>) {
    let Some(text) = text.as_str().filter(|_| variables) else { return };
    for part in text.split("${").skip(1) {
        let Some((variable, _)) = part.split_once('}') else { continue };
        let name = variable.split(',').next().unwrap_or_default().trim();
        if !["*", "?", "$"].contains(&name) {
            add(name, keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(document: &str) -> Vec<String> {
        let mut keys = Vec::new();
        context_keys(document, &mut keys);
        keys
    }

    #[test]
    fn conditions_and_variables() {
        let statement = r#""Statement":{"Effect":"Allow","Action":"s3:*",
            "Resource":["arn:aws:s3:::b/${aws:username}/${*}","arn:aws:s3:::${aws:PrincipalTag/team, 'x'}"],
            "Condition":{"StringEquals":{"aws:PrincipalOrgID":"${aws:SourceVpc}"},"Bool":{"AWS:principalorgid":"1"}}}"#;
        assert_eq!(
            keys(&format!(r#"{{"Version":"2012-10-17",{statement}}}"#)),
            ["aws:username", "aws:PrincipalTag/team", "aws:PrincipalOrgID", "aws:SourceVpc"]
        );
        assert_eq!(keys(&format!("{{{statement}}}")), ["aws:PrincipalOrgID"]);
    }
}
