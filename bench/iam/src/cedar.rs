//! `cedar-policy`: another language, asked the same questions.

use std::fmt::Write;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression,
};

use super::measure::{Figures, measure};
use super::{ACTIONS, ADDRESS, Asked, REGION, is_deny, prefix};

pub(crate) struct Engine {
    layers: [PolicySet; 4],
}

impl Engine {
    pub(crate) fn new(size: usize) -> Self {
        let mut text = String::new();
        for number in 0..size {
            let (effect, region) = if is_deny(number) { ("forbid", "us-east-1") } else { ("permit", REGION) };
            let _ = writeln!(
                text,
                "{effect}(principal, action in [Action::\"{}\", Action::\"{}\"], resource) when {{ \
                 context.resource like \"{}*\" && context.region == \"{region}\" && \
                 context.address.isInRange(ip(\"10.0.0.0/8\")) }};",
                ACTIONS[0],
                ACTIONS[1],
                prefix(number),
            );
        }
        let policies = PolicySet::from_str(&text).unwrap();
        Self { layers: std::array::from_fn(|_| policies.clone()) }
    }

    pub(crate) fn decide(&self, asked: &[Asked]) -> Figures {
        let (authorizer, entities) = (Authorizer::new(), Entities::empty());
        // Building a request of Cedar is not what is measured.
        let requests: Vec<_> = asked.iter().map(request).collect();
        measure(requests.len(), |at| {
            for layer in &self.layers {
                let answer = authorizer.is_authorized(&requests[at], layer, &entities);
                assert_eq!(answer.decision(), Decision::Allow);
            }
        })
    }
}

fn request(asked: &Asked) -> Request {
    let name = |kind: &str, id: &str| EntityUid::from_str(&format!("{kind}::\"{id}\"")).unwrap();
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let context = Context::from_pairs([
        ("resource".to_owned(), text(&asked.resource)),
        ("region".to_owned(), text(REGION)),
        ("address".to_owned(), RestrictedExpression::new_ip(ADDRESS)),
    ])
    .unwrap();
    Request::new(name("Role", "exec"), name("Action", asked.action), name("Repository", "app"), context, None)
        .unwrap()
}
