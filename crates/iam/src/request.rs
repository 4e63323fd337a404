//! One authorization question, and how conditions and variables read values from it.

use std::cell::OnceCell;
use std::net::IpAddr;

use landfall_base::AccountId;

use crate::arn_match::ArnParts;
use crate::condition::parse_address;
use crate::context::Context;
use crate::index::RequestKeys;
use crate::principal::Principal;

/// May this principal do this to that?
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// `service:Name`, in the spelling that a refusal should show.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action without resource types.
    pub resource: &'a str,
    /// The account that owns the resource; `None` is the caller's own.
    pub resource_account: Option<&'a AccountId>,
    /// Condition keys of this call.
    pub context: &'a Context,
}

impl<'a> Request<'a> {
    /// The values of a condition key: set for the call, or derived from the principal and the resource.
    pub(crate) fn values(&self, key: &str) -> Option<Values<'a>> {
        if let Some(values) = self.context.get(key) {
            return Some(Values::Many(values));
        }
        self.derived(key).map(Values::One)
    }

    fn derived(&self, key: &str) -> Option<&'a str> {
        if key.eq_ignore_ascii_case("aws:ResourceAccount") {
            return self.resource_account.map(AccountId::as_str);
        }
        if key.eq_ignore_ascii_case("aws:ViaAWSService") {
            return Some("false");
        }
        self.principal.condition_value(key)
    }

    /// The service part of the action.
    pub(crate) fn service(&self) -> &'a str {
        self.action.split_once(':').map_or("", |(service, _)| service)
    }

    /// Whether caller and resource lie in different accounts.
    pub(crate) fn is_cross_account(&self) -> bool {
        match (self.principal.account(), self.resource_account) {
            (Some(caller), Some(owner)) => caller != owner,
            _ => false,
        }
    }
}

/// One or several values of a condition key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> Values<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(values) => values.len(),
        }
    }

    /// The value, if it is the only one.
    pub(crate) fn single(self) -> Option<&'a str> {
        match self {
            Self::One(value) => Some(value),
            Self::Many([value]) => Some(value),
            Self::Many(_) => None,
        }
    }

    pub(crate) fn all(self, mut test: impl FnMut(&'a str) -> bool) -> bool {
        match self {
            Self::One(value) => test(value),
            Self::Many(values) => values.iter().all(|value| test(value)),
        }
    }

    pub(crate) fn to_vec(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.to_owned()],
            Self::Many(values) => values.to_vec(),
        }
    }
}

/// A request with what every statement needs of it worked out once.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) service: &'a str,
    pub(crate) action_name: &'a str,
    pub(crate) arn: Option<ArnParts<'a>>,
    pub(crate) has_boundary: bool,
    keys: OnceCell<RequestKeys<'a>>,
    /// An address of the request and what it reads as: policies ask for the same one again and again.
    address: OnceCell<(&'a str, Option<IpAddr>)>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(request: &'a Request<'a>, has_boundary: bool) -> Self {
        let (service, action_name) = request.action.split_once(':').unwrap_or(("", request.action));
        let arn = ArnParts::split(request.resource);
        let (keys, address) = (OnceCell::new(), OnceCell::new());
        Self { request, service, action_name, arn, has_boundary, keys, address }
    }

    /// A text of the request as an IP address.
    pub(crate) fn address(&self, text: &'a str) -> Option<IpAddr> {
        let (known, address) = self.address.get_or_init(|| (text, parse_address(text)));
        if std::ptr::eq(*known, text) { *address } else { parse_address(text) }
    }

    /// What an index is asked for; `None` for an action without a service, which only reading all statements tells.
    pub(crate) fn keys(&self) -> Option<&RequestKeys<'a>> {
        let Request { action, resource, .. } = self.request;
        let keys = || RequestKeys::new(action, resource, self.arn.as_ref());
        action.contains(':').then(|| self.keys.get_or_init(keys))
    }
}
