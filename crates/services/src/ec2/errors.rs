//! EC2's errors: its model lists none.

use landfall_iam::PolicyError;
use landfall_shape::ServiceError;

use crate::pipe::Failure;

/// The kinds of resources that there are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vpc,
    Subnet,
    Group,
    RouteTable,
    Endpoint,
}

impl Kind {
    /// All kinds.
    pub(super) const ALL: [Self; 5] =
        [Self::Vpc, Self::Subnet, Self::Group, Self::RouteTable, Self::Endpoint];

    /// The type in ARNs and tag specifications.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::Group => "security-group",
            Self::RouteTable => "route-table",
            Self::Endpoint => "vpc-endpoint",
        }
    }

    /// What ids begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::Group => "sg",
            Self::RouteTable => "rtb",
            Self::Endpoint => "vpce",
        }
    }

    /// The kind of an id.
    pub(super) fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('-')?;
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }
}

/// The error for an id that nothing has.
pub(super) fn not_found(kind: Kind, id: &str) -> ServiceError {
    let (code, what) = match kind {
        Kind::Vpc => ("InvalidVpcID.NotFound", "vpc ID"),
        Kind::Subnet => ("InvalidSubnetID.NotFound", "subnet ID"),
        Kind::Group => ("InvalidGroup.NotFound", "security group"),
        Kind::RouteTable => ("InvalidRouteTableID.NotFound", "routeTable ID"),
        Kind::Endpoint => ("InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
    };
    ServiceError::client(code, format!("The {what} '{id}' does not exist"))
}

/// The error for what cannot be an id of the kind.
pub(super) fn malformed(kind: Kind, id: &str) -> ServiceError {
    let code = match kind {
        Kind::Vpc => "InvalidVpcID.Malformed",
        Kind::Subnet => "InvalidSubnetID.Malformed",
        Kind::Group => "InvalidGroupId.Malformed",
        Kind::RouteTable => "InvalidRouteTableId.Malformed",
        Kind::Endpoint => "InvalidVpcEndpointId.Malformed",
    };
    ServiceError::client(code, format!("Invalid id: \"{id}\" (expecting \"{}-...\")", kind.prefix()))
}

/// Something else hangs on it.
pub(super) fn dependency(kind: Kind, id: &str) -> ServiceError {
    let message = match kind {
        Kind::Group => format!("resource {id} has a dependent object"),
        _ => format!("The {} '{id}' has dependencies and cannot be deleted.", kind.name()),
    };
    ServiceError::client("DependencyViolation", message)
}

/// A value that does not do.
pub(super) fn invalid_value(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValue", message)
}

/// A member that does not do.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameter", message)
}

/// Members that do not go together.
pub(super) fn combination(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterCombination", message)
}

/// A member that is missing.
pub(super) fn missing(message: impl Into<String>) -> ServiceError {
    ServiceError::client("MissingParameter", message)
}

/// What is not offered here.
pub(super) fn unsupported(what: &str) -> ServiceError {
    ServiceError::client("UnsupportedOperation", format!("this installation has no {what}"))
}

/// A policy that is none.
pub(super) fn invalid_policy(error: &PolicyError) -> ServiceError {
    let message = format!("The Policy Document is not valid. {}", error.message());
    ServiceError::client("InvalidPolicyDocument", message)
}

/// Ends a call that was only to be tried, after everything was checked.
///
/// # Errors
/// `DryRunOperation`, if it was.
pub(super) fn unless_dry(dry_run: Option<bool>) -> Result<(), Failure> {
    if dry_run != Some(true) {
        return Ok(());
    }
    let message = "Request would have succeeded, but DryRun flag is set.";
    Err(ServiceError::with_status("DryRunOperation", 412, message).into())
}
