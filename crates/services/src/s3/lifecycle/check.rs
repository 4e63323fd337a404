//! Which rules a bucket can have (API Reference, "PutBucketLifecycleConfiguration"; User Guide, "Lifecycle configuration elements").

use std::collections::HashSet;

use landfall_base::Timestamp;
use landfall_shape::ServiceError;

use super::{Expiration, Filter, Rule, When};
use crate::s3::error::{invalid_argument, invalid_request, malformed_xml};

/// The most rules of a bucket.
const MOST_RULES: usize = 1000;

const LONGEST_ID: usize = 255;

/// Classes that objects do not move to before they are 30 days old.
const NOT_BEFORE_30: [&str; 2] = ["STANDARD_IA", "ONEZONE_IA"];

/// Classes that objects can move to.
const TARGETS: [&str; 6] =
    ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// Looks whether a bucket can have these rules.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`, `InvalidRequest`
pub fn check(rules: &[Rule]) -> Result<(), ServiceError> {
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(malformed_xml());
    }
    let mut ids = HashSet::new();
    for rule in rules {
        if rule.id.len() > LONGEST_ID {
            return Err(invalid_argument("ID length should not exceed allowed limit of 255"));
        }
        if !ids.insert(rule.id.as_str()) {
            return Err(invalid_argument("Rule ID must be unique. Found same ID for more than one rule"));
        }
        check_rule(rule)?;
    }
    Ok(())
}

fn check_rule(rule: &Rule) -> Result<(), ServiceError> {
    if rule.prefix.is_some() == rule.filter.is_some() {
        return Err(malformed_xml());
    }
    if let Some(filter) = &rule.filter {
        check_filter(filter)?;
    }
    let acts = rule.expiration.is_some()
        || rule.noncurrent_expiration.is_some()
        || rule.abort_after.is_some()
        || !rule.transitions.is_empty()
        || !rule.noncurrent_transitions.is_empty();
    if !acts {
        return Err(invalid_request("At least one action needs to be specified in a rule"));
    }
    if rule.abort_after.is_some() && rule.filter.as_ref().is_some_and(|filter| !filter.tags.is_empty()) {
        return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags"));
    }
    check_days(rule)?;
    check_transitions(rule)
}

fn check_filter(filter: &Filter) -> Result<(), ServiceError> {
    let parts = usize::from(filter.prefix.is_some())
        + filter.tags.len()
        + usize::from(filter.above.is_some())
        + usize::from(filter.below.is_some());
    if filter.and && parts < 2 || !filter.and && parts > 1 {
        return Err(malformed_xml());
    }
    match (filter.above, filter.below) {
        (Some(above), Some(below)) if above >= below => Err(invalid_request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'",
        )),
        _ => Ok(()),
    }
}

fn positive(days: i32, of: &str) -> Result<(), ServiceError> {
    if days > 0 {
        return Ok(());
    }
    Err(invalid_argument(format!("'{of} action must be a positive integer")))
}

fn midnight(date: Timestamp) -> Result<(), ServiceError> {
    if date == date.day() { Ok(()) } else { Err(invalid_argument("'Date' must be at midnight GMT")) }
}

fn check_days(rule: &Rule) -> Result<(), ServiceError> {
    match rule.expiration {
        Some(Expiration::At(When::Days(days))) => positive(days, "Days' for Expiration")?,
        Some(Expiration::At(When::Date(date))) => midnight(date)?,
        _ => {}
    }
    if let Some(ends) = rule.noncurrent_expiration {
        positive(ends.days, "NoncurrentDays' for NoncurrentVersionExpiration")?;
        if ends.keep.is_some_and(|keep| !(1..=100).contains(&keep)) {
            return Err(invalid_argument("'NewerNoncurrentVersions' must be between 1 and 100"));
        }
    }
    match rule.abort_after {
        Some(days) => positive(days, "DaysAfterInitiation' for AbortIncompleteMultipartUpload"),
        None => Ok(()),
    }
}

fn check_transitions(rule: &Rule) -> Result<(), ServiceError> {
    let mut classes = HashSet::new();
    for transition in &rule.transitions {
        check_target(&transition.class)?;
        if !classes.insert(transition.class.as_str()) {
            return Err(invalid_request(format!(
                "'StorageClass' must be different for 'Transition' actions in same 'Rule' with prefix '{}'",
                prefix(rule)
            )));
        }
        match transition.when {
            When::Date(date) => midnight(date)?,
            When::Days(days) => {
                not_before(days, &transition.class, "Days' in Transition")?;
                ends_later(rule, days)?;
            }
        }
    }
    for (noncurrent, class) in &rule.noncurrent_transitions {
        check_target(class)?;
        not_before(noncurrent.days, class, "NoncurrentDays' in NoncurrentVersionTransition")?;
    }
    Ok(())
}

