//! Lifecycle policies: what they may say, and which images they let go.
//!
//! Rules are looked at in the order of their priority, lowest number first. A rule counts all images that it selects, also
//! those that a rule before has taken; it lets go only of those that no rule before it selects (ECR User Guide, "How the
//! lifecycle policy works").

use std::collections::{BTreeSet, HashSet};

use landfall_base::Timestamp;
use serde::Deserialize;

use super::wildcard;

const DAY: i64 = 86_400;

/// A lifecycle policy, its rules in the order of their priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    priority: i32,
    tags: Selector,
    count: Count,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Any,
    Untagged,
    /// All of these are the beginning of a tag.
    Prefixes(Vec<String>),
    /// All of these match a tag.
    Patterns(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    MoreThan(usize),
    DaysSincePushed(i64),
    DaysSincePulled(i64),
}

/// An image as rules see it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When it was last pulled.
    pub pulled_at: Option<Timestamp>,
    /// A list of images names it: it cannot go before the list.
    pub held: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    rules: Vec<RuleDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleDocument {
    rule_priority: i32,
    #[serde(rename = "description", default)]
    _description: Option<String>,
    selection: SelectionDocument,
    action: ActionDocument,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SelectionDocument {
    tag_status: String,
    #[serde(default)]
    tag_prefix_list: Option<Vec<String>>,
    #[serde(default)]
    tag_pattern_list: Option<Vec<String>>,
    #[serde(default)]
    storage_class: Option<String>,
    count_type: String,
    #[serde(default)]
    count_unit: Option<String>,
    count_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActionDocument {
    r#type: String,
    #[serde(default)]
    target_storage_class: Option<String>,
}

impl Policy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if document.rules.is_empty() {
            return Err("the policy has no rules".to_owned());
        }
        let mut rules = document.rules.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        rules.sort_by_key(|rule| rule.priority);
        check_order(&rules)?;
        Ok(Self { rules })
    }

    /// The images that go, by their place in `images`, with the priority of the rule.
    pub fn expiring(&self, images: &[Candidate], now: Timestamp) -> Vec<(usize, i32)> {
        let mut newest: Vec<usize> = (0..images.len()).collect();
        newest.sort_by_key(|at| std::cmp::Reverse(images.get(*at).map(|image| image.pushed_at)));
        let (mut selected, mut expiring) = (HashSet::new(), Vec::new());
        for rule in &self.rules {
            let mine: Vec<usize> = newest
                .iter()
                .copied()
                .filter(|at| images.get(*at).is_some_and(|image| rule.tags.selects(&image.tags)))
                .collect();
            for (position, at) in mine.iter().enumerate() {
                let Some(image) = images.get(*at) else { continue };
                if rule.count.is_over(position, image, now) && !image.held && !selected.contains(at) {
                    expiring.push((*at, rule.priority));
                }
            }
            selected.extend(mine);
        }
        expiring.sort_unstable();
        expiring
    }
}

fn rule(document: RuleDocument) -> Result<Rule, String> {
    let RuleDocument { rule_priority: priority, selection, action, .. } = document;
    if priority < 1 {
        return Err(format!("rulePriority {priority} is less than 1"));
    }
    match action.r#type.as_str() {
        "expire" if action.target_storage_class.is_none() => {}
        "expire" => return Err("targetStorageClass goes with the action transition".to_owned()),
        "transition" => {
            return Err("the action transition is not available: there is no archive here".to_owned());
        }
        other => return Err(format!("the action type {other} is not one of [expire, transition]")),
    }
    if selection.storage_class.as_deref().is_some_and(|class| class != "standard") {
        return Err("the storageClass must be standard: there is no archive here".to_owned());
    }
    Ok(Rule { priority, count: count(&selection)?, tags: selector(selection)? })
}

fn selector(selection: SelectionDocument) -> Result<Selector, String> {
    let prefixes = selection.tag_prefix_list.unwrap_or_default();
    let patterns = selection.tag_pattern_list.unwrap_or_default();
    if prefixes.iter().chain(&patterns).any(String::is_empty) {
        return Err("tagPrefixList and tagPatternList must not hold an empty text".to_owned());
    }
    match selection.tag_status.as_str() {
        "any" | "untagged" if !prefixes.is_empty() || !patterns.is_empty() => Err(format!(
            "tagPrefixList and tagPatternList go with tagStatus tagged, not {}",
            selection.tag_status
        )),
        "any" => Ok(Selector::Any),
        "untagged" => Ok(Selector::Untagged),
        "tagged" => match (prefixes.is_empty(), patterns.is_empty()) {
            (true, true) => Err("tagStatus tagged needs a tagPrefixList or a tagPatternList".to_owned()),
            (false, false) => Err("tagPrefixList and tagPatternList exclude each other".to_owned()),
            (false, true) => Ok(Selector::Prefixes(prefixes)),
            (true, false) if patterns.iter().any(|it| it.matches('*').count() > 4) => {
                Err("a pattern of tagPatternList must not have more than 4 wildcards".to_owned())
            }
            (true, false) => Ok(Selector::Patterns(patterns)),
        },
        other => Err(format!("tagStatus {other} is not one of [tagged, untagged, any]")),
    }
}

