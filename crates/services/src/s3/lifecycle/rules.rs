//! What rules say about one version, one delete marker or one upload at some moment.

use landfall_base::Timestamp;

use super::{Expiration, Filter, Lifecycle, Noncurrent, Rule, SMALLEST, When};
use crate::s3::record::{Object, Version};

const DAY: i64 = 24 * 60 * 60;

/// Classes in the order in which objects can move (User Guide, "Supported transitions").
const WATERFALL: [&str; 7] =
    ["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// Classes that take small objects where [`Lifecycle::archives_small`] says so.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// So many days later, at the next midnight: S3 counts whole days.
pub fn midnight_after(moment: Timestamp, days: i32) -> Timestamp {
    moment.plus_seconds(i64::from(days) * DAY).day().plus_seconds(DAY)
}

/// A version among those of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) key: &'a str,
    pub(super) version: &'a Version,
    /// When a newer version took its place; `None` for the newest.
    pub(super) since: Option<Timestamp>,
    /// How many versions are newer that are not the newest.
    pub(super) newer: usize,
    /// There is no other version of its key.
    pub(super) alone: bool,
}

/// What is to be done about a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Delete the key, as a client without a version id does.
    Expire,
    /// Remove the version, or delete marker, for good.
    Remove,
    /// Give it another class.
    Move(String),
}

impl When {
    fn moment(self, modified_at: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => midnight_after(modified_at, days),
            Self::Date(date) => date,
        }
    }
}

impl Filter {
    fn fits(&self, key: &str, object: Option<&Object>) -> bool {
        let of_object = |object: &Object| {
            self.tags.iter().all(|tag| object.attributes.tags.contains(tag))
                && self.above.is_none_or(|size| object.size > size)
                && self.below.is_none_or(|size| object.size < size)
        };
        let names_object = !self.tags.is_empty() || self.above.is_some() || self.below.is_some();
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && object.map_or(!names_object, of_object)
    }
}

impl Rule {
    /// Whether it counts for a key with this object, or for one without: a delete marker, an upload.
    fn is_about(&self, key: &str, object: Option<&Object>) -> bool {
        self.enabled
            && self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && self.filter.as_ref().is_none_or(|filter| filter.fits(key, object))
    }

    fn names_size(&self) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.above.is_some() || filter.below.is_some())
    }
}

impl Noncurrent {
    fn is_due(self, placed: &Placed<'_>, now: Timestamp) -> bool {
        let kept = self.keep.and_then(|keep| usize::try_from(keep).ok()).unwrap_or(0);
        let due = |since| midnight_after(since, self.days) <= now;
        placed.since.is_some_and(due) && placed.newer >= kept
    }
}

/// When an object ends, and by which rule.
pub fn expiry<'a>(
    lifecycle: &'a Lifecycle,
    key: &str,
    object: &Object,
    modified_at: Timestamp,
) -> Option<(Timestamp, &'a str)> {
    let about = lifecycle.rules.iter().filter(|rule| rule.is_about(key, Some(object)));
    let ends = about.filter_map(|rule| match rule.expiration {
        Some(Expiration::At(when)) => Some((when.moment(modified_at), rule.id.as_str())),
        _ => None,
    });
    ends.min_by_key(|(moment, _)| *moment)
}

/// What is to be done about a version now.
pub(super) fn step(lifecycle: &Lifecycle, placed: &Placed<'_>, now: Timestamp) -> Option<Step> {
    match (&placed.version.object, placed.since) {
        (_, Some(_)) => noncurrent(lifecycle, placed, now),
        (None, None) => is_left_over(lifecycle, placed, now).then_some(Step::Remove),
        (Some(object), None) => current(lifecycle, placed, object, now),
    }
}

fn current(lifecycle: &Lifecycle, placed: &Placed<'_>, object: &Object, now: Timestamp) -> Option<Step> {
    let made = placed.version.modified_at;
    if expiry(lifecycle, placed.key, object, made).is_some_and(|(moment, _)| moment <= now) {
        return Some(Step::Expire);
    }
    let due =
        lifecycle.rules.iter().filter(|rule| rule.is_about(placed.key, Some(object))).flat_map(|rule| {
            let due = rule.transitions.iter().filter(move |it| it.when.moment(made) <= now);
            due.map(move |it| (rule, it.class.as_str()))
        });
    moved(lifecycle, object, due)
}

