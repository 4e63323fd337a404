//! Finds the statements of a long policy that nearly match, for traces. Decisions do not touch it.
//!
//! Statements that list the same actions form a set; a request finds the sets that name its action by hash. In each
//! set the resources are sorted by their part behind the fifth colon, so that those that agree longest with the
//! request's resource are next to the place where it would stand, whatever account or Region they name.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::brief::{Conditions, number};
use super::key::{self, Key};
use super::table::{Table, count};
use crate::arn_match::ArnParts;
use crate::compile::{ActionPattern, ResourcePattern, Selection, Statement};
use crate::condition::Condition;
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
    common: Common,
}

/// What the statements of the most frequent form say beside their resource and their actions: few different things.
#[derive(Debug, Default)]
struct Common {
    /// The resources up to the fifth colon.
    heads: Box<[Box<str>]>,
    conditions: Box<[Conditions]>,
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

/// One `Resource` of a statement.
#[derive(Debug, Default)]
struct Entry {
    /// What is behind the fifth colon, as written.
    text: String,
    statement: u32,
    plain: Option<PlainEntry>,
}

/// The rest of a statement of the most frequent form.
#[derive(Debug)]
struct PlainEntry {
    sid: Option<Box<str>>,
    head: u16,
    conditions: u32,
    open: bool,
}

/// Resources in the order of their texts in lower case, close together with all else that a trace says of a statement of
/// the most frequent form: among thousands it waits for memory more than for anything else, and neighbours lie in the
/// same lines of the cache.
#[derive(Debug, Default)]
struct Sorted {
    /// What all texts begin with, in lower case.
    shared: Box<[u8]>,
    /// The next eight bytes of each text, as a number that sorts like them.
    keys: Box<[u64]>,
    /// All texts, each with the statement's `Sid` behind it.
    texts: Box<str>,
    places: Box<[Place]>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Where the text begins.
    start: u32,
    statement: u32,
    conditions: u32,
    length: u16,
    sid: u16,
    head: u16,
    form: Form,
    has_sid: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The resource is the text and no other.
    Whole,
    /// The `*` at the end of the text is a wildcard.
    Open,
    /// Only the statement itself tells.
    Other,
}

impl Sorted {
    fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_cached_key(|entry| (folded(&entry.text), entry.statement));
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Self::default();
        };
        let shared = common(&first.text, &last.text);
        let shared: Box<[u8]> = folded(&first.text).into_iter().take(shared).collect();
        let mut texts = String::new();
        let places = entries.iter().map(|entry| Place::of(entry, &mut texts)).collect();
        Self {
            keys: entries.iter().map(|entry| eight_bytes(&entry.text, shared.len())).collect(),
            shared,
            texts: texts.into(),
            places,
        }
    }

    fn text(&self, at: usize) -> &str {
        self.places.get(at).map(|place| self.text_of(place)).unwrap_or_default()
    }

    fn text_of(&self, place: &Place) -> &str {
        let start = place.start as usize;
        self.texts.get(start..start + usize::from(place.length)).unwrap_or_default()
    }

    fn sid_of(&self, place: &Place) -> Option<&str> {
        let start = place.start as usize + usize::from(place.length);
        place.has_sid.then(|| self.texts.get(start..start + usize::from(place.sid)).unwrap_or_default())
    }

    /// How many texts are less.
    fn less_than(&self, wanted: &str) -> usize {
        let beginning = wanted.bytes().take(self.shared.len()).map(|byte| byte.to_ascii_lowercase());
        match beginning.cmp(self.shared.iter().copied()) {
            Ordering::Equal => {}
            Ordering::Less => return 0,
            Ordering::Greater => return self.keys.len(),
        }
        let key = eight_bytes(wanted, self.shared.len());
        let mut at = self.keys.partition_point(|known| *known < key);
        let end = at + self.keys.get(at..).unwrap_or_default().partition_point(|known| *known == key);
        let mut left = end - at;
        while left > 0 {
            let half = left / 2;
            if compare(self.text(at + half), wanted) == Ordering::Less {
                at += half + 1;
                left -= half + 1;
            } else {
                left = half;
            }
        }
        at
    }
}

