//! What temporary credentials of a user cannot ask of STS, whatever policies say (AWS STS API reference, GetFederationToken
//! and GetSessionToken, "Permissions"). IAM does not take them at all.

use landfall_shape::{ServiceError, ServiceSchema};

use super::{Caller, Permission};

/// Why a call is out of the question.
pub(super) fn refused(
    caller: &Caller,
    service: &ServiceSchema,
    permissions: &[Permission],
) -> Option<ServiceError> {
    let session = caller.session.as_deref()?;
    let federated = session.parent.is_some();
    let principal = &caller.principal;
    if !federated && principal.user_name().is_none() && !principal.is_root() {
        return None;
    }
    if service.name != "sts" {
        return None;
    }
    let action = permissions.iter().map(|it| it.action).find(|action| !may(action, federated))?;
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    Some(ServiceError::with_status(
        "AccessDenied",
        403,
        format!("Cannot call {name} with session credentials"),
    ))
}

/// Sessions of users may become a role; those of federated users ask who they are, and nothing more.
fn may(action: &str, federated: bool) -> bool {
    match action {
        "sts:GetCallerIdentity" => true,
        "sts:AssumeRole" | "sts:TagSession" | "sts:SetSourceIdentity" => !federated,
        _ => false,
    }
}
