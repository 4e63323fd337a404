//! Finds the statements that may match a request without reading all of them.
//!
//! Statements are filed under the literal text of their actions (whole, or up to the first wildcard), and below that
//! under the literal text of their resources: the whole ARN, its beginning, or the part behind the fifth colon where
//! an earlier segment has a wildcard. A request asks for its own action and ARN and for their beginnings of the
//! lengths that occur. What it finds is a superset of what matches; each statement is then compared in full. The time
//! depends on the number of different lengths and of statements with the same literals, not on the number of
//! statements. Patterns that begin with a wildcard, `NotAction` and `NotResource` are read each time.

mod brief;
mod key;
mod near;
mod table;
mod words;

use std::collections::BTreeMap;

use brief::Briefs;
pub(crate) use brief::{Conditions, Glance};
pub(crate) use key::RequestKeys;
use key::{Key, Part};
pub(crate) use near::{Near, Neighbour, Plain};
use table::{Table, count};
use words::mix;

use crate::compile::Statement;
use crate::principal_match::Strength;
use crate::request::Target;

/// Fewer statements than this are read one by one, which is quicker than asking the index.
const FEWEST: usize = 7;

/// The index of one list of statements, which it does not hold.
#[derive(Debug)]
pub(crate) struct Index(Option<Filed>);

#[derive(Debug)]
struct Filed {
    drawers: Drawers,
    briefs: Briefs,
}

#[derive(Debug, Default)]
struct Drawers {
    /// Action to group.
    actions: Table,
    /// Lengths of action beginnings that occur.
    action_lengths: Box<[usize]>,
    /// The group of statements for any action.
    any_action: Option<u32>,
    groups: Box<[Group]>,
    /// Group and resource to statements, in ascending order.
    statements: Table,
}

/// The statements under one action.
#[derive(Debug, Default)]
struct Group {
    /// Some have no literal text in their resources.
    any: bool,
    text: Keys,
    tail: Keys,
}

/// Which keys occur for one part of the resource.
#[derive(Debug, Default)]
struct Keys {
    whole: bool,
    beginnings: Vec<Beginning>,
}

/// The beginnings of one length.
#[derive(Debug)]
struct Beginning {
    length: usize,
    /// Which bytes they end in, modulo 64. Most end in a separator, which tells many requests apart without a search.
    ends: u64,
}

impl Index {
    pub(crate) fn new<'a>(statements: impl ExactSizeIterator<Item = &'a Statement> + Clone) -> Self {
        if statements.len() < FEWEST {
            return Self(None);
        }
        let briefs = Briefs::new(statements.clone());
        Self(Some(Filed { drawers: Drawers::new((0..).zip(statements)), briefs }))
    }

    /// The first Deny that matches, as error, or the strongest Allow, and the first of several.
    pub(crate) fn decide<'a>(
        &self,
        target: &Target<'_>,
        statement: impl Fn(usize) -> Option<&'a Statement>,
    ) -> Result<Option<(Strength, usize)>, usize> {
        let (mut denied, mut best) = (None, None);
        let Some((filed, keys)) = self.0.as_ref().zip(target.keys()) else {
            for (at, it) in (0..).map_while(|at| Some((at, statement(at)?))) {
                if it.denies && it.applies(target).is_some() {
                    return Err(at);
                }
                if !it.denies && wants(best, at) {
                    better(&mut best, it.applies(target), at);
                }
            }
            return Ok(best);
        };
        filed.drawers.find(keys, &mut |numbers| {
            for at in numbers.iter().map(|at| *at as usize) {
                let denies = filed.briefs.denies(at);
                let wanted = if denies { denied.is_none_or(|known| at < known) } else { wants(best, at) };
                if !wanted || (denied.is_some() && !denies) {
                    continue;
                }
                let strength = filed.briefs.applies(at, target, || statement(at));
                if denies {
                    denied = strength.map(|_| at).or(denied);
                } else {
                    better(&mut best, strength, at);
                }
            }
        });
        denied.map_or(Ok(best), Err)
    }

    /// Every statement that may match and how strongly it does, in no order and some of them more than once.
    pub(crate) fn each<'a>(
        &self,
        target: &Target<'_>,
        statement: impl Fn(usize) -> Option<&'a Statement>,
        mut visit: impl FnMut(usize, Option<Strength>),
    ) {
        let Some((filed, keys)) = self.0.as_ref().zip(target.keys()) else {
            let all = (0..).map_while(|at| Some((at, statement(at)?)));
            all.for_each(|(at, it)| visit(at, it.applies(target)));
            return;
        };
        filed.drawers.find(keys, &mut |numbers| {
            for at in numbers.iter().map(|at| *at as usize) {
                visit(at, filed.briefs.applies(at, target, || statement(at)));
            }
        });
    }

    /// What does not match of a statement, without a look at it, if the index knows that.
    pub(crate) fn glance(&self, at: usize, target: &Target<'_>) -> Option<Glance<'_>> {
        self.0.as_ref()?.briefs.glance(at, target)
    }

    /// Whether a statement is a Deny, if the index knows that.
    pub(crate) fn denies(&self, at: usize) -> Option<bool> {
        self.0.as_ref().map(|filed| filed.briefs.denies(at))
    }

    /// Allows that may match a request with these keys, in no order.
    pub(crate) fn each_allow(&self, keys: &RequestKeys<'_>, mut visit: impl FnMut(usize)) {
        let Some(filed) = &self.0 else { return };
        let allows = |at: &usize| !filed.briefs.denies(*at);
        filed.drawers.find(keys, &mut |numbers| {
            numbers.iter().map(|at| *at as usize).filter(allows).for_each(&mut visit);
        });
    }
}