fn count(selection: &SelectionDocument) -> Result<Count, String> {
    let number = selection.count_number;
    if number < 1 {
        return Err(format!("countNumber {number} is less than 1"));
    }
    let days = selection.count_unit.as_deref();
    match (selection.count_type.as_str(), days) {
        ("imageCountMoreThan", None) => Ok(Count::MoreThan(usize::try_from(number).unwrap_or(usize::MAX))),
        ("imageCountMoreThan", Some(_)) => Err("countUnit does not go with imageCountMoreThan".to_owned()),
        ("sinceImagePushed", Some("days")) => Ok(Count::DaysSincePushed(number)),
        ("sinceImagePulled", Some("days")) => Ok(Count::DaysSincePulled(number)),
        ("sinceImagePushed" | "sinceImagePulled", _) => {
            Err(format!("countType {} needs countUnit days", selection.count_type))
        }
        ("sinceImageTransitioned", _) => {
            Err("countType sinceImageTransitioned is not available: there is no archive here".to_owned())
        }
        (other, _) => Err(format!(
            "countType {other} is not one of [imageCountMoreThan, sinceImagePushed, sinceImagePulled, sinceImageTransitioned]"
        )),
    }
}

fn check_order(rules: &[Rule]) -> Result<(), String> {
    for (rule, next) in rules.iter().zip(rules.iter().skip(1)) {
        if rule.priority == next.priority {
            return Err(format!("rulePriority {} appears more than once", rule.priority));
        }
        if rule.tags == Selector::Any {
            return Err("a rule with tagStatus any must have the highest rulePriority".to_owned());
        }
    }
    let mut seen = HashSet::new();
    for prefixes in rules.iter().filter_map(|rule| rule.tags.prefixes()) {
        if !seen.insert(prefixes) {
            return Err("no two rules may have the same tagPrefixList".to_owned());
        }
    }
    if rules.iter().filter(|rule| rule.tags == Selector::Untagged).count() > 1 {
        return Err("there must be one rule at most with tagStatus untagged".to_owned());
    }
    Ok(())
}

impl Selector {
    /// The prefixes, in whatever order they were given.
    fn prefixes(&self) -> Option<BTreeSet<&str>> {
        match self {
            Self::Prefixes(prefixes) => Some(prefixes.iter().map(String::as_str).collect()),
            Self::Any | Self::Untagged | Self::Patterns(_) => None,
        }
    }

    fn selects(&self, tags: &[String]) -> bool {
        match self {
            Self::Any => true,
            Self::Untagged => tags.is_empty(),
            Self::Prefixes(prefixes) => prefixes.iter().all(|it| tags.iter().any(|tag| tag.starts_with(it))),
            Self::Patterns(patterns) => patterns.iter().all(|it| tags.iter().any(|tag| wildcard(it, tag))),
        }
    }
}

