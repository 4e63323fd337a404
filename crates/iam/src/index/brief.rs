//! The most frequent form of a statement in sixteen bytes: one literal resource, with actions and conditions that other
//! statements have too. With thousands of statements a decision waits for memory, and this is what it has to read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::{ActionPattern, Selection, Statement};
use crate::condition::Condition;
use crate::principal_match::Strength;
use crate::request::Target;

type Actions = Arc<Selection<ActionPattern>>;
pub(crate) type Conditions = Arc<[Condition]>;

/// Either says whether the statement matches, or that the statement itself has to be asked.
#[derive(Debug, Clone, Copy)]
struct Brief {
    /// Where the part of the resource behind the fifth colon begins in `tails`.
    start: u32,
    conditions: u32,
    length: u16,
    head: u16,
    actions: u16,
    denies: bool,
    /// More may follow behind the literal text.
    open: bool,
    /// None of this holds: the statement has another form.
    other: bool,
}

/// What a request finds in a statement that is for any principal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance<'a> {
    /// The action matches.
    pub(crate) action: bool,
    /// The resource matches.
    pub(crate) resource: bool,
    pub(crate) conditions: &'a Conditions,
}

/// All statements of an index.
#[derive(Debug, Default)]
pub(super) struct Briefs {
    briefs: Box<[Brief]>,
    /// The literal texts up to the fifth colon.
    heads: Box<[Box<str>]>,
    tails: Box<str>,
    actions: Box<[Actions]>,
    conditions: Box<[Conditions]>,
}

impl Briefs {
    pub(super) fn new<'a>(statements: impl Iterator<Item = &'a Statement>) -> Self {
        let mut maker = Maker::default();
        let briefs = statements.map(|it| maker.brief(it).unwrap_or(Brief::other(it.denies))).collect();
        let Maker { heads, tails, actions, conditions, .. } = maker;
        Self {
            briefs,
            heads: heads.into(),
            tails: tails.into(),
            actions: actions.into(),
            conditions: conditions.into(),
        }
    }

    pub(super) fn denies(&self, at: usize) -> bool {
        self.briefs.get(at).is_some_and(|brief| brief.denies)
    }

    /// What does not match of the statement of this number, without a look at it; `None` if it has another form.
    pub(super) fn glance(&self, at: usize, target: &Target<'_>) -> Option<Glance<'_>> {
        let brief = self.briefs.get(at).filter(|brief| !brief.other)?;
        Some(Glance {
            action: self.actions.get(usize::from(brief.actions))?.matches(target),
            resource: self.matches_resource(brief, target).unwrap_or(false),
            conditions: self.conditions.get(brief.conditions as usize)?,
        })
    }

    /// [`Statement::applies`] for the statement of this number.
    pub(super) fn applies<'a>(
        &self,
        at: usize,
        target: &Target<'_>,
        statement: impl FnOnce() -> Option<&'a Statement>,
    ) -> Option<Strength> {
        let Some(brief) = self.briefs.get(at).filter(|brief| !brief.other) else {
            return statement()?.applies(target);
        };
        let conditions = self.conditions.get(brief.conditions as usize)?;
        let matches = self.matches_resource(brief, target)?
            && self.actions.get(usize::from(brief.actions))?.matches(target)
            && conditions.iter().all(|condition| condition.holds(target));
        matches.then_some(Strength::Direct)
    }

    fn matches_resource(&self, brief: &Brief, target: &Target<'_>) -> Option<bool> {
        let arn = target.arn.as_ref()?;
        let start = brief.start as usize;
        let wanted = self.tails.get(start..start + usize::from(brief.length))?;
        let tail = if brief.open { arn.tail.starts_with(wanted) } else { arn.tail == wanted };
        Some(tail && self.heads.get(usize::from(brief.head))?.as_ref() == arn.before_tail())
    }
}

impl Brief {
    fn other(denies: bool) -> Self {
        Self { start: 0, conditions: 0, length: 0, head: 0, actions: 0, denies, open: false, other: true }
    }
}

#[derive(Default)]
struct Maker {
    heads: Vec<Box<str>>,
    tails: String,
    actions: Vec<Actions>,
    conditions: Vec<Conditions>,
    known_heads: HashMap<Box<str>, usize>,
    /// By address: what statements share is kept alive in the lists.
    known_actions: HashMap<*const Selection<ActionPattern>, usize>,
    known_conditions: HashMap<*const Condition, usize>,
}

impl Maker {
    /// `None` for a statement of another form.
    fn brief(&mut self, statement: &Statement) -> Option<Brief> {
        let (None, Some(resources)) = (&statement.principals, &statement.resources) else { return None };
        let (false, [resource]) = (resources.not, resources.patterns.as_ref()) else { return None };
        let (head, tail, open) = resource.literal_parts()?;
        let brief = Brief {
            start: u32::try_from(self.tails.len()).ok()?,
            length: u16::try_from(tail.len()).ok()?,
            head: number(&mut self.known_heads, head.into(), || self.heads.push(head.into()))?,
            actions: number(&mut self.known_actions, Arc::as_ptr(&statement.actions), || {
                self.actions.push(statement.actions.clone());
            })?,
            conditions: number(&mut self.known_conditions, statement.conditions.as_ptr(), || {
                self.conditions.push(statement.conditions.clone());
            })?,
            denies: statement.denies,
            open,
            other: false,
        };
        self.tails.push_str(tail);
        Some(brief)
    }
}

/// The number of a thing; `add` is called for one that is new.
pub(super) fn number<K: Eq + std::hash::Hash, N: TryFrom<usize>>(
    known: &mut HashMap<K, usize>,
    key: K,
    add: impl FnOnce(),
) -> Option<N> {
    let next = known.len();
    let number = *known.entry(key).or_insert_with(|| {
        add();
        next
    });
    N::try_from(number).ok()
}