/// Whether the statement of this number could be better than what is known.
fn wants(best: Option<(Strength, usize)>, at: usize) -> bool {
    best.is_none_or(|(strength, known)| strength < Strength::Direct || at < known)
}

fn better(best: &mut Option<(Strength, usize)>, strength: Option<Strength>, at: usize) {
    let Some(strength) = strength else { return };
    let wins = |(known, place): &(Strength, usize)| strength > *known || (strength == *known && at < *place);
    if best.as_ref().is_none_or(wins) {
        *best = Some((strength, at));
    }
}

/// What is filed under one action while the index is built.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Drawer(BTreeMap<Key, Vec<u32>>);

impl Drawers {
    fn new<'a>(statements: impl Iterator<Item = (u32, &'a Statement)>) -> Self {
        let mut drawers: BTreeMap<Key, Drawer> = BTreeMap::new();
        for (number, statement) in statements {
            let actions = key::of_actions(&statement.actions);
            let resources = key::of_resources(statement.resources.as_ref(), actions.len());
            for action in actions {
                let drawer = drawers.entry(action).or_default();
                resources.iter().for_each(|resource| drawer.0.entry(*resource).or_default().push(number));
            }
        }
        Self::file(&drawers)
    }

    /// Actions under which the same statements are filed share a group.
    fn file(drawers: &BTreeMap<Key, Drawer>) -> Self {
        let (mut actions, mut statements) = (BTreeMap::<u64, Vec<u32>>::new(), BTreeMap::new());
        let (mut lengths, mut any_action) = (Vec::new(), None);
        let (mut known, mut groups) = (BTreeMap::new(), Vec::new());
        for (action, drawer) in drawers {
            let number = *known.entry(drawer).or_insert_with(|| {
                groups.push(drawer.file(count(groups.len()), &mut statements));
                count(groups.len() - 1)
            });
            match action {
                Key::Any => any_action = Some(number),
                Key::Whole(_, hash) => actions.entry(*hash).or_default().push(number),
                Key::Prefix(_, length, _, hash) => {
                    actions.entry(*hash).or_default().push(number);
                    lengths.push(*length);
                }
            }
        }
        lengths.sort_unstable();
        lengths.dedup();
        let (actions, statements) = (Table::new(&actions), Table::new(&statements));
        Self { actions, action_lengths: lengths.into(), any_action, groups: groups.into(), statements }
    }

    /// Hands every list of statements that may match to `visit`.
    fn find(&self, keys: &RequestKeys<'_>, visit: &mut impl FnMut(&[u32])) {
        if let Some(group) = self.any_action {
            self.look_into(group, keys, visit);
        }
        let prefixes = self.action_lengths.iter().take_while(|length| **length <= keys.action.length());
        let hashes = prefixes.map(|length| keys.action.prefix(*length));
        for hash in std::iter::once_with(|| keys.action.whole()).chain(hashes) {
            self.actions.get(hash).flatten().for_each(|group| self.look_into(*group, keys, visit));
        }
    }

    fn look_into(&self, number: u32, keys: &RequestKeys<'_>, visit: &mut impl FnMut(&[u32])) {
        let Some(group) = self.groups.get(number as usize) else { return };
        let mut list = |hash| self.statements.get(in_group(number, hash)).for_each(&mut *visit);
        if group.any {
            list(0);
        }
        group.text.each(keys, Part::Text, &mut list);
        group.tail.each(keys, Part::Tail, &mut list);
    }
}

impl Drawer {
    fn file(&self, number: u32, statements: &mut BTreeMap<u64, Vec<u32>>) -> Group {
        let mut group = Group::default();
        for (key, list) in &self.0 {
            let (part, hash) = match key {
                Key::Any => (None, 0),
                Key::Whole(part, hash) | Key::Prefix(part, _, _, hash) => (Some(part), *hash),
            };
            let keys = match part {
                None => {
                    group.any = true;
                    None
                }
                Some(Part::Text) => Some(&mut group.text),
                Some(Part::Tail) => Some(&mut group.tail),
            };
            if let Some(keys) = keys {
                keys.note(key);
            }
            let filed = statements.entry(in_group(number, hash)).or_default();
            filed.extend_from_slice(list);
            filed.sort_unstable();
        }
        group
    }
}

impl Keys {
    fn note(&mut self, key: &Key) {
        let Key::Prefix(_, length, last, _) = key else {
            self.whole = true;
            return;
        };
        let at = self.beginnings.partition_point(|known| known.length < *length);
        if self.beginnings.get(at).is_none_or(|known| known.length != *length) {
            self.beginnings.insert(at, Beginning { length: *length, ends: 0 });
        }
        if let Some(beginning) = self.beginnings.get_mut(at) {
            beginning.ends |= 1 << (last % 64);
        }
    }

    fn each(&self, keys: &RequestKeys<'_>, part: Part, list: &mut impl FnMut(u64)) {
        if !self.whole && self.beginnings.is_empty() {
            return;
        }
        let Some(words) = keys.part(part) else { return };
        if self.whole {
            list(part.tell_apart(words.whole()));
        }
        for beginning in self.beginnings.iter().take_while(|it| it.length <= words.length()) {
            if (beginning.ends >> (words.last_byte(beginning.length) % 64)) & 1 == 1 {
                list(part.tell_apart(words.prefix(beginning.length)));
            }
        }
    }
}

fn in_group(group: u32, hash: u64) -> u64 {
    mix(hash ^ 0x27d4_eb2f_1656_67c5, 0x9e37_79b9_7f4a_7c15 ^ u64::from(group))
}
