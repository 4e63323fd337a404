//! Finds the statements of a long policy that nearly match, for traces. Decisions do not touch it.
//!
//! Statements that list the same actions form a set; a request finds the sets that name its action by hash. In each
//! set the resources are sorted by their part behind the fifth colon, so that those that agree longest with the
//! request's resource are next to the place where it would stand, whatever account or Region they name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::key::{self, Key};
use super::table::{Table, count};
use crate::arn_match::ArnParts;
use crate::compile::{ActionPattern, Selection, Statement};
use crate::request::Target;

/// So many sets that may name the action are read; there are more only if as many statements list it, each among
/// different others.
const MOST_SETS: usize = 32;

/// Resources looked at for each statement wanted: one statement may list many that are alike.
const STEPS: usize = 4;

/// Actions that are longer or shorter than the request's by no more than this many bytes are taken for it.
const SLIP: usize = 2;

/// The statements of one policy by what they nearly match.
#[derive(Debug)]
pub(crate) struct Near {
    sets: Box<[ActionSet]>,
    /// Action to sets.
    by_action: Table,
    /// Lengths of action beginnings that occur.
    lengths: Box<[usize]>,
    /// Sets that no text leads to.
    any: Box<[u32]>,
    /// The actions of all Allows as written, in lower case and sorted.
    names: Box<[Box<str>]>,
}

/// Statements with the same actions.
#[derive(Debug)]
struct ActionSet {
    actions: Arc<Selection<ActionPattern>>,
    /// How many statements, Denies too.
    size: usize,
    /// Of the Allows.
    resources: Sorted,
}

/// What is behind the fifth colon of a statement's `Resource`, in lower case, and the statement.
type Entry = (String, u32);

/// Resources in order, close together: a search in thousands of them waits for memory more than for anything else.
#[derive(Debug, Default)]
struct Sorted {
    /// What all texts begin with.
    shared: Box<str>,
    /// The next eight bytes of each text, as a number that sorts like them.
    keys: Box<[u64]>,
    /// All texts.
    texts: Box<str>,
    /// Where each text begins, and where the last one ends.
    starts: Box<[u32]>,
    statements: Box<[u32]>,
}

impl Sorted {
    fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable();
        let (Some((first, _)), Some((last, _))) = (entries.first(), entries.last()) else {
            return Self::default();
        };
        let shared: Box<str> = first.get(..common(first, last)).unwrap_or_default().into();
        let mut starts = vec![0];
        let mut texts = String::new();
        for (text, _) in &entries {
            texts.push_str(text);
            starts.push(count(texts.len()));
        }
        Self {
            keys: entries.iter().map(|(text, _)| eight_bytes(text, shared.len())).collect(),
            shared,
            texts: texts.into(),
            starts: starts.into(),
            statements: entries.iter().map(|(_, statement)| *statement).collect(),
        }
    }

    fn text(&self, at: usize) -> &str {
        let place = self.starts.get(at).zip(self.starts.get(at + 1));
        place.and_then(|(from, to)| self.texts.get(*from as usize..*to as usize)).unwrap_or_default()
    }

    /// How many texts are less.
    fn less_than(&self, wanted: &str) -> usize {
        if !wanted.starts_with(self.shared.as_ref()) {
            return if wanted < self.shared.as_ref() { 0 } else { self.keys.len() };
        }
        let key = eight_bytes(wanted, self.shared.len());
        let mut at = self.keys.partition_point(|known| *known < key);
        let end = at + self.keys.get(at..).unwrap_or_default().partition_point(|known| *known == key);
        let mut left = end - at;
        while left > 0 {
            let half = left / 2;
            if self.text(at + half) < wanted {
                at += half + 1;
                left -= half + 1;
            } else {
                left = half;
            }
        }
        at
    }
}

/// Eight bytes of a text from a place on, filled up with zeros: less where the text is less, and perhaps equal.
fn eight_bytes(text: &str, from: usize) -> u64 {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    u64::from_be_bytes(bytes)
}

