//! By which text a statement is found: the literal parts of its actions and resources.

use std::cell::OnceCell;

use super::words::{Words, mix};
use crate::arn_match::{ArnLiteral, ArnParts};
use crate::compile::{ActionPattern, ResourcePattern, Selection};

pub(super) type ActionWords = Words<8>;
pub(super) type ArnWords = Words<16>;

/// With more keys than this a statement is found by its actions alone.
const MOST_KEYS: usize = 512;

const TAIL: u64 = 0x1656_67b1_9e37_79f9;

/// What the texts of a request have to hash to. A key is necessary for a match, not sufficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Nothing to go by.
    Any,
    /// Hash of the whole text.
    Whole(Part, u64),
    /// The beginning: its length, its last byte, and its hash.
    Prefix(Part, usize, u8, u64),
}

/// Which text of the request is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The whole text.
    Text,
    /// The part of an ARN behind the fifth colon.
    Tail,
}

impl Part {
    /// Keeps the hashes of the two parts apart.
    pub(super) fn tell_apart(self, hash: u64) -> u64 {
        match self {
            Self::Text => hash,
            Self::Tail => mix(hash, TAIL),
        }
    }
}

impl Key {
    fn of<const N: usize>(words: &Words<N>, part: Part, whole: bool) -> Self {
        if whole {
            return Self::Whole(part, part.tell_apart(words.whole()));
        }
        match words.length().min(Words::<N>::LONGEST) {
            0 => Self::Any,
            length => {
                let hash = part.tell_apart(words.prefix(length));
                Self::Prefix(part, length, words.last_byte(length), hash)
            }
        }
    }
}

/// The keys of a statement's actions; none if it matches no action.
pub(super) fn of_actions(actions: &Selection<ActionPattern>) -> Vec<Key> {
    if actions.not {
        return vec![Key::Any];
    }
    distinct(actions.patterns.iter().map(|pattern| match pattern.literal() {
        None => Key::Any,
        Some((text, whole)) => Key::of(&ActionWords::folded(&text), Part::Text, whole),
    }))
}

/// The keys of a statement's resources, at most so many that all pairs with `actions` actions stay few.
pub(super) fn of_resources(resources: Option<&Selection<ResourcePattern>>, actions: usize) -> Vec<Key> {
    let listed = resources.filter(|it| !it.not && it.patterns.len() * actions <= MOST_KEYS);
    let Some(listed) = listed else { return vec![Key::Any] };
    distinct(listed.patterns.iter().map(|pattern| match pattern.literal() {
        ArnLiteral::None => Key::Any,
        ArnLiteral::Text(text, whole) => Key::of(&ArnWords::new(&text), Part::Text, whole),
        ArnLiteral::Tail(text, whole) => Key::of(&ArnWords::new(text), Part::Tail, whole),
    }))
}

/// One key of each; `Any` makes the others needless.
fn distinct(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.first() == Some(&Key::Any) {
        keys.truncate(1);
    }
    keys
}

/// The texts of a request, hashed once and asked by the index of every policy.
#[derive(Debug)]
pub(crate) struct RequestKeys<'a> {
    pub(super) action: ActionWords,
    /// The resource and its part behind the fifth colon; none for `*`.
    arn: Option<(Hashed<'a>, Hashed<'a>)>,
}

/// A text whose hashes are made when they are first wanted.
#[derive(Debug)]
struct Hashed<'a>(&'a str, OnceCell<ArnWords>);

impl<'a> RequestKeys<'a> {
    pub(crate) fn new(action: &str, resource: &'a str, arn: Option<&ArnParts<'a>>) -> Self {
        let hashed = |text| Hashed(text, OnceCell::new());
        Self { action: ActionWords::folded(action), arn: arn.map(|it| (hashed(resource), hashed(it.tail))) }
    }

    /// One part of the resource; none of `*`.
    pub(super) fn part(&self, part: Part) -> Option<&ArnWords> {
        let (text, tail) = self.arn.as_ref()?;
        let hashed = if part == Part::Text { text } else { tail };
        Some(hashed.1.get_or_init(|| ArnWords::new(hashed.0)))
    }
}
