//! Which statements of a long policy a trace lists: all that matched, and the nearest of those that did not.
//!
//! What is looked at is bounded, except for statements that match or whose action and resource could: those the
//! decision has to compare as well.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Distance, Element, Others, StatementTrace, distance, trace_plain, trace_statement};
use crate::index::{Conditions, Glance, Near, Neighbour, Plain, RequestKeys};
use crate::policy::Policy;
use crate::principal_match::Strength;
use crate::request::Target;

/// Misses that are listed.
const LISTED: usize = 5;

/// Misses that are compared, of each of: Allows and Denies with a fitting action and resource, Allows with a fitting
/// action, Allows with a name that is easily taken for the action.
const EXAMINED: usize = 12;

/// A statement that does not match. Only of those that are listed the statement itself is looked at: with thousands of
/// them that takes most of the time.
struct Candidate<'a> {
    missed: Neighbour<'a>,
    denies: bool,
    distance: Distance,
    /// All conditions hold.
    conditions: bool,
}

/// What came of a request's search.
struct Found<'a> {
    matched: Vec<usize>,
    missed: Vec<Neighbour<'a>>,
}

/// The statements to list, and how many others there are.
pub(super) fn statements(
    target: &Target<'_>,
    policy: &Policy,
    near: &Near,
) -> (Vec<StatementTrace>, Option<Others>) {
    let all = policy.statements();
    let mut found = fitting(target, policy);
    let neighbours = near.neighbours(target, EXAMINED);
    found.missed.extend(&neighbours.statements);
    found.missed.extend(mistaken(target, policy, near));
    let candidates = found.candidates(target, policy);
    let compared = found.matched.len() + candidates.len();
    let right = candidates.iter().filter(|it| !it.distance.0).count();
    let left = all.len().saturating_sub(compared);
    let skipped = neighbours.right_action.saturating_sub(found.matched.len() + right).min(left);
    let nearest = nearest(&candidates);
    let others = Others {
        other_actions: left - skipped,
        examined: candidates.len().saturating_sub(nearest.len()),
        skipped,
    };
    let look_at = |index| {
        let glance = policy.index().glance(index, target);
        Some(trace_statement(target, index, all.get(index)?, glance))
    };
    let mut listed = Vec::with_capacity(found.matched.len() + nearest.len());
    listed.extend(found.matched.iter().copied().filter_map(look_at));
    listed.extend(nearest.into_iter().filter_map(|it| match &it.missed.plain {
        Some(plain) => Some(trace_plain(target, it.missed.statement, plain, it.conditions)),
        None => look_at(it.missed.statement),
    }));
    (listed, Some(others))
}

/// Statements whose action and resource could match: all that do, some that do not.
fn fitting<'a>(target: &Target<'_>, policy: &Policy) -> Found<'a> {
    let mut found = Found { matched: Vec::new(), missed: Vec::with_capacity(2 * EXAMINED) };
    let mut room = [EXAMINED; 2];
    let statement = |at: usize| policy.statements().get(at);
    policy.index().each(target, statement, |at, strength: Option<Strength>| {
        if strength.is_some() {
            found.matched.push(at);
            return;
        }
        let denies = denies(policy, at);
        if let Some(room) = room.get_mut(usize::from(denies)).filter(|room| **room > 0) {
            *room -= 1;
            found.missed.push(Neighbour { statement: at, common: usize::MAX, plain: None });
        }
    });
    found.matched.sort_unstable();
    found.matched.dedup();
    found
}

fn denies(policy: &Policy, at: usize) -> bool {
    let asked = || policy.statements().get(at).is_some_and(|it| it.denies);
    policy.index().denies(at).unwrap_or_else(asked)
}

/// Allows of an action that is easily taken for the request's, for a resource that could be the request's.
fn mistaken<'a>(target: &Target<'_>, policy: &Policy, near: &Near) -> Vec<Neighbour<'a>> {
    let mut found = Vec::new();
    for name in near.mistaken(&target.request.action.to_ascii_lowercase()) {
        let keys = RequestKeys::new(name, target.request.resource, target.arn.as_ref());
        policy.index().each_allow(&keys, |at| {
            if found.len() < EXAMINED {
                found.push(Neighbour { statement: at, common: 0, plain: None });
            }
        });
    }
    found
}

impl<'a> Found<'a> {
    /// The misses, each once and in the order of the document.
    fn candidates(&mut self, target: &Target<'_>, policy: &'a Policy) -> Vec<Candidate<'a>> {
        self.missed.sort_unstable_by_key(|it| (it.statement, Reverse(it.common)));
        self.missed.dedup_by_key(|it| it.statement);
        let missed = self.missed.iter().filter(|it| self.matched.binary_search(&it.statement).is_err());
        let mut measure = Measure { target, policy, failing: None };
        missed
            .filter_map(|missed| {
                let (denies, distance) = match &missed.plain {
                    Some(plain) => (false, measure.of_plain(plain)),
                    None => (denies(policy, missed.statement), measure.distance(missed.statement)?),
                };
                let conditions = measure.failing.is_some_and(|(_, failing)| failing == 0);
                Some(Candidate { missed: *missed, denies, distance, conditions })
            })
            .collect()
    }
}

/// The few to list, nearest first.
fn nearest<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Vec<&'c Candidate<'a>> {
    let mut ranked: Vec<_> = candidates.iter().collect();
    let rank = |it: &&Candidate<'_>| (it.denies, it.distance, Reverse(it.missed.common), it.missed.statement);
    ranked.sort_unstable_by_key(rank);
    ranked.truncate(LISTED);
    ranked
}

/// Tells what [`StatementTrace::distance`] will be, without the texts.
struct Measure<'t, 'r, 'a> {
    target: &'t Target<'r>,
    policy: &'a Policy,
    /// How many of the latest statement's conditions do not hold: those of the next are mostly the same.
    failing: Option<(&'a Conditions, usize)>,
}

impl<'a> Measure<'_, '_, 'a> {
    fn distance(&mut self, index: usize) -> Option<Distance> {
        let missed = |element, matches: bool| (!matches).then_some(element);
        let (elements, conditions) = match self.policy.index().glance(index, self.target) {
            Some(Glance { action, resource, conditions }) => {
                ([missed(Element::Action, action), None, missed(Element::Resource, resource)], conditions)
            }
            None => {
                let statement = self.policy.statements().get(index)?;
                let elements = [
                    missed(Element::Action, statement.matches_action(self.target)),
                    missed(Element::Principal, statement.matches_principal(self.target).is_some()),
                    missed(Element::Resource, statement.matches_resource(self.target)),
                ];
                (elements, &statement.conditions)
            }
        };
        let conditions = std::iter::repeat_n(Element::Condition, self.failing(conditions));
        Some(distance(elements.into_iter().flatten().chain(conditions)))
    }

    fn of_plain(&mut self, plain: &Plain<'a>) -> Distance {
        let resource = (!plain.matches_resource(self.target)).then_some(Element::Resource);
        let conditions = std::iter::repeat_n(Element::Condition, self.failing(plain.conditions));
        distance(resource.into_iter().chain(conditions))
    }

    fn failing(&mut self, conditions: &'a Conditions) -> usize {
        let known = self.failing.filter(|(latest, _)| Arc::ptr_eq(latest, conditions));
        let count = || conditions.iter().filter(|condition| !condition.holds(self.target)).count();
        let (_, failing) = *self.failing.insert(known.unwrap_or_else(|| (conditions, count())));
        failing
    }
}