impl Place {
    /// Adds the entry's texts to all.
    fn of(entry: &Entry, texts: &mut String) -> Self {
        let start = count(texts.len());
        // The order alone may do without the end of a text that is that long.
        let text = beginning(&entry.text, usize::from(u16::MAX));
        texts.push_str(text);
        let mut place = Self {
            start,
            statement: entry.statement,
            conditions: 0,
            length: u16::try_from(text.len()).unwrap_or_default(),
            sid: 0,
            head: 0,
            form: Form::Other,
            has_sid: false,
        };
        let Some(plain) = &entry.plain else { return place };
        let sid = plain.sid.as_deref().unwrap_or_default();
        if let (Ok(length), true) = (u16::try_from(sid.len()), text.len() == entry.text.len()) {
            texts.push_str(sid);
            place.form = if plain.open { Form::Open } else { Form::Whole };
            (place.conditions, place.head) = (plain.conditions, plain.head);
            (place.sid, place.has_sid) = (length, plain.sid.is_some());
        }
        place
    }
}

/// As much of a text as fits in so many bytes.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

fn folded(text: &str) -> Vec<u8> {
    text.as_bytes().to_ascii_lowercase()
}

fn compare(left: &str, right: &str) -> Ordering {
    let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
    left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// Eight bytes of a text from a place on, in lower case and filled up with zeros: less where the text is less, and
/// perhaps equal.
fn eight_bytes(text: &str, from: usize) -> u64 {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(rest).for_each(|(to, byte)| *to = byte.to_ascii_lowercase());
    u64::from_be_bytes(bytes)
}

/// What a request found.
#[derive(Debug, Default)]
pub(crate) struct Neighbours<'a> {
    /// Allows for the action.
    pub(crate) statements: Vec<Neighbour<'a>>,
    /// How many statements name the action, or may name it where too many sets do to read them all.
    pub(crate) right_action: usize,
}

/// An Allow that does not match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour<'a> {
    pub(crate) statement: usize,
    /// How many bytes of its resource's beginning are the request's.
    pub(crate) common: usize,
    /// What it says, where that is known without a look at it.
    pub(crate) plain: Option<Plain<'a>>,
}

/// A statement of the most frequent form: an Allow for any principal, of one literal resource, whose actions are known to
/// match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    pub(crate) sid: Option<&'a str>,
    /// The resource up to the fifth colon, and behind it as written.
    pub(crate) head: &'a str,
    pub(crate) tail: &'a str,
    open: bool,
    pub(crate) actions: &'a Selection<ActionPattern>,
    pub(crate) conditions: &'a Conditions,
}

impl Plain<'_> {
    pub(crate) fn matches_resource(&self, target: &Target<'_>) -> bool {
        let Some(arn) = &target.arn else { return false };
        let tail = match self.tail.strip_suffix('*').filter(|_| self.open) {
            Some(start) => arn.tail.starts_with(start),
            None => arn.tail == self.tail,
        };
        tail && arn.before_tail() == self.head
    }
}

impl Near {
    pub(crate) fn new(statements: &[Statement]) -> Self {
        let mut maker = Maker::default();
        (0..).zip(statements).for_each(|(number, statement)| maker.add(number, statement));
        maker.finish()
    }

