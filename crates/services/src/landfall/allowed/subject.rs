//! Whether an action and a resource go together at all.

use landfall_api::landfall::error::invalid_parameter_exception;
use landfall_base::Arn;
use landfall_iam::reference;

use crate::pipe::Failure;

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
        (Some([]), Some(_)) => {
            refuse(format!("`{action}` is about no single resource: give `*` in place of an ARN"))
        }
        (Some(_), Some(arn)) if reference::applies_to(action, arn.as_str()) == Some(false) => {
            refuse(format!("`{action}` cannot be about `{arn}`: it applies to {}", types(action)))
        }
        _ => Ok(()),
    }
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
    }
}
