//! What a call must have so that a statement lets it in: for services, identity providers and strangers, whose calls nobody
//! makes here, so that keys such as `aws:SourceArn` or `…:sub` are not known.

use landfall_base::Arn;
use landfall_iam::{
    Context as Conditions, Element, Layer, Miss, Principal, StatementEffect, StatementTrace, Trace,
};

use crate::iam::organization;

/// A statement that would match if the call had some keys with some values.
#[derive(Debug)]
pub(super) struct Provided {
    misses: Vec<Miss>,
}

/// The Allow statements of the resource's policies that miss only because of keys that the call does not have, or of who
/// exactly in its account calls.
pub(super) fn nearly(trace: &Trace) -> Vec<Provided> {
    let near = trace.near_misses().into_iter();
    let of_resource =
        near.filter(|(layer, ..)| matches!(layer, Layer::Resource | Layer::RoleTrust)).map(|(.., it)| it);
    of_resource.filter(|it| is_near(it)).map(|it| Provided { misses: it.misses.clone() }).collect()
}

fn is_near(statement: &StatementTrace) -> bool {
    statement.effect == StatementEffect::Allow
        && statement.misses.iter().all(|miss| {
            miss.element == Element::Condition
                && (is_principal_arn(miss) || (miss.actual.is_none() && can_be_provided(miss)))
        })
}

fn is_principal_arn(miss: &Miss) -> bool {
    miss.key.as_deref().is_some_and(|key| key.eq_ignore_ascii_case("aws:PrincipalArn"))
}

/// Nobody comes from outside with the organization of the installation's accounts.
fn can_be_provided(miss: &Miss) -> bool {
    let key = miss.key.as_deref().unwrap_or_default();
    let organization = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"];
    let ours = |value: &String| value == organization::ID || value == organization::PATH;
    !organization.iter().any(|name| name.eq_ignore_ascii_case(key)) || !miss.expected.iter().any(ours)
}

impl Provided {
    /// The context of a call that has the keys.
    pub(super) fn context(&self, context: &Conditions) -> Conditions {
        let mut context = context.clone();
        for miss in self.misses.iter().filter(|miss| !is_principal_arn(miss)) {
            if let (Some(key), Some(value)) = (&miss.key, miss.expected.first()) {
                context.set(key.as_str(), value.as_str());
            }
        }
        context
    }

    /// The caller that the statement asks for. A pattern matches itself.
    pub(super) fn principal(&self, principal: &Principal) -> Principal {
        let wanted = self.misses.iter().find(|miss| is_principal_arn(miss));
        let arn = wanted.and_then(|miss| miss.expected.first()).and_then(|text| text.parse::<Arn>().ok());
        let account = arn.as_ref().and_then(Arn::account_id);
        match (arn, account) {
            (Some(arn), Some(account)) if principal.account() == Some(&account) => {
                if arn.resource().starts_with("user/") {
                    Principal::user(arn, &account, "any")
                } else {
                    Principal::role_session(arn, &account, "any", "any")
                }
            }
            _ => principal.clone(),
        }
    }

    /// In words: ``where `aws:SourceAccount` is `111122223333` ``.
    pub(super) fn text(&self) -> String {
        let texts: Vec<_> = self.misses.iter().map(condition).collect();
        format!("where {}", texts.join(" and "))
    }
}

fn condition(miss: &Miss) -> String {
    let values: Vec<_> = miss.expected.iter().map(|value| format!("`{value}`")).collect();
    format!("`{}` is {}", miss.key.as_deref().unwrap_or_default(), values.join(" or "))
}
