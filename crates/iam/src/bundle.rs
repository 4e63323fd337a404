//! The policies of one principal as a whole: with many groups and managed policies, asking one index is quicker than
//! asking one for each policy.

use crate::compile::Statement;
use crate::index::Index;
use crate::layers::Attached;
use crate::policy::Policy;
use crate::principal_match::Strength;
use crate::request::Target;

/// One index over several policies, to be kept with the principal and made anew when its policies change
/// ([`Layers::bundle`](crate::Layers::bundle)).
#[derive(Debug)]
pub struct Bundle {
    policies: Box<[Policy]>,
    /// Policy and statement by number.
    places: Box<[(usize, usize)]>,
    index: Index,
}

impl Bundle {
    /// The index over `policies`. Takes milliseconds per thousand statements.
    pub fn new(policies: &[Attached<'_>]) -> Self {
        let policies: Box<[_]> = policies.iter().map(|attached| attached.policy.clone()).collect();
        let numbered = policies.iter().enumerate();
        let places = numbered.flat_map(|(at, it)| (0..it.statements().len()).map(move |index| (at, index)));
        let places: Box<[_]> = places.collect();
        let statements: Vec<_> = policies.iter().flat_map(Policy::statements).collect();
        let index = Index::new(statements.iter().copied());
        Self { policies, places, index }
    }

    /// Whether it was made of exactly these policies.
    pub(crate) fn is_of(&self, policies: &[Attached<'_>]) -> bool {
        self.policies.len() == policies.len()
            && self.policies.iter().zip(policies).all(|(own, other)| own.is(other.policy))
    }

    pub(crate) fn deny(&self, target: &Target<'_>) -> Option<(usize, usize)> {
        self.place(self.index.deny(target, |at| self.statement(at))?)
    }

    pub(crate) fn allow(&self, target: &Target<'_>) -> Option<(Strength, (usize, usize))> {
        let (strength, at) = self.index.allow(target, |at| self.statement(at))?;
        Some((strength, self.place(at)?))
    }

    fn place(&self, at: usize) -> Option<(usize, usize)> {
        self.places.get(at).copied()
    }

    fn statement(&self, at: usize) -> Option<&Statement> {
        let (policy, index) = self.place(at)?;
        self.policies.get(policy)?.statements().get(index)
    }
}