fn check_target(class: &str) -> Result<(), ServiceError> {
    if TARGETS.contains(&class) { Ok(()) } else { Err(malformed_xml()) }
}

fn not_before(days: i32, class: &str, of: &str) -> Result<(), ServiceError> {
    if days < 0 {
        return Err(invalid_argument(format!("'{of} action must be nonnegative")));
    }
    if days < 30 && NOT_BEFORE_30.contains(&class) {
        return Err(invalid_argument(format!(
            "'{of} action must be greater than or equal to 30 for storageClass '{class}'"
        )));
    }
    Ok(())
}

fn ends_later(rule: &Rule, moves: i32) -> Result<(), ServiceError> {
    match rule.expiration {
        Some(Expiration::At(When::Days(days))) if days <= moves => Err(invalid_argument(format!(
            "'Days' in the Expiration action for prefix '{}' must be greater than 'Days' in the Transition action",
            prefix(rule)
        ))),
        _ => Ok(()),
    }
}

fn prefix(rule: &Rule) -> &str {
    let of_filter = rule.filter.as_ref().and_then(|filter| filter.prefix.as_deref());
    rule.prefix.as_deref().or(of_filter).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Noncurrent, Transition};
    use super::*;

    fn rule() -> Rule {
        Rule {
            id: "a".to_owned(),
            enabled: true,
            filter: Some(Filter::default()),
            expiration: Some(Expiration::At(When::Days(365))),
            ..Rule::default()
        }
    }

    fn moving(days: i32, class: &str) -> Rule {
        let transition = Transition { when: When::Days(days), class: class.to_owned() };
        Rule { transitions: vec![transition], ..rule() }
    }

    #[test]
    fn rules_that_a_bucket_can_have() {
        let upload = Rule { expiration: None, abort_after: Some(7), ..rule() };
        let older = Noncurrent { days: 1, keep: Some(3) };
        for good in [
            rule(),
            Rule { filter: None, prefix: Some(String::new()), ..rule() },
            upload,
            moving(30, "STANDARD_IA"),
            moving(0, "GLACIER"),
            Rule { noncurrent_expiration: Some(older), expiration: None, ..rule() },
            Rule { expiration: Some(Expiration::Markers(true)), ..rule() },
        ] {
            let text = format!("{good:?}");
            assert_eq!(check(&[good]), Ok(()), "{text}");
        }
    }

    #[test]
    fn rules_that_no_bucket_can_have() {
        let tagged = Filter { tags: vec![("a".to_owned(), "b".to_owned())], ..Filter::default() };
        let two = Filter { prefix: Some("p".to_owned()), ..tagged.clone() };
        let noon = Timestamp::parse_iso8601("2026-11-28T12:00:00Z").unwrap();
        for (bad, code) in [
            (Rule { filter: None, ..rule() }, "MalformedXML"),
            (Rule { prefix: Some(String::new()), ..rule() }, "MalformedXML"),
            (Rule { filter: Some(two), ..rule() }, "MalformedXML"),
            (Rule { filter: Some(Filter { and: true, ..Filter::default() }), ..rule() }, "MalformedXML"),
            (Rule { expiration: None, ..rule() }, "InvalidRequest"),
            (Rule { filter: Some(tagged), abort_after: Some(1), ..rule() }, "InvalidRequest"),
            (Rule { expiration: Some(Expiration::At(When::Days(0))), ..rule() }, "InvalidArgument"),
            (Rule { expiration: Some(Expiration::At(When::Date(noon))), ..rule() }, "InvalidArgument"),
            (moving(29, "STANDARD_IA"), "InvalidArgument"),
            (moving(365, "GLACIER"), "InvalidArgument"),
            (moving(30, "STANDARD"), "MalformedXML"),
        ] {
            let text = format!("{bad:?}");
            assert_eq!(check(&[bad]).unwrap_err().code, code, "{text}");
        }
        assert_eq!(check(&[rule(), rule()]).unwrap_err().code, "InvalidArgument");
        assert_eq!(check(&[]).unwrap_err().code, "MalformedXML");
    }
}
