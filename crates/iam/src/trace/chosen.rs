//! Which statements of a long policy a trace lists: all that matched, and the nearest of those that did not.
//!
//! What is looked at is bounded, except for statements that match or whose action and resource could: those the
//! decision has to compare as well.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Distance, Element, Others, StatementTrace, distance, trace_statement};
use crate::index::{Conditions, Glance, Near, RequestKeys, tail};
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
struct Candidate {
    index: usize,
    denies: bool,
    distance: Distance,
    /// How much of a resource's beginning is the request's.
    common: usize,
}

/// What came of a request's search.
#[derive(Default)]
struct Found {
    matched: Vec<usize>,
    /// With how much of a resource's beginning is the request's.
    missed: Vec<(usize, usize)>,
}

/// The statements to list, and how many others there are.
pub(super) fn statements(
    target: &Target<'_>,
    policy: &Policy,
    near: &Near,
) -> (Vec<StatementTrace>, Option<Others>) {
    let all = policy.statements();
    let mut found = fitting(target, policy);
    let wanted = tail(target.request.resource);
    let neighbours = near.neighbours(target, &wanted, EXAMINED);
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
    let listed = found.matched.iter().copied().chain(nearest.into_iter().map(|it| it.index));
    let trace = |index| {
        let glance = policy.index().glance(index, target);
        Some(trace_statement(target, index, all.get(index)?, glance))
    };
    (listed.filter_map(trace).collect(), Some(others))
}

/// Statements whose action and resource could match: all that do, some that do not.
fn fitting(target: &Target<'_>, policy: &Policy) -> Found {
    let mut found = Found::default();
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
            found.missed.push((at, usize::MAX));
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
fn mistaken(target: &Target<'_>, policy: &Policy, near: &Near) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for name in near.mistaken(&target.request.action.to_ascii_lowercase()) {
        let keys = RequestKeys::new(name, target.request.resource, target.arn.as_ref());
        policy.index().each_allow(&keys, |at| {
            if found.len() < EXAMINED {
                found.push((at, 0));
            }
        });
    }
    found
}

impl Found {
    /// The misses, each once and in the order of the document.
    fn candidates(&mut self, target: &Target<'_>, policy: &Policy) -> Vec<Candidate> {
        self.missed.sort_unstable_by_key(|(index, common)| (*index, Reverse(*common)));
        self.missed.dedup_by_key(|(index, _)| *index);
        let missed = self.missed.iter().filter(|(index, _)| self.matched.binary_search(index).is_err());
        let mut measure = Measure { target, policy, failing: None };
        missed
            .filter_map(|&(index, common)| {
                let distance = measure.distance(index)?;
                Some(Candidate { index, denies: denies(policy, index), distance, common })
            })
            .collect()
    }
}

/// The few to list, nearest first.
fn nearest(candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut ranked: Vec<_> = candidates.iter().collect();
    ranked.sort_unstable_by_key(|it| (it.denies, it.distance, Reverse(it.common), it.index));
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

    fn failing(&mut self, conditions: &'a Conditions) -> usize {
        let known = self.failing.filter(|(latest, _)| Arc::ptr_eq(latest, conditions));
        let count = || conditions.iter().filter(|condition| !condition.holds(self.target)).count();
        let (_, failing) = *self.failing.insert(known.unwrap_or_else(|| (conditions, count())));
        failing
    }
}
