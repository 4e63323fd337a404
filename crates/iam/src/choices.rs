//! Points that AWS's documentation leaves open or states in two ways, each decided once, here, with its reason.
//!
//! In the engine as it is built for use a decision is a constant. With the feature `switches`, which only tests have, it
//! can be taken the other way on one thread (`with_other`), to show what hangs on it.

use crate::evaluate::required_policy;
use crate::layers::ResourceKind;

/// An open point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A resource pattern with fewer than six fields and a field that ends in `*`, such as
    /// `arn:aws:ecr:*:repository/app`, is also read as one whole text in which that `*` crosses colons. The IAM User Guide
    /// says that a `*` at the end of a segment can match beyond the colon. Patterns with all six fields stay strict, so
    /// that the rule widens only what could otherwise not have been meant.
    ShortArnStarCrossesColons,
    /// `ForAnyValue:…IfExists` is true when the key is absent: the text about `IfExists` has no exception for it.
    IfExistsHoldsUnderForAnyValue,
    /// A key with several values under an operator without `ForAllValues` or `ForAnyValue` matches. AWS leaves it
    /// undefined; no match is what its engineers show in talks, and is the smaller surprise for an Allow.
    SeveralValuesMatchWithoutSetOperator,
    /// A context value that is the empty text counts as missing when a variable asks for it, as "a key without a value".
    /// Without this, `home/${aws:PrincipalTag/team}/*` would open `home//`.
    EmptyVariableValueIsNull,
    /// `NotResource` whose pattern holds a variable without a value excludes nothing, so that the statement applies: such
    /// a pattern matches no resource, and `NotResource` is "everything that does not match".
    UnresolvedNotResourceApplies,
    /// A grant to `*` in a resource policy is limited by neither boundary nor session policy inside the account: the page
    /// on the `Principal` element says so for `*` with a condition on `aws:PrincipalArn`.
    EveryoneIsDirect,
    /// `Deny` with `NotPrincipal` spares a role session only if session ARN, role ARN and account are all listed, as the
    /// page on `NotPrincipal` demands; a partial list denies.
    NotPrincipalNeedsEveryFacet,
    /// `NotPrincipal` in a Deny never spares a principal that has a permissions boundary (page on `NotPrincipal`).
    NotPrincipalDeniesBounded,
    /// Across accounts, with neither side allowing, the refusal names the identity-based policy. Off: secrets of another
    /// account were tried on AWS in 2021 (dev.classmethod.jp, "access-denied-error-message-vpcendpoint-crossaccount"), and
    /// the refusals name the resource-based policy.
    BothSidesSilentNamesIdentity,
    /// Across accounts, where the resource's policy allows the account as a whole and the caller's own policies nothing, the
    /// refusal names the resource-based policy: as was tried there. Key and trust policies were not.
    AccountGrantAloneNamesResource,
    /// Of two policies that deny, one of the caller's and one of the resource, the refusal names the caller's: as was tried
    /// there.
    IdentityDenyNamedFirst,
    /// Partition, service, Region and account of an ARN are compared with regard to case, as its last part is. AWS writes all
    /// of them in lower case and says of none that another spelling is the same; a pattern that was misspelt then allows
    /// nothing, where a wider reading might allow what was not meant.
    ArnBeginningHasCase,
    /// A KMS grant lets its grantee in within the limits of the permissions boundary and the session policies. Off: the KMS
    /// guide lists what a grant is bound by, and names neither; to limit a grantee one retires the grant.
    GrantKeepsWithinLimits,
    /// `ecs:RegisterTaskDefinition` is about all revisions of the family, `task-definition/<family>:*`: the Service
    /// Authorization Reference gives it that type of resource, and the number of the new revision is not known yet. A policy
    /// that names `*` allows it either way. (The roles are passed then, and again when a task is run; services, of which the
    /// reference says no more, are not there.)
    RegistrationNamesFamily,
    /// A KMS grant also needs an Allow in the grantee's own account when that is not the key's. Off: the KMS guide
    /// describes a grant as sufficient for its grantee, and names no second condition.
    GrantNeedsIdentityAcrossAccounts,
    /// Explicit denies end in the ARN of the policy (AWS security blog, January 2026). Tools that read refusals compare
    /// the beginning, which does not change.
    ExplicitDenyNamesPolicy,
    /// Only denials count in a resource control policy: `RCPFullAWSAccess` is always attached and cannot be removed.
    RcpOnlyDenies,
    /// Calls that only work through their resource's policy (`sts:AssumeRole*`, operations on a KMS key) are refused when
    /// no such policy was handed to the engine. A forgotten layer must not open anything.
    MissingRequiredPolicyDenies,
    /// A simulation (`iam:SimulatePrincipalPolicy`, `iam:SimulateCustomPolicy`) that is given no `ResourcePolicy` asks
    /// identity policies alone about KMS keys and roles, too. The API reference says that the simulator evaluates
    /// identity-based policies and the inputs that are provided, and loads no policy of a resource by itself; AWS's simulator
    /// knows no trust policies at all. Where one is given it is needed, as in a call. `landfall iam who-can` and `simulate`
    /// answer as a call would.
    SimulationKnowsGivenPoliciesOnly,
}

