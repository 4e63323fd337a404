//! What a `stoppedReason` means: texts of AWS, of Fargate and of the container agent old and new, matched to causes. Works
//! without a server; what the text itself names goes into the answer.

#[cfg(test)]
mod tests;
mod texts;

use landfall_api::landfall::{Cause, Finding, Fix};
use serde_json::json;

use self::texts::{TEXTS, WORDS};
use super::denial;
use crate::env::shell::quote;

/// What a text means.
pub(super) fn explain(text: &str) -> Option<Finding> {
    // AWS writes both kinds of apostrophe.
    let lower = text.to_lowercase().replace(['\u{2018}', '\u{2019}'], "'");
    if let Some(found) = missing_file(text, &lower).or_else(|| denial::explain(text)) {
        return Some(found);
    }
    let word = WORDS.iter().find(|(word, _)| *word == text.trim()).map(|(_, known)| known);
    let known = word.or_else(|| TEXTS.iter().find(|it| it.parts.iter().all(|part| lower.contains(part))))?;
    Some(Finding {
        headline: fill(known.headline, text),
        cause: known.cause.clone(),
        message: text.trim().to_owned(),
        fix: Some(fix(fill(known.fix, text), text)),
        ..Finding::default()
    })
}

/// Who may not list a bucket is not told that a file is missing, but that: nobody needs the permission to start a task.
fn missing_file(text: &str, lower: &str) -> Option<Finding> {
    if !(lower.contains("env file") && lower.contains("not authorized to perform: s3:listbucket")) {
        return None;
    }
    let bucket = after(text, "from bucket ").or_else(|| after(text, "arn:aws:s3:::")).unwrap_or("BUCKET");
    let key = after(text, "env file with key ");
    let what = key.map_or_else(|| "no such object".to_owned(), |key| format!("no object `{key}`"));
    let address = format!("s3://{bucket}/{}", key.unwrap_or("KEY"));
    Some(Finding {
        headline: format!("there is {what} in the bucket `{bucket}`"),
        cause: Cause::Content,
        message: text.trim().to_owned(),
        fix: Some(Fix {
            text: "upload the file, or correct its ARN in `environmentFiles`".to_owned(),
            command: Some(format!("aws s3 cp FILE {}", quote(&address))),
            ..Fix::default()
        }),
        ..Finding::default()
    })
}

/// With the command, or the document, where the text names all that it needs.
fn fix(text: String, reason: &str) -> Fix {
    let put =
        |name| format!("aws ssm put-parameter --name {} --type SecureString --value='VALUE'", quote(name));
    let command = if reason.contains("marked for deletion") {
        value("{secret}", reason)
            .map(|it| format!("aws secretsmanager restore-secret --secret-id {}", quote(it)))
    } else {
        value("{parameters}", reason).map(|it| it.split(',').map(put).collect::<Vec<_>>().join("\n"))
    };
    let document = value("{role}", reason).map(|_| {
        let statement = json!({
            "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"
        });
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    });
    Fix { text, command, document, ..Fix::default() }
}

/// What the text names.
fn value<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    match name {
        "{key}" => after(text, "did not contain json key "),
        "{role}" => after(text, "assume the role '"),
        "{secret}" => {
            let phrases = ["failed to fetch secret ", "secret from the service for "];
            phrases.into_iter().find_map(|it| after(text, it))
        }
        "{arn}" => after(text, "the secret with ARN '"),
        "{container}" => after(text, "container '"),
        "{options}" => {
            text.split_once("requires options: ").map(|(_, rest)| rest.trim().trim_end_matches('.'))
        }
        "{member}" => after(text, "requires that '"),
        "{name}" => after(text, "specified for secret "),
        "{bucket}" => after(text, "client for bucket "),
        "{user}" => after(text, "unable to find user "),
        "{parameters}" => after(text, "invalid parameters: "),
        _ => None,
    }
}

/// Puts what the text names into a sentence.
fn fill(sentence: &str, text: &str) -> String {
    const NAMES: [&str; 11] = [
        "{key}",
        "{role}",
        "{secret}",
        "{arn}",
        "{container}",
        "{options}",
        "{member}",
        "{name}",
        "{bucket}",
        "{user}",
        "{parameters}",
    ];
    let mut out = sentence.to_owned();
    for name in NAMES {
        if out.contains(name) {
            out = out.replace(name, value(name, text).unwrap_or("…"));
        }
    }
    out
}

/// The word behind a phrase, without the punctuation that ends it.
pub(super) fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(phrase)?;
    let word = rest.split_whitespace().next()?.trim_end_matches([':', '.', ',', '\'', ')', ';']);
    (!word.is_empty()).then_some(word)
}