impl Count {
    /// `position` is the image's place among those that the rule selects, newest first.
    fn is_over(self, position: usize, image: &Candidate, now: Timestamp) -> bool {
        let older = |at: Timestamp, days: i64| at.plus_seconds(days.saturating_mul(DAY)) <= now;
        match self {
            Self::MoreThan(kept) => position >= kept,
            Self::DaysSincePushed(days) => older(image.pushed_at, days),
            Self::DaysSincePulled(days) => older(image.pulled_at.unwrap_or(image.pushed_at), days),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(rules: &[Value]) -> Result<Policy, String> {
        Policy::parse(&json!({ "rules": rules }).to_string())
    }

    fn one(priority: i32, mut selection: Value) -> Value {
        if selection["countType"] != "imageCountMoreThan" {
            selection["countUnit"] = json!("days");
        }
        json!({ "rulePriority": priority, "selection": selection, "action": { "type": "expire" } })
    }

    fn more_than(priority: i32, status: &str, extra: Value, number: i64) -> Value {
        let mut selection =
            json!({ "tagStatus": status, "countType": "imageCountMoreThan", "countNumber": number });
        for (name, value) in extra.as_object().unwrap() {
            selection[name] = value.clone();
        }
        one(priority, selection)
    }

    /// Images with these tags, each pushed a day before the one after it; the last today.
    fn images(tags: &[&[&str]]) -> Vec<Candidate> {
        let image = |(at, tags): (usize, &&[&str])| Candidate {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            pushed_at: Timestamp::from_millis(at as i64 * DAY * 1000),
            pulled_at: None,
            held: false,
        };
        tags.iter().enumerate().map(image).collect()
    }

    fn now(images: &[Candidate]) -> Timestamp {
        images.last().unwrap().pushed_at
    }

    #[test]
    fn which_images_go() {
        let sample: &[&[&str]] = &[&["prod-1"], &[], &["dev-1"], &["prod-2", "beta"], &[], &["dev-2"]];
        let days = |kind: &str, number: i64| {
            one(1, json!({ "tagStatus": "any", "countType": kind, "countNumber": number }))
        };
        type Case<'a> = (&'a str, Vec<Value>, &'a [(usize, i32)]);
        let cases: [Case<'_>; 9] = [
            ("count any", vec![more_than(1, "any", json!({}), 2)], &[(0, 1), (1, 1), (2, 1), (3, 1)]),
            ("count untagged", vec![more_than(1, "untagged", json!({}), 1)], &[(1, 1)]),
            ("prefix", vec![more_than(1, "tagged", json!({ "tagPrefixList": ["prod"] }), 1)], &[(0, 1)]),
            (
                "all prefixes",
                vec![more_than(1, "tagged", json!({ "tagPrefixList": ["prod", "beta"] }), 1)],
                &[],
            ),
            ("pattern", vec![more_than(1, "tagged", json!({ "tagPatternList": ["*-1"] }), 1)], &[(0, 1)]),
            ("pushed", vec![days("sinceImagePushed", 4)], &[(0, 1), (1, 1)]),
            ("never pulled", vec![days("sinceImagePulled", 5)], &[(0, 1)]),
            (
                "a rule before protects what it selects",
                vec![
                    more_than(1, "tagged", json!({ "tagPrefixList": ["prod"] }), 5),
                    more_than(2, "any", json!({}), 1),
                ],
                &[(1, 2), (2, 2), (4, 2)],
            ),
            (
                "the order is that of the numbers",
                vec![
                    more_than(9, "any", json!({}), 1),
                    more_than(1, "tagged", json!({ "tagPrefixList": ["dev"] }), 1),
                ],
                &[(0, 9), (1, 9), (2, 1), (3, 9), (4, 9)],
            ),
        ];
        let images = images(sample);
        for (name, rules, expected) in cases {
            assert_eq!(policy(&rules).unwrap().expiring(&images, now(&images)), expected, "{name}");
        }
    }

    #[test]
    fn what_a_list_names_waits_and_pulls_count() {
        let mut images = images(&[&[], &[], &[]]);
        images[0].held = true;
        let by_count = policy(&[more_than(1, "any", json!({}), 1)]).unwrap();
        assert_eq!(by_count.expiring(&images, now(&images)), [(1, 1)]);
        images[1].pulled_at = Some(now(&images));
        let selection = json!({ "tagStatus": "any", "countType": "sinceImagePulled", "countNumber": 1 });
        let by_pull = policy(&[one(1, selection)]).unwrap();
        assert_eq!(by_pull.expiring(&images, now(&images)), []);
    }

    #[test]
    fn what_a_policy_may_not_say() {
        let any = |number: i64| more_than(1, "any", json!({}), number);
        let with = |name: &str, value: Value| {
            let mut rule = any(1);
            rule[name] = value;
            rule
        };
        let selection = |extra: Value| more_than(1, "tagged", extra, 1);
        for rules in [
            vec![],
            vec![any(0)],
            vec![with("rulePriority", json!(0))],
            vec![with("action", json!({ "type": "archive" }))],
            vec![with("action", json!({ "type": "transition", "targetStorageClass": "archive" }))],
            vec![with("extra", json!(1))],
            vec![more_than(1, "some", json!({}), 1)],
            vec![selection(json!({}))],
            vec![selection(json!({ "tagPrefixList": [""] }))],
            vec![selection(json!({ "tagPrefixList": ["a"], "tagPatternList": ["a"] }))],
            vec![selection(json!({ "tagPatternList": ["*a*a*a*a*"] }))],
            vec![selection(json!({ "tagPrefixList": ["a"], "countUnit": "days" }))],
            vec![more_than(1, "untagged", json!({ "tagPrefixList": ["a"] }), 1)],
            vec![any(1), more_than(2, "untagged", json!({}), 1)],
            vec![more_than(2, "untagged", json!({}), 1), more_than(2, "any", json!({}), 1)],
            vec![one(
                1,
                json!({ "tagStatus": "any", "countType": "sinceImageTransitioned", "countNumber": 1 }),
            )],
        ] {
            assert!(policy(&rules).is_err(), "{rules:?}");
        }
        assert!(Policy::parse("{").is_err() && Policy::parse("[]").is_err());
    }
}
