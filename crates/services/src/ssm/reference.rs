//! Secrets read as parameters: `/aws/reference/secretsmanager/<name>` (User Guide, "Referencing AWS Secrets Manager
//! secrets from Parameter Store parameters"). Nothing of a secret is kept here.

use landfall_api::secretsmanager::GetSecretValueResponse;
use landfall_api::ssm as api;
use landfall_base::Sensitive;
use landfall_shape::ServiceError;
use landfall_store::View;
use serde_json::json;

use super::names::Name;
use super::rules;
use crate::pipe::{Context, Failure, Permission};
use crate::secretsmanager::SecretReading;

/// A reference to a secret.
#[derive(Debug)]
pub(super) struct Reference {
    name: Name,
    secret: SecretReading,
}

impl Reference {
    /// Looks the secret up.
    ///
    /// # Errors
    /// `ValidationException` unless the value is to be decrypted.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: Name, decrypt: bool) -> Result<Self, Failure> {
        if !decrypt {
            let message = "WithDecryption flag must be True for retrieving a Secret Manager secret.";
            return Err(rules::validation(message).into());
        }
        let id = name.secret().unwrap_or_default();
        let secret = SecretReading::find(cx, view, id, name.selector.as_deref())?;
        Ok(Self { name, secret })
    }

    /// The checks: of the parameter that stands for the secret, and of the secret.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn permissions(
        &self,
        cx: &Context<'_>,
        view: &View,
        action: &'static str,
    ) -> Result<Vec<Permission>, Failure> {
        let mut permissions = vec![Permission::on(action, &self.name.arn)];
        permissions.extend(self.secret.permissions(cx, view)?);
        Ok(permissions)
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// `ParameterNotFound`
    pub(super) fn read(&self, cx: &Context<'_>, view: &View) -> Result<api::Parameter, Failure> {
        let secret = self.secret.read(cx, view).map_err(|failure| match failure {
            Failure::Service(error) => self.refused(&error).into(),
            failure => failure,
        })?;
        let Some(value) = secret.secret_string.clone() else {
            let message =
                format!("Secret {} is binary: only SecretString can be referenced.", self.name.text);
            return Err(referencing("ParameterNotFound", &message).into());
        };
        Ok(api::Parameter {
            name: Some(self.name.text.clone()),
            r#type: Some(api::ParameterType::SecureString),
            value: Some(value),
            version: Some(0),
            selector: self.name.selector.as_ref().map(|selector| format!(":{selector}")),
            source_result: Some(source(&secret)),
            last_modified_date: secret.created_date,
            arn: Some(self.name.arn.to_string()),
            data_type: Some("text".to_owned()),
        })
    }

    fn refused(&self, error: &ServiceError) -> ServiceError {
        match error.code {
            "ResourceNotFoundException" => {
                referencing("ParameterNotFound", &format!("Secret {} not found.", self.name.text))
            }
            code => referencing(code, &error.message),
        }
    }
}

fn referencing(code: &str, message: &str) -> ServiceError {
    api::error::parameter_not_found(format!(
        "An error occurred ({code}) when referencing Secrets Manager: {message}"
    ))
}

/// The answer of `GetSecretValue` as its JSON.
fn source(secret: &GetSecretValueResponse) -> Sensitive<String> {
    let json = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        "SecretString": secret.secret_string.as_ref().map(Sensitive::expose),
        "VersionStages": secret.version_stages,
        "CreatedDate": secret.created_date.map(landfall_base::Timestamp::seconds),
    });
    Sensitive::new(json.to_string())
}