    /// About `wanted` Allows that name the action, nearest resource first within a set.
    pub(crate) fn neighbours(&self, target: &Target<'_>, wanted: usize) -> Neighbours<'_> {
        let tail = tail(target.request.resource);
        let numbers = self.sets_for(target);
        let (read, unread) = numbers.split_at(numbers.len().min(MOST_SETS));
        let set = |number: &u32| self.sets.get(*number as usize);
        let right: Vec<_> = read.iter().filter_map(set).filter(|it| it.actions.matches(target)).collect();
        let each = (wanted / right.len().max(1)).max(1);
        let sizes = right.iter().copied().chain(unread.iter().filter_map(set)).map(|it| it.size);
        let right_action = sizes.sum();
        let statements = right.iter().flat_map(|set| set.some_nearest(tail, each, &self.common)).collect();
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
    fn some_nearest<'a>(&'a self, tail: &str, wanted: usize, all: &'a Common) -> Vec<Neighbour<'a>> {
        let mut found: Vec<Neighbour<'a>> = Vec::with_capacity(wanted);
        for (at, common) in self.nearest(tail).take(STEPS * wanted) {
            let Some(place) = self.resources.places.get(at) else { break };
            let statement = place.statement as usize;
            if found.iter().all(|known| known.statement != statement) {
                found.push(Neighbour { statement, common, plain: self.plain(place, all) });
            }
            if found.len() == wanted {
                break;
            }
        }
        found
    }

    fn plain<'a>(&'a self, place: &Place, all: &'a Common) -> Option<Plain<'a>> {
        (place.form != Form::Other).then_some(())?;
        Some(Plain {
            sid: self.resources.sid_of(place),
            head: all.heads.get(usize::from(place.head))?,
            tail: self.resources.text_of(place),
            open: place.form == Form::Open,
            actions: &self.actions,
            conditions: all.conditions.get(place.conditions as usize)?,
        })
    }

    /// Places of all resources, those that have most of their beginning in common with `tail` first.
    fn nearest<'a>(&'a self, tail: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let middle = self.resources.less_than(tail);
        let measured = move |at: usize| (at, common(self.resources.text(at), tail));
        let mut before = (0..middle).rev().map(measured).peekable();
        let mut after = (middle..self.resources.places.len()).map(measured).peekable();
        std::iter::from_fn(move || {
            let (left, right) = (before.peek().map(|it| it.1), after.peek().map(|it| it.1));
            if right > left { after.next() } else { before.next() }
        })
    }
}

/// The part of a resource by which they are sorted.
fn tail(resource: &str) -> &str {
    ArnParts::split(resource).map_or(resource, |arn| arn.tail)
}

/// Length of the beginning that two texts share, whatever the case of their letters.
fn common(left: &str, right: &str) -> usize {
    left.bytes().zip(right.bytes()).take_while(|(left, right)| left.eq_ignore_ascii_case(right)).count()
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
    heads: Vec<Box<str>>,
    known_heads: HashMap<Box<str>, usize>,
    conditions: Vec<Conditions>,
    /// By address, too.
    known_conditions: HashMap<*const Condition, usize>,
}

impl Maker {
    fn add(&mut self, number: u32, statement: &Statement) {
        let next = self.sets.len();
        let at = *self.known.entry(Arc::as_ptr(&statement.actions)).or_insert(next);
        if at == next {
            self.sets.push((Arc::clone(&statement.actions), 0, Vec::new()));
        }
        let listed = statement.resources.as_ref().filter(|resources| !resources.not && !statement.denies);
        let patterns = listed.map_or(&[][..], |resources| &resources.patterns);
        let mut plain = self.plain(statement, patterns);
        let Some((actions, size, entries)) = self.sets.get_mut(at) else { return };
        *size += 1;
        if statement.denies {
            return;
        }
        let entry = |it: &ResourcePattern| Entry {
            text: tail(&it.text).to_owned(),
            statement: number,
            plain: plain.take(),
        };
        entries.extend(patterns.iter().map(entry));
        if !actions.not && self.named.insert(at) {
            self.names.extend(actions.patterns.iter().map(|it| it.text.to_ascii_lowercase().into()));
        }
    }

    /// `None` for a statement of another form.
    fn plain(&mut self, statement: &Statement, patterns: &[ResourcePattern]) -> Option<PlainEntry> {
        let (None, [resource]) = (&statement.principals, patterns) else { return None };
        let (head, tail, open) = resource.literal_parts()?;
        // As written it has to be what these parts make.
        let written = resource.text.strip_prefix(head)?.strip_prefix(tail)?;
        (written == if open { "*" } else { "" }).then_some(())?;
        Some(PlainEntry {
            sid: statement.sid.clone(),
            head: number(&mut self.known_heads, head.into(), || self.heads.push(head.into()))?,
            conditions: number(&mut self.known_conditions, statement.conditions.as_ptr(), || {
                self.conditions.push(statement.conditions.clone());
            })?,
            open,
        })
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
            common: Common { heads: self.heads.into(), conditions: self.conditions.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_come_nearest_first() {
        let entry =
            |(statement, text): (u32, &&str)| Entry { text: (*text).to_owned(), statement, plain: None };
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
        let all = Common::default();
        let nearest = set.some_nearest("A/b/x", 2, &all);
        let nearest: Vec<_> = nearest.iter().map(|it| (it.statement, it.common)).collect();
        assert_eq!(nearest, [(3, 4), (2, 3)]);
    }

    proptest::proptest! {
        #[test]
        fn places_are_those_of_a_plain_search(
            texts in proptest::collection::vec("(ab)?[abcAB\u{0}é]{0,12}", 0..40),
            wanted in "(ab)?[abcAB\u{0}é]{0,12}",
        ) {
            let mut plain = texts.clone();
            plain.sort_by_key(|text| text.to_ascii_lowercase());
            let less = plain.partition_point(|text| text.to_ascii_lowercase() < wanted.to_ascii_lowercase());
            let entry = |text| Entry { text, ..Entry::default() };
            let sorted = Sorted::new(texts.into_iter().map(entry).collect());
            proptest::prop_assert_eq!(sorted.less_than(&wanted), less, "{:?}", plain);
            for (at, text) in plain.iter().enumerate() {
                proptest::prop_assert_eq!(sorted.text(at).to_ascii_lowercase(), text.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn the_part_behind_the_account_is_compared() {
        assert_eq!(tail("arn:aws:ecr:r:1:repository/App"), "repository/App");
        assert_eq!(tail("*"), "*");
    }
}
