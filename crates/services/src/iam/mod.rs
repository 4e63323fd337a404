//! IAM: users, roles, policies. The rules of the policy language are in `landfall-iam`; here is who holds which policy.

mod policies;
pub mod record;

pub use policies::{
    AttachedPolicy, AwsManagedPolicy, PrincipalPolicies, aws_managed_policies, aws_managed_policy,
    managed_policy, policies_of,
};
