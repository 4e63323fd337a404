//! Why a policy document was refused, in the words of the service that keeps it.

use crate::policy::{PolicyKind, ResourceService};

/// A refused policy document. `Display` is AWS's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    kind: PolicyKind,
    reason: PolicyErrorReason,
}

/// What is wrong with the document. `Display` is the text of IAM, which other services replace by a shorter one; it
/// is the more helpful of the two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyErrorReason {
    /// Not JSON, a repeated key, an unknown element, a value of the wrong type.
    #[error("Syntax errors in policy.")]
    Syntax,
    /// A trust policy that is not JSON.
    #[error("This policy contains invalid Json")]
    NotJson,
    /// A trust policy with white space before it.
    #[error("JSON strings must not have leading spaces")]
    LeadingSpace,
    /// An identity policy of the 2008 language.
    #[error("Policy document must be version 2012-10-17 or greater.")]
    Version,
    /// `Effect` in the wrong case, a date that is none, an ARN that cannot be read, or white space before the document.
    #[error("The policy failed legacy parsing")]
    Legacy,
    /// Neither `Action` nor `NotAction`, or an empty list.
    #[error("Policy statement must contain actions.")]
    NoAction,
    /// Neither `Resource` nor `NotResource`, or an empty list.
    #[error("Policy statement must contain resources.")]
    NoResource,
    /// An action without a colon.
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    NoVendor,
    /// An action with several colons.
    #[error("Actions/Condition can contain only one colon.")]
    SeveralColons,
    /// The part of an action before the colon.
    #[error("Vendor {0} is not valid")]
    Vendor(String),
    /// A resource that does not begin with `arn:`.
    #[error("Resource {0} must be in ARN format or \"*\".")]
    NotAnArn(String),
    /// A partition that does not exist.
    #[error("Partition \"{partition}\" is not valid for resource \"{resource}\".")]
    Partition {
        /// As written.
        partition: String,
        /// The whole ARN, with stars for what it lacks.
        resource: String,
    },
    /// A resource ARN without a service, or with wildcards in it.
    #[error("Resource vendor must be fully qualified and cannot contain regexes.")]
    ResourceVendor,
    /// An IAM ARN with a Region.
    #[error("IAM resource {0} cannot contain region information.")]
    IamRegion(String),
    /// An IAM ARN of no known type.
    #[error(
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
         instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
         access-report/."
    )]
    IamPath,
    /// An S3 ARN with a Region.
    #[error("Resource {0} can not contain region information.")]
    S3Region(String),
    /// A `Sid` with more than letters and digits in a policy of IAM.
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    /// Two statements with the same `Sid`.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
    /// `Principal` where the policy is attached to the principal.
    #[error("Policy document should not specify a principal.")]
    PrincipalNotAllowed,
    /// No `Principal` where the policy is attached to a resource.
    #[error("Missing required field Principal")]
    NoPrincipal,
    /// A `Principal` that names nobody.
    #[error("Missing required field Principal cannot be empty!")]
    EmptyPrincipal,
    /// A principal that does not exist, holds a wildcard or is no principal.
    #[error("Invalid principal in policy: \"{kind}\":\"{value}\"")]
    Principal {
        /// `AWS`, `SERVICE`, …
        kind: &'static str,
        /// As written.
        value: String,
    },
    /// An identity provider in a trust policy that can be none.
    #[error("Federated principals must be valid domain names or SAML metadata ARNs")]
    Federated,
    /// `Resource` in a trust policy or in an ECR repository policy.
    #[error("Has prohibited field Resource.")]
    ResourceNotAllowed,
    /// An action that a trust policy cannot hold.
    #[error(
        "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and \
         sts:AssumeRoleWithWebIdentity"
    )]
    TrustAction,
    /// An Allow in a resource control policy, or one for fewer than all principals.
    #[error("The provided policy document does not meet the requirements of the specified policy type.")]
    NotForType,
}

impl PolicyError {
    pub(crate) fn new(kind: PolicyKind, reason: PolicyErrorReason) -> Self {
        Self { kind, reason }
    }

    /// What is wrong, for hints and logs.
    pub fn reason(&self) -> &PolicyErrorReason {
        &self.reason
    }

    /// The error code of the service that keeps this kind of policy. HTTP status 400 in all of them.
    pub fn code(&self) -> &'static str {
        match self.kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::RoleTrust | PolicyKind::Session => {
                "MalformedPolicyDocument"
            }
            PolicyKind::ServiceControl | PolicyKind::ResourceControl => "MalformedPolicyDocumentException",
            PolicyKind::Endpoint => "InvalidPolicyDocument",
            PolicyKind::Resource(service) => match service {
                ResourceService::EcrRepository | ResourceService::EcrRegistry => "InvalidParameterException",
                ResourceService::KmsKey | ResourceService::Secret => "MalformedPolicyDocumentException",
                ResourceService::Bucket => "MalformedPolicy",
                ResourceService::LogGroup => "InvalidParameterException",
                ResourceService::Other => "MalformedPolicyDocument",
            },
        }
    }

    fn is_principal(&self) -> bool {
        matches!(self.reason, PolicyErrorReason::Principal { .. })
    }

    fn ecr(&self, what: &str) -> String {
        let what = if self.is_principal() { "Principal not found" } else { what };
        format!("Invalid parameter at 'PolicyText' failed to satisfy constraint: '{what}'")
    }

    /// The message that goes with [`code`](Self::code).
    pub fn message(&self) -> String {
        use PolicyErrorReason as R;
        let PolicyKind::Resource(service) = self.kind else { return self.reason.to_string() };
        let fixed = match (service, &self.reason) {
            (ResourceService::EcrRepository, _) => return self.ecr("Invalid repository policy provided"),
            (ResourceService::EcrRegistry, _) => return self.ecr("Invalid registry policy provided"),
            (ResourceService::KmsKey, R::Principal { .. }) => {
                "Policy contains a statement with one or more invalid principals."
            }
            (ResourceService::Secret, R::Principal { .. }) => {
                "This resource policy contains an unsupported principal."
            }
            (ResourceService::Secret, _) => "This resource policy contains a syntax error.",
            (ResourceService::Bucket, R::Principal { .. }) => "Invalid principal in policy",
            (ResourceService::Bucket, R::NoVendor | R::SeveralColons | R::Vendor(_)) => {
                "Policy has invalid action"
            }
            (
                ResourceService::Bucket,
                R::NotAnArn(_)
                | R::Partition { .. }
                | R::ResourceVendor
                | R::IamRegion(_)
                | R::IamPath
                | R::S3Region(_),
            ) => "Policy has invalid resource",
            (ResourceService::Bucket, R::NoAction) => "Missing required field Action",
            (ResourceService::Bucket, R::NoResource) => "Missing required field Resource",
            _ => return self.reason.to_string(),
        };
        fixed.to_owned()
    }
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for PolicyError {}
