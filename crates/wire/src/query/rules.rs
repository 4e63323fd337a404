//! Where the two query protocols differ in how a form is written.

use std::borrow::Cow;

use landfall_shape::{Member, Protocol, ServiceSchema};

use super::decode::parameter_name;

/// Whose rules a form follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// awsQuery
    Aws,
    /// ec2Query: names begin with a capital, and no list has a wrapper. Answers keep the model's names and wrappers.
    Ec2,
}

impl Rules {
    pub(super) fn of(service: &ServiceSchema) -> Self {
        if service.protocol == Protocol::Ec2Query { Self::Ec2 } else { Self::Aws }
    }

    /// The part of a key that stands for a member.
    pub(super) fn parameter_name(self, member: &Member) -> Cow<'static, str> {
        match self {
            Self::Aws => Cow::Borrowed(parameter_name(member)),
            Self::Ec2 => capitalized(member.wire_name),
        }
    }

    /// The member's name in error texts.
    pub(super) fn shown_name<'a>(self, member: &Member, parameter: &'a str) -> &'a str {
        match self {
            Self::Aws => member.wire_name,
            Self::Ec2 => parameter,
        }
    }

    /// Whether the elements of a list stand directly below its name.
    pub(super) fn flattens(self, flattened: bool) -> bool {
        flattened || self == Self::Ec2
    }
}

fn capitalized(name: &'static str) -> Cow<'static, str> {
    match name.as_bytes().first() {
        Some(first) if first.is_ascii_lowercase() => {
            let mut owned = name.to_owned();
            if let Some(first) = owned.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Cow::Owned(owned)
        }
        _ => Cow::Borrowed(name),
    }
}