fn noncurrent(lifecycle: &Lifecycle, placed: &Placed<'_>, now: Timestamp) -> Option<Step> {
    let object = placed.version.object.as_ref();
    let about = || lifecycle.rules.iter().filter(|rule| rule.is_about(placed.key, object));
    if about().any(|rule| rule.noncurrent_expiration.is_some_and(|it| it.is_due(placed, now))) {
        return Some(Step::Remove);
    }
    let due = about().flat_map(|rule| {
        let due = rule.noncurrent_transitions.iter().filter(|(when, _)| when.is_due(placed, now));
        due.map(move |(_, class)| (rule, class.as_str()))
    });
    moved(lifecycle, object?, due)
}

/// The last class of those that an object is to move to, if it is not there.
fn moved<'a>(
    lifecycle: &Lifecycle,
    object: &Object,
    due: impl Iterator<Item = (&'a Rule, &'a str)>,
) -> Option<Step> {
    let place = |class: &str| WATERFALL.iter().position(|it| *it == class);
    let is_large = |rule: &Rule, class: &str| {
        object.size >= SMALLEST || rule.names_size() || lifecycle.archives_small && ARCHIVES.contains(&class)
    };
    let class = object.attributes.storage_class.as_deref().unwrap_or("STANDARD");
    let wanted = due.filter(|(rule, class)| is_large(rule, class)).map(|(_, class)| class);
    let wanted = wanted.max_by_key(|class| place(class))?;
    (place(wanted) > place(class)).then(|| Step::Move(wanted.to_owned()))
}

/// A delete marker that is the last of its key. A rule that ends objects ends it, too, once it is as old.
fn is_left_over(lifecycle: &Lifecycle, placed: &Placed<'_>, now: Timestamp) -> bool {
    let made = placed.version.modified_at;
    let ends = |rule: &Rule| match rule.expiration {
        Some(Expiration::Markers(ends)) => ends,
        Some(Expiration::At(when)) => when.moment(made) <= now,
        None => false,
    };
    placed.alone && lifecycle.rules.iter().any(|rule| rule.is_about(placed.key, None) && ends(rule))
}

/// Whether an upload that nobody completed ends.
pub(super) fn ends_upload(lifecycle: &Lifecycle, key: &str, initiated_at: Timestamp, now: Timestamp) -> bool {
    let due = |rule: &Rule| rule.abort_after.is_some_and(|days| midnight_after(initiated_at, days) <= now);
    lifecycle.rules.iter().any(|rule| rule.is_about(key, None) && due(rule))
}

#[cfg(test)]
mod tests {
    use super::super::Transition;
    use super::*;
    use crate::s3::record::{Attributes, Content, SealedKey};

