//! The policies of one principal as a whole: with many groups and managed policies, asking one index is quicker than
//! asking one for each policy.

use crate::compile::Statement;
use crate::index::Index;
use crate::layers::Attached;
use crate::policy::Policy;
use crate::principal_match::Strength;
use crate::request::Target;

/// The numbers of a policy and of a statement in it.
pub(crate) type Place = (usize, usize);

/// One index over several policies, to be kept with the principal and made anew when its policies change
/// ([`Layers::bundle`](crate::Layers::bundle)).
#[derive(Debug)]
pub struct Bundle {
    policies: Box<[Policy]>,
    /// By number.
    places: Box<[Place]>,
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

    /// Policy and statement: of the first Deny that matches, as error, or of the strongest Allow.
    pub(crate) fn decide(&self, target: &Target<'_>) -> Result<Option<(Strength, Place)>, Place> {
        let place = |at| self.place(at).unwrap_or_default();
        let decided = self.index.decide(target, |at| self.statement(at));
        decided.map(|best| best.map(|(strength, at)| (strength, place(at)))).map_err(place)
    }

    fn place(&self, at: usize) -> Option<Place> {
        self.places.get(at).copied()
    }

    fn statement(&self, at: usize) -> Option<&Statement> {
        let (policy, index) = self.place(at)?;
        self.policies.get(policy)?.statements().get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Effect, Layers, PolicyKind, Principal, Request, evaluate};

    fn policy(effect: &str, count: usize) -> Policy {
        let statement = |number| {
            format!(
                r#"{{"Sid":"S{number}","Effect":"{effect}","Action":"a:b","Resource":"arn:aws:a:::r{number}/*"}}"#
            )
        };
        let statements: Vec<_> = (0..count).map(statement).collect();
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        Policy::stored(&text, PolicyKind::Identity).unwrap()
    }

    fn decide(identity: &[Attached<'_>], bundle: &Bundle) -> (Effect, Option<String>) {
        let (account, context) = ("111122223333".parse().unwrap(), Context::new());
        let user = Principal::user("arn:aws:iam::111122223333:user/u".parse().unwrap(), &account, "AIDAU");
        let request = Request {
            principal: &user,
            action: "a:b",
            resource: "arn:aws:a:::r11/x",
            resource_account: None,
            context: &context,
        };
        let layers = Layers { identity, bundle: Some(bundle), ..Layers::default() };
        let decision = evaluate(&request, &layers);
        let deciding = decision.deciding.map(|it| format!("{} {}", it.policy, it.sid.unwrap_or_default()));
        (decision.effect, deciding)
    }

    #[test]
    fn the_deciding_statement_is_found_in_its_policy() {
        let (few, many) = (policy("Allow", 3), policy("Allow", 20));
        let identity = [Attached::inline("few", &few), Attached::inline("many", &many)];
        assert_eq!(decide(&identity, &Bundle::new(&identity)), (Effect::Allow, Some("many S11".into())));
    }

    #[test]
    fn a_bundle_of_other_policies_is_not_used() {
        let (allow, deny) = (policy("Allow", 20), policy("Deny", 20));
        let old = [Attached::inline("p", &allow)];
        let new = [Attached::inline("p", &deny)];
        let same_text = policy("Allow", 20);
        let stale = Bundle::new(&old);
        assert_eq!(decide(&new, &stale), (Effect::ExplicitDeny, Some("p S11".into())));
        assert!(!stale.is_of(&[Attached::inline("p", &same_text)]) && stale.is_of(&old));
        assert!(!stale.is_of(&[]) && !stale.is_of(&[old[0], old[0]]));
    }
}