/// What a request found.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Allows for the action, and how many bytes of their resource's beginning are the request's.
    pub(crate) statements: Vec<(usize, usize)>,
    /// How many statements name the action, or may name it where too many sets do to read them all.
    pub(crate) right_action: usize,
}

impl Near {
    pub(crate) fn new(statements: &[Statement]) -> Self {
        let mut maker = Maker::default();
        (0..).zip(statements).for_each(|(number, statement)| maker.add(number, statement));
        maker.finish()
    }

    /// About `wanted` Allows that name the action, nearest resource first within a set.
    pub(crate) fn neighbours(&self, target: &Target<'_>, tail: &str, wanted: usize) -> Neighbours {
        let numbers = self.sets_for(target);
        let (read, unread) = numbers.split_at(numbers.len().min(MOST_SETS));
        let set = |number: &u32| self.sets.get(*number as usize);
        let right: Vec<_> = read.iter().filter_map(set).filter(|it| it.actions.matches(target)).collect();
        let each = (wanted / right.len().max(1)).max(1);
        let sizes = right.iter().copied().chain(unread.iter().filter_map(set)).map(|it| it.size);
        let right_action = sizes.sum();
        let statements = right.iter().flat_map(|set| set.some_nearest(tail, each)).collect();
        Neighbours { statements, right_action }
    }

    /// Actions of Allows that differ from `action`, in lower case, by one or two letters at the end.
    pub(crate) fn mistaken(&self, action: &str) -> impl Iterator<Item = &str> {
        let first = self.names.partition_point(|name| name.as_ref() < action);
        let longer = self.names.get(first..).unwrap_or_default().iter().take(4 * SLIP);
        let longer = longer.filter(move |name| {
            name.starts_with(action) && (1..=SLIP).contains(&(name.len() - action.len()))
        });
        let shorter = (1..=SLIP).filter_map(move |cut| {
            let name = action.get(..action.len().checked_sub(cut)?)?;
            self.names.get(self.names.binary_search_by(|known| known.as_ref().cmp(name)).ok()?)
        });
        longer.chain(shorter).map(AsRef::as_ref)
    }

    /// Numbers of the sets that may name the action, in ascending order.
    fn sets_for(&self, target: &Target<'_>) -> Vec<u32> {
        let Some(keys) = target.keys() else { return (0..count(self.sets.len())).collect() };
        let mut numbers = self.any.to_vec();
        let lengths = self.lengths.iter().take_while(|length| **length <= keys.action.length());
        let hashes = lengths.map(|length| keys.action.prefix(*length));
        for hash in std::iter::once(keys.action.whole()).chain(hashes) {
            self.by_action.get(hash).for_each(|list| numbers.extend_from_slice(list));
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl ActionSet {
    fn some_nearest(&self, tail: &str, wanted: usize) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::with_capacity(wanted);
        for (at, common) in self.nearest(tail).take(STEPS * wanted) {
            let Some(number) = self.resources.statements.get(at).map(|number| *number as usize) else {
                break;
            };
            if found.iter().all(|(known, _)| *known != number) {
                found.push((number, common));
            }
            if found.len() == wanted {
                break;
            }
        }
        found
    }

    /// Places of all resources, those that have most of their beginning in common with `tail` first.
    fn nearest<'a>(&'a self, tail: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let middle = self.resources.less_than(tail);
        let measured = move |at: usize| (at, common(self.resources.text(at), tail));
        let mut before = (0..middle).rev().map(measured).peekable();
        let mut after = (middle..self.resources.statements.len()).map(measured).peekable();
        std::iter::from_fn(move || {
            let (left, right) = (before.peek().map(|it| it.1), after.peek().map(|it| it.1));
            if right > left { after.next() } else { before.next() }
        })
    }
}

/// The key by which resources are sorted.
pub(crate) fn tail(resource: &str) -> String {
    ArnParts::split(resource).map_or(resource, |arn| arn.tail).to_ascii_lowercase()
}

/// Length of the beginning that two texts share.
fn common(left: &str, right: &str) -> usize {
    left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count()
}

#[derive(Default)]
struct Maker {
    /// Actions, number of statements, resources of the Allows.
    sets: Vec<(Arc<Selection<ActionPattern>>, usize, Vec<Entry>)>,
    /// By address: the sets keep what is shared alive.
    known: HashMap<*const Selection<ActionPattern>, usize>,
    names: Vec<Box<str>>,
    /// Sets whose actions are among the names.
    named: HashSet<usize>,
}

impl Maker {
    fn add(&mut self, number: u32, statement: &Statement) {
        let next = self.sets.len();
        let at = *self.known.entry(Arc::as_ptr(&statement.actions)).or_insert(next);
        if at == next {
            self.sets.push((Arc::clone(&statement.actions), 0, Vec::new()));
        }
        let Some((actions, size, entries)) = self.sets.get_mut(at) else { return };
        *size += 1;
        if statement.denies {
            return;
        }
        let listed = statement.resources.as_ref().filter(|resources| !resources.not);
        let patterns = listed.map_or(&[][..], |resources| &resources.patterns);
        entries.extend(patterns.iter().map(|it| (tail(&it.text), number)));
        if !actions.not && self.named.insert(at) {
            self.names.extend(actions.patterns.iter().map(|it| it.text.to_ascii_lowercase().into()));
        }
    }