    const LARGE: u64 = SMALLEST;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_iso8601(text).unwrap()
    }

    fn version(size: Option<u64>, class: Option<&str>) -> Version {
        let object = size.map(|size| Object {
            etag: String::new(),
            size,
            content: Content {
                key: SealedKey::Kms {
                    key_arn: "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap(),
                    ciphertext: String::new(),
                    bucket_key: false,
                },
                pieces: Vec::new(),
            },
            attributes: Attributes {
                tags: vec![("team".to_owned(), "red".to_owned())],
                storage_class: class.map(str::to_owned),
                ..Attributes::default()
            },
            checksum: None,
        });
        let modified_at = at("2026-11-01T12:00:00Z");
        Version { id: "null".to_owned(), modified_at, object, restored_until: None }
    }

    fn one(rule: Rule) -> Lifecycle {
        Lifecycle { rules: vec![Rule { enabled: true, ..rule }], ..Lifecycle::default() }
    }

    fn of_newest<'a>(version: &'a Version) -> Placed<'a> {
        Placed { key: "logs/k", version, since: None, newer: 0, alone: true }
    }

    fn days(days: i32) -> Option<Expiration> {
        Some(Expiration::At(When::Days(days)))
    }

    #[test]
    fn days_are_whole() {
        assert_eq!(midnight_after(at("2026-11-28T06:00:00Z"), 1), at("2026-11-30T00:00:00Z"));
        assert_eq!(midnight_after(at("2026-11-28T23:59:59Z"), 3), at("2026-12-02T00:00:00Z"));
    }

    #[test]
    fn an_object_ends_after_its_days() {
        let object = version(Some(1), None);
        let rules = one(Rule { expiration: days(3), ..Rule::default() });
        assert_eq!(step(&rules, &of_newest(&object), at("2026-11-04T23:59:59Z")), None);
        assert_eq!(step(&rules, &of_newest(&object), at("2026-11-05T00:00:00Z")), Some(Step::Expire));
        let off = Lifecycle { rules: vec![Rule { enabled: false, ..rules.rules[0].clone() }], ..rules };
        assert_eq!(step(&off, &of_newest(&object), at("2027-11-05T00:00:00Z")), None);
    }

    #[test]
    fn rules_are_about_what_fits_their_filter() {
        let object = version(Some(10), None);
        let tag = |value: &str| vec![("team".to_owned(), value.to_owned())];
        for (filter, expected) in [
            (Filter::default(), true),
            (Filter { prefix: Some("logs/".to_owned()), ..Filter::default() }, true),
            (Filter { prefix: Some("log/".to_owned()), ..Filter::default() }, false),
            (Filter { tags: tag("red"), ..Filter::default() }, true),
            (Filter { tags: tag("blue"), ..Filter::default() }, false),
            (Filter { above: Some(9), below: Some(11), ..Filter::default() }, true),
            (Filter { above: Some(10), ..Filter::default() }, false),
            (Filter { below: Some(10), ..Filter::default() }, false),
        ] {
            let text = format!("{filter:?}");
            let rules = one(Rule { filter: Some(filter), expiration: days(1), ..Rule::default() });
            let found = step(&rules, &of_newest(&object), at("2027-01-01T00:00:00Z"));
            assert_eq!(found.is_some(), expected, "{text}");
        }
    }

    #[test]
    fn objects_move_down_and_small_ones_stay() {
        let to = |days, class: &str| Transition { when: When::Days(days), class: class.to_owned() };
        let transitions = vec![to(30, "STANDARD_IA"), to(60, "GLACIER")];
        let rules = one(Rule { transitions, ..Rule::default() });
        let small = Lifecycle { archives_small: true, ..rules.clone() };
        let (soon, later) = (at("2026-12-10T00:00:00Z"), at("2027-02-01T00:00:00Z"));
        for (rules, size, class, now, expected) in [
            (&rules, LARGE, None, soon, Some("STANDARD_IA")),
            (&rules, LARGE, None, later, Some("GLACIER")),
            (&rules, LARGE, Some("GLACIER"), later, None),
            (&rules, LARGE, Some("DEEP_ARCHIVE"), later, None),
            (&rules, 5, None, later, None),
            (&small, 5, None, soon, None),
            (&small, 5, None, later, Some("GLACIER")),
        ] {
            let object = version(Some(size), class);
            let found = step(rules, &of_newest(&object), now);
            assert_eq!(found, expected.map(|class| Step::Move(class.to_owned())), "{size} {class:?}");
        }
    }

    #[test]
    fn older_versions_end_by_age_and_number() {
        let object = version(Some(1), None);
        let ends = Noncurrent { days: 2, keep: Some(1) };
        let rules = one(Rule { noncurrent_expiration: Some(ends), expiration: days(1), ..Rule::default() });
        let older = |newer| Placed {
            since: Some(at("2026-11-10T12:00:00Z")),
            newer,
            alone: false,
            ..of_newest(&object)
        };
        let now = at("2026-11-13T00:00:00Z");
        assert_eq!(step(&rules, &older(1), now), Some(Step::Remove));
        assert_eq!(step(&rules, &older(0), now), None);
        assert_eq!(step(&rules, &older(1), now.plus_seconds(-1)), None);
    }

    #[test]
    fn delete_markers_end_when_nothing_is_below_them() {
        let marker = version(None, None);
        let now = at("2026-11-02T00:00:00Z");
        let markers = |ends| one(Rule { expiration: Some(Expiration::Markers(ends)), ..Rule::default() });
        assert_eq!(step(&markers(true), &of_newest(&marker), now), Some(Step::Remove));
        assert_eq!(step(&markers(false), &of_newest(&marker), now), None);
        let covered = Placed { alone: false, ..of_newest(&marker) };
        assert_eq!(step(&markers(true), &covered, now), None);
        let by_age = one(Rule { expiration: days(1), ..Rule::default() });
        assert_eq!(step(&by_age, &of_newest(&marker), now), None);
        assert_eq!(step(&by_age, &of_newest(&marker), at("2026-11-03T00:00:00Z")), Some(Step::Remove));
    }

    #[test]
    fn uploads_end() {
        let rules = one(Rule { abort_after: Some(7), prefix: Some("up/".to_owned()), ..Rule::default() });
        let begun = at("2026-11-01T12:00:00Z");
        assert!(ends_upload(&rules, "up/k", begun, at("2026-11-09T00:00:00Z")));
        assert!(!ends_upload(&rules, "up/k", begun, at("2026-11-08T23:00:00Z")));
        assert!(!ends_upload(&rules, "k", begun, at("2027-11-09T00:00:00Z")));
    }
}