impl Choice {
    /// Every open point.
    pub const ALL: [Self; 19] = [
        Self::ShortArnStarCrossesColons,
        Self::IfExistsHoldsUnderForAnyValue,
        Self::SeveralValuesMatchWithoutSetOperator,
        Self::EmptyVariableValueIsNull,
        Self::UnresolvedNotResourceApplies,
        Self::EveryoneIsDirect,
        Self::NotPrincipalNeedsEveryFacet,
        Self::NotPrincipalDeniesBounded,
        Self::BothSidesSilentNamesIdentity,
        Self::AccountGrantAloneNamesResource,
        Self::IdentityDenyNamedFirst,
        Self::ArnBeginningHasCase,
        Self::GrantKeepsWithinLimits,
        Self::RegistrationNamesFamily,
        Self::GrantNeedsIdentityAcrossAccounts,
        Self::ExplicitDenyNamesPolicy,
        Self::RcpOnlyDenies,
        Self::MissingRequiredPolicyDenies,
        Self::SimulationKnowsGivenPoliciesOnly,
    ];

    /// How it is decided.
    pub const fn decided(self) -> bool {
        match self {
            Self::ShortArnStarCrossesColons
            | Self::IfExistsHoldsUnderForAnyValue
            | Self::EmptyVariableValueIsNull
            | Self::UnresolvedNotResourceApplies
            | Self::EveryoneIsDirect
            | Self::NotPrincipalNeedsEveryFacet
            | Self::NotPrincipalDeniesBounded
            | Self::AccountGrantAloneNamesResource
            | Self::IdentityDenyNamedFirst
            | Self::ArnBeginningHasCase
            | Self::RegistrationNamesFamily
            | Self::ExplicitDenyNamesPolicy
            | Self::RcpOnlyDenies
            | Self::MissingRequiredPolicyDenies
            | Self::SimulationKnowsGivenPoliciesOnly => true,
            Self::SeveralValuesMatchWithoutSetOperator
            | Self::BothSidesSilentNamesIdentity
            | Self::GrantKeepsWithinLimits
            | Self::GrantNeedsIdentityAcrossAccounts => false,
        }
    }

    /// How it is taken now.
    #[inline]
    pub(crate) fn holds(self) -> bool {
        #[cfg(feature = "switches")]
        return self.decided() != switches::is_other(self);
        #[cfg(not(feature = "switches"))]
        self.decided()
    }
}

/// What `ecs:RegisterTaskDefinition` is about, of a family whose revisions `all_revisions` names.
pub fn registered_resource(all_revisions: &str) -> &str {
    if Choice::RegistrationNamesFamily.holds() { all_revisions } else { "*" }
}

/// How much depends on the policy of a resource in a simulation, which may have been given one.
pub fn simulated_kind(action: &str, resource: &str, given: bool) -> ResourceKind<'static> {
    if !given && Choice::SimulationKnowsGivenPoliciesOnly.holds() {
        return ResourceKind::Ordinary;
    }
    required_policy(action, resource).unwrap_or(ResourceKind::Ordinary)
}

#[cfg(feature = "switches")]
pub use switches::with_other;

#[cfg(feature = "switches")]
mod switches {
    use std::cell::Cell;

    use super::Choice;

    thread_local! {
        static OTHER: Cell<Option<Choice>> = const { Cell::new(None) };
    }

    pub(super) fn is_other(choice: Choice) -> bool {
        OTHER.get() == Some(choice)
    }

    /// Does `work` with one point decided the other way, on this thread. Policies that were compiled before keep what was
    /// decided for them.
    pub fn with_other<T>(choice: Choice, work: impl FnOnce() -> T) -> T {
        struct Back(Option<Choice>);
        impl Drop for Back {
            fn drop(&mut self) {
                OTHER.set(self.0);
            }
        }
        let _back = Back(OTHER.replace(Some(choice)));
        work()
    }
}
