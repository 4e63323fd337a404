//! Cross-origin rules of a bucket: which pages of other origins a browser lets ask it for what (User Guide, "Using cross-origin
//! resource sharing (CORS)").

use landfall_shape::ServiceError;
use serde::{Deserialize, Serialize};

use super::error;

/// The most rules of a bucket.
const MOST_RULES: usize = 100;

const METHODS: [&str; 5] = ["DELETE", "GET", "HEAD", "POST", "PUT"];

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The client's name for it.
    #[serde(default)]
    pub id: Option<String>,
    /// Origins, with one `*` each at most.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Headers that a request may have, with one `*` each at most.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Headers of answers that the page may see.
    #[serde(default)]
    pub exposed: Vec<String>,
    /// How long the browser may remember this, in seconds.
    #[serde(default)]
    pub max_age: Option<i32>,
}

/// What a browser asks.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The page's origin.
    pub origin: &'a str,
    /// The method.
    pub method: &'a str,
    /// Headers that it would send beside the harmless ones.
    pub headers: &'a [String],
}

impl Rule {
    /// Whether this rule allows what is asked.
    fn allows(&self, asked: Question<'_>) -> bool {
        let header = |name: &String| {
            let name = name.to_ascii_lowercase();
            self.headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), &name))
        };
        self.methods.iter().any(|method| method == asked.method)
            && self.origins.iter().any(|origin| fits(origin, asked.origin))
            && asked.headers.iter().all(header)
    }

    /// The origin that the answer names: any, where the rule says so.
    pub fn answered_origin<'a>(&self, origin: &'a str) -> &'a str {
        if self.origins.iter().any(|it| it == "*") { "*" } else { origin }
    }
}

/// The first rule that allows what is asked.
pub fn find<'a>(rules: &'a [Rule], asked: Question<'_>) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.allows(asked))
}

/// A text, or with one `*` a beginning and an end.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

/// Looks whether a bucket can have these rules.
///
/// # Errors
/// `InvalidRequest`, `MalformedXML`
pub fn check(rules: &[Rule]) -> Result<(), ServiceError> {
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(error::malformed_xml());
    }
    rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &Rule) -> Result<(), ServiceError> {
    if rule.origins.is_empty() || rule.methods.is_empty() {
        return Err(error::malformed_xml());
    }
    if let Some(method) = rule.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
        let text = format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
        return Err(error::invalid_request(text));
    }
    one_star("AllowedOrigin", &rule.origins)?;
    one_star("AllowedHeader", &rule.headers)?;
    match rule.exposed.iter().find(|header| header.contains('*')) {
        Some(header) => Err(error::invalid_request(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        ))),
        None => Ok(()),
    }
}

fn one_star(name: &str, patterns: &[String]) -> Result<(), ServiceError> {
    match patterns.iter().find(|pattern| pattern.matches('*').count() > 1) {
        Some(pattern) => {
            Err(error::invalid_request(format!("{name} \"{pattern}\" can not have more than one wildcard.")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> Rule {
        Rule { origins: texts(origins), methods: texts(methods), headers: texts(headers), ..Rule::default() }
    }

    #[test]
    fn the_first_rule_that_allows_all_of_it() {
        let rules = [
            rule(&["https://*.example.com"], &["PUT"], &["x-amz-*", "Content-Type"]),
            rule(&["*"], &["GET"], &[]),
        ];
        for (origin, method, headers, expected) in [
            ("https://a.example.com", "PUT", &["X-Amz-Date", "content-type"][..], Some(0)),
            ("https://a.example.com", "PUT", &["x-other"], None),
            ("https://example.com", "PUT", &[], None),
            ("https://a.example.com", "GET", &[], Some(1)),
            ("https://other.test", "GET", &[], Some(1)),
            ("https://other.test", "GET", &["content-type"], None),
            ("https://other.test", "DELETE", &[], None),
        ] {
            let headers = texts(headers);
            let found = find(&rules, Question { origin, method, headers: &headers });
            let at = found.and_then(|found| rules.iter().position(|rule| rule == found));
            assert_eq!(at, expected, "{origin} {method} {headers:?}");
        }
        assert_eq!(rules[0].answered_origin("https://a.example.com"), "https://a.example.com");
        assert_eq!(rules[1].answered_origin("https://a.example.com"), "*");
    }

    #[test]
    fn rules_that_no_bucket_can_have() {
        let exposing = Rule { exposed: texts(&["*"]), ..rule(&["*"], &["GET"], &[]) };
        for (rules, code) in [
            (vec![], "MalformedXML"),
            (vec![rule(&[], &["GET"], &[])], "MalformedXML"),
            (vec![rule(&["*"], &["OPTIONS"], &[])], "InvalidRequest"),
            (vec![rule(&["*"], &["get"], &[])], "InvalidRequest"),
            (vec![rule(&["http://*.*"], &["GET"], &[])], "InvalidRequest"),
            (vec![rule(&["*"], &["GET"], &["x-*-*"])], "InvalidRequest"),
            (vec![exposing], "InvalidRequest"),
            (vec![rule(&["*"], &["GET"], &[]); 101], "MalformedXML"),
        ] {
            assert_eq!(check(&rules).unwrap_err().code, code, "{rules:?}");
        }
        assert!(check(&[rule(&["*"], &["GET", "PUT"], &["*"])]).is_ok());
    }
}
