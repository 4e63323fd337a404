//! Points that AWS's documentation leaves open or states in two ways, each decided once, here, with its reason.
//! Flipping a constant flips the engine; nothing else has to change.

/// A resource pattern with fewer than six fields and a field that ends in `*`, such as
/// `arn:aws:ecr:*:repository/app`, is also read as one whole text in which that `*` crosses colons. The IAM User Guide
/// says that a `*` at the end of a segment can match beyond the colon. Patterns with all six fields stay strict, so
/// that the rule widens only what could otherwise not have been meant.
pub const SHORT_ARN_STAR_CROSSES_COLONS: bool = true;

/// `ForAnyValue:…IfExists` is true when the key is absent: the text about `IfExists` has no exception for it.
pub const IF_EXISTS_HOLDS_UNDER_FOR_ANY_VALUE: bool = true;

/// A key with several values under an operator without `ForAllValues` or `ForAnyValue` matches. AWS leaves it
/// undefined; no match is what its engineers show in talks, and is the smaller surprise for an Allow.
pub const SEVERAL_VALUES_MATCH_WITHOUT_SET_OPERATOR: bool = false;

/// A context value that is the empty text counts as missing when a variable asks for it, as "a key without a value".
/// Without this, `home/${aws:PrincipalTag/team}/*` would open `home//`.
pub const EMPTY_VARIABLE_VALUE_IS_NULL: bool = true;

/// `NotResource` whose pattern holds a variable without a value excludes nothing, so that the statement applies: such
/// a pattern matches no resource, and `NotResource` is "everything that does not match".
pub const UNRESOLVED_NOT_RESOURCE_APPLIES: bool = true;

/// A grant to `*` in a resource policy is limited by neither boundary nor session policy inside the account: the page
/// on the `Principal` element says so for `*` with a condition on `aws:PrincipalArn`.
pub const EVERYONE_IS_DIRECT: bool = true;

/// `Deny` with `NotPrincipal` spares a role session only if session ARN, role ARN and account are all listed, as the
/// page on `NotPrincipal` demands; a partial list denies.
pub const NOT_PRINCIPAL_NEEDS_EVERY_FACET: bool = true;

/// `NotPrincipal` in a Deny never spares a principal that has a permissions boundary (page on `NotPrincipal`).
pub const NOT_PRINCIPAL_DENIES_BOUNDED: bool = true;

/// Across accounts, with neither side allowing, the refusal names the identity-based policy: it is the side that the
/// caller can see and change.
pub const BOTH_SIDES_SILENT_NAMES_IDENTITY: bool = true;

/// A KMS grant also needs an Allow in the grantee's own account when that is not the key's. Off: the KMS guide
/// describes a grant as sufficient for its grantee, and names no second condition.
pub const GRANT_NEEDS_IDENTITY_ACROSS_ACCOUNTS: bool = false;

/// Explicit denies end in the ARN of the policy (AWS security blog, January 2026). Tools that read refusals compare
/// the beginning, which does not change.
pub const EXPLICIT_DENY_NAMES_POLICY: bool = true;

/// Only denials count in a resource control policy: `RCPFullAWSAccess` is always attached and cannot be removed.
pub const RCP_ONLY_DENIES: bool = true;

/// Calls that only work through their resource's policy (`sts:AssumeRole*`, operations on a KMS key) are refused when
/// no such policy was handed to the engine. A forgotten layer must not open anything.
pub const MISSING_REQUIRED_POLICY_DENIES: bool = true;