    fn finish(mut self) -> Near {
        self.names.sort_unstable();
        self.names.dedup();
        let (mut by_action, mut any, mut lengths) =
            (BTreeMap::<u64, Vec<u32>>::new(), Vec::new(), Vec::new());
        for (number, (actions, ..)) in (0..).zip(&self.sets) {
            for key in key::of_actions(actions) {
                match key {
                    Key::Any => any.push(number),
                    Key::Whole(_, hash) => by_action.entry(hash).or_default().push(number),
                    Key::Prefix(_, length, _, hash) => {
                        by_action.entry(hash).or_default().push(number);
                        lengths.push(length);
                    }
                }
            }
        }
        lengths.sort_unstable();
        lengths.dedup();
        let sets = self.sets.into_iter().map(|(actions, size, entries)| ActionSet {
            actions,
            size,
            resources: Sorted::new(entries),
        });
        Near {
            sets: sets.collect(),
            by_action: Table::new(&by_action),
            lengths: lengths.into(),
            any: any.into(),
            names: self.names.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_come_nearest_first() {
        let entry = |(number, text): (u32, &&str)| ((*text).to_owned(), number);
        let texts = ["*", "a", "a/b", "a/b/c", "a/d", "z"];
        let set = ActionSet {
            actions: Arc::new(Selection { not: false, patterns: Box::default() }),
            size: texts.len(),
            resources: Sorted::new((0..).zip(&texts).map(entry).collect()),
        };
        let order =
            |tail| set.nearest(tail).map(|(at, _)| set.resources.text(at).to_owned()).collect::<Vec<_>>();
        assert_eq!(order("a/b/x"), ["a/b/c", "a/b", "a/d", "a", "*", "z"]);
        assert_eq!(order(""), ["*", "a", "a/b", "a/b/c", "a/d", "z"]);
        assert_eq!(set.some_nearest("a/b/x", 2), [(3, 4), (2, 3)]);
    }

    proptest::proptest! {
        #[test]
        fn places_are_those_of_a_plain_search(
            texts in proptest::collection::vec("(ab)?[abc\u{0}é]{0,12}", 0..40),
            wanted in "(ab)?[abc\u{0}é]{0,12}",
        ) {
            let mut plain = texts.clone();
            plain.sort_unstable();
            let sorted = Sorted::new(texts.into_iter().map(|text| (text, 0)).collect());
            proptest::prop_assert_eq!(
                sorted.less_than(&wanted), plain.partition_point(|text| *text < wanted), "{:?}", plain
            );
            for (at, text) in plain.iter().enumerate() {
                proptest::prop_assert_eq!(sorted.text(at), text);
            }
        }
    }

    #[test]
    fn the_part_behind_the_account_is_compared() {
        assert_eq!(tail("arn:aws:ecr:r:1:repository/App"), "repository/app");
        assert_eq!(tail("*"), "*");
    }
}
