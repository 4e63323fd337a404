//! Secrets, environment files and registry credentials.

use landfall_api::ecs::{ContainerDefinition, EnvironmentFileType, RegisterTaskDefinitionRequest, Secret};
use landfall_base::Arn;
use landfall_shape::ServiceError;

use super::{Verdict, ensure, name_of, refuse};

const MOST_ENVIRONMENT_FILES: usize = 10;

pub(super) fn check(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    check_secrets(request, container)?;
    check_environment_files(request, container)?;
    check_repository_credentials(request, container)
}

fn has_role(request: &RegisterTaskDefinitionRequest) -> bool {
    request.execution_role_arn.as_deref().is_some_and(|role| !role.is_empty())
}

fn check_secrets(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let secrets = container.secrets.as_deref().unwrap_or_default();
    let options = container.log_configuration.iter().flat_map(|it| it.secret_options.iter().flatten());
    let all: Vec<&Secret> = secrets.iter().chain(options).collect();
    ensure(all.is_empty() || has_role(request), || {
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
            .to_owned()
    })?;
    for (at, secret) in secrets.iter().enumerate() {
        let name = &secret.name;
        let variable =
            container.environment.iter().flatten().any(|it| it.name.as_deref() == Some(name.as_str()));
        let earlier = secrets.iter().take(at).any(|other| other.name == *name);
        if variable || earlier {
            return Err(shared_name(name));
        }
    }
    all.into_iter().try_for_each(check_source)
}

/// A variable may have its value from one place only.
pub fn shared_name(name: &str) -> ServiceError {
    refuse(format!(
        "The secret name must be unique and not shared with any new or existing environment variables set on the container, \
         such as '{name}'."
    ))
}

/// Secrets Manager takes an ARN; everything else is a parameter's name or ARN.
fn check_source(secret: &Secret) -> Verdict {
    let invalid =
        |service: &str| format!("The {service} name specified for secret {} is invalid.", secret.name);
    match secret.value_from.parse::<Arn>() {
        Ok(arn) if arn.service() == "secretsmanager" => {
            let parts: Vec<&str> = arn.resource().split(':').collect();
            let whole =
                matches!(parts.as_slice(), ["secret", id] | ["secret", id, _, _, _] if !id.is_empty());
            ensure(whole, || invalid("Secrets Manager secret"))?;
            let both = matches!(parts.as_slice(), [_, _, _, stage, version] if !stage.is_empty() && !version.is_empty());
            ensure(!both, || {
                format!(
                    "Only one of version-stage and version-id can be specified for secret {}.",
                    secret.name
                )
            })
        }
        Ok(arn) if arn.service() == "ssm" => {
            ensure(arn.resource().starts_with("parameter/"), || invalid("Systems Manager parameter"))
        }
        Ok(_) => Err(refuse(invalid("Systems Manager parameter"))),
        Err(_) => {
            let letters = |it: char| it.is_ascii_alphanumeric() || "_.-/".contains(it);
            let valid = !secret.value_from.is_empty() && secret.value_from.chars().all(letters);
            ensure(valid, || invalid("Systems Manager parameter"))
        }
    }
}

fn check_environment_files(
    request: &RegisterTaskDefinitionRequest,
    container: &ContainerDefinition,
) -> Verdict {
    let files = container.environment_files.as_deref().unwrap_or_default();
    ensure(files.len() <= MOST_ENVIRONMENT_FILES, || {
        format!(
            "Too many environment files specified for container '{}'. At most 10 are allowed.",
            name_of(container)
        )
    })?;
    for file in files {
        let object =
            file.value.parse::<Arn>().is_ok_and(|arn| arn.service() == "s3" && arn.resource().contains('/'));
        ensure(object && file.r#type == EnvironmentFileType::S3, || "Invalid arn syntax.".to_owned())?;
        ensure(file.value.ends_with(".env"), || {
            format!("The environment file '{}' must have a .env file extension.", file.value)
        })?;
    }
    ensure(files.is_empty() || has_role(request), || {
        "When you are specifying environment files, you must also specify a value for 'executionRoleArn'."
            .to_owned()
    })
}

fn check_repository_credentials(
    request: &RegisterTaskDefinitionRequest,
    container: &ContainerDefinition,
) -> Verdict {
    let Some(credentials) = &container.repository_credentials else { return Ok(()) };
    ensure(has_role(request), || {
        "Private repository authentication requires that the task definition specify a value for executionRoleArn."
            .to_owned()
    })?;
    ensure(is_secret(&credentials.credentials_parameter), || {
        format!(
            "The repository credentials parameter specified for container '{}' is invalid. Parameter names can include \
             up to 255 (uppercase and lowercase), numbers, hyphens, and underscores are allowed. Spaces are not allowed.",
            name_of(container)
        )
    })
}

/// The name of a secret, or its ARN without JSON key, stage and version.
fn is_secret(parameter: &str) -> bool {
    let letters = |it: char| it.is_ascii_alphanumeric() || "/_+=.@-".contains(it);
    let (name, longest) = match parameter.parse::<Arn>() {
        Ok(arn) if arn.service() != "secretsmanager" => return false,
        Ok(arn) => (arn.resource().strip_prefix("secret:").unwrap_or_default().to_owned(), 512),
        Err(_) => (parameter.to_owned(), 255),
    };
    !name.is_empty() && name.len() <= longest && name.chars().all(letters)
}
