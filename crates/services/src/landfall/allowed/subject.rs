//! Whether an action and a resource go together at all, and which resource is meant.

use landfall_api::landfall::error::invalid_parameter_exception;
use landfall_base::Arn;
use landfall_iam::reference;
use landfall_store::View;

use crate::landfall::resource_keys::known_arn;
use crate::pipe::{Context, Failure, everything};

/// Refuses actions that do not exist, and resources that an action cannot be about.
///
/// # Errors
/// `InvalidParameterException`, which says what the action is about.
pub(super) fn check(action: &str, arn: Option<&Arn>) -> Result<(), Failure> {
    let refuse = |text: String| Err(invalid_parameter_exception(text).into());
    let Some((service, _)) = action.split_once(':') else {
        return refuse(format!("action `{action}` names no service: expected `service:Action`"));
    };
    match (reference::action_resources(action), arn) {
        (None, _) if reference::covers_service(service) => {
            refuse(format!("`{action}` is no action of `{service}`"))
        }
        (Some([]), Some(arn)) if !is_everything(action, arn) => {
            refuse(format!("`{action}` is about no single resource: give `*` in place of an ARN"))
        }
        (Some(required), None) if required.iter().any(|name| name.ends_with('*')) => refuse(format!(
            "`{action}` is always about a resource, whose own policy may have a say: give its ARN: {}",
            types(action)
        )),
        (Some([_, ..]), Some(arn)) if reference::applies_to(action, arn.as_str()) == Some(false) => {
            refuse(format!("`{action}` cannot be about `{arn}`: it applies to {}", types(action)))
        }
        _ => Ok(()),
    }
}

/// Whether an ARN is what refusals of the action name.
fn is_everything(action: &str, arn: &Arn) -> bool {
    let place = arn.region().parse().ok().zip(arn.account_id());
    place.is_some_and(|(region, account)| everything(action, &region, &account).as_ref() == Some(arn))
}

/// The resource as its service would find it: a secret also without the end of its ARN.
///
/// # Errors
/// `InvalidParameterException` for a resource that does not exist and whose own policy would have a say, or a row cannot be
/// read. An action that makes it needs none.
pub(super) fn known(cx: &Context<'_>, view: &View, action: &str, arn: Arn) -> Result<Arn, Failure> {
    let name = action.split_once(':').map_or(action, |(_, name)| name).to_ascii_lowercase();
    // Pulling through a cache makes the repository as well.
    let makes = name.starts_with("create") || name == "batchimportupstreamimage";
    // A trust policy has no say in what is done to its role. A star stands for names.
    let unasked = arn.service() == "iam" && !action.starts_with("sts:");
    if makes || unasked || arn.resource().contains('*') {
        return Ok(arn);
    }
    known_arn(cx, view, &arn)?.ok_or_else(|| {
        let text = format!("`{arn}` does not exist, so that no policy of its own tells who can");
        invalid_parameter_exception(text).into()
    })
}

/// The types that an action applies to, with the shape of their ARNs.
fn types(action: &str) -> String {
    let types = reference::arn_templates(action).into_iter().flatten();
    let types: Vec<_> = types.map(|(name, template)| format!("{name} (`{}`)", shape(template))).collect();
    types.join(", ")
}

fn shape(template: &str) -> String {
    template.replace("${Partition}", "aws").replace("${", "").replace('}', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_says_what_the_action_is_about() {
        let refusal = |action: &str, arn: &str| match check(action, Some(&arn.parse().unwrap())) {
            Err(Failure::Service(error)) => error.message,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refusal("s3:ListBucket", "arn:aws:s3:::b/k"),
            "`s3:ListBucket` cannot be about `arn:aws:s3:::b/k`: it applies to accesspoint \
             (`arn:aws:s3:Region:Account:accesspoint/AccessPointName`), bucket (`arn:aws:s3:::BucketName`)"
        );
        assert_eq!(
            refusal("sts:AssumeRole", "arn:aws:iam::111122223333:user/a"),
            "`sts:AssumeRole` cannot be about `arn:aws:iam::111122223333:user/a`: it applies to role \
             (`arn:aws:iam::Account:role/RoleNameWithPath`)"
        );
        let Err(Failure::Service(error)) = check("secretsmanager:GetSecretValue", None) else {
            panic!("taken")
        };
        let asks = "`secretsmanager:GetSecretValue` is always about a resource, whose own policy may have a say: give its ARN: \
                    Secret (`arn:aws:secretsmanager:";
        assert!(error.message.starts_with(asks), "{}", error.message);
        assert!(check("ecs:TagResource", None).is_ok() && check("ecr:GetAuthorizationToken", None).is_ok());
    }
}
