//! `valueFrom` of `secrets[]` and `secretOptions[]` (Developer Guide, "Pass sensitive data to a container").

use landfall_base::Arn;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueFrom {
    /// A secret of Secrets Manager.
    Secret(SecretReference),
    /// An ARN of Secrets Manager with the wrong number of parts.
    Malformed,
    /// A parameter of Systems Manager, by name or ARN; the Region of the ARN.
    Parameter(Option<String>),
}

/// A secret, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReference {
    /// The ARN without the parts behind it; `SecretId` of GetSecretValue.
    pub secret_id: String,
    /// The Region in the ARN.
    pub region: Option<String>,
    /// The member of the JSON object to take; the whole value otherwise.
    pub json_key: Option<String>,
    /// `VersionStage`
    pub version_stage: Option<String>,
    /// `VersionId`
    pub version_id: Option<String>,
}

impl SecretReference {
    /// Whether another version than the current one is meant.
    pub fn names_version(&self) -> bool {
        self.version_id.is_some() || self.version_stage.as_deref().is_some_and(|stage| stage != "AWSCURRENT")
    }

    /// The same without a version: the current one.
    pub fn current(&self) -> Self {
        Self { version_stage: None, version_id: None, ..self.clone() }
    }
}

impl std::fmt::Display for SecretReference {
    /// As `valueFrom` has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [key, stage, version] = [&self.json_key, &self.version_stage, &self.version_id]
            .map(|part| part.as_deref().unwrap_or_default());
        match (key, stage, version) {
            ("", "", "") => f.write_str(&self.secret_id),
            _ => write!(f, "{}:{key}:{stage}:{version}", self.secret_id),
        }
    }
}

/// Reads a `valueFrom`. Secrets Manager takes ARNs only: `secret:id` or `secret:id:key:stage:version`, where the last three
/// may be empty. Everything else is a parameter.
pub fn parse(value_from: &str) -> ValueFrom {
    let Ok(arn) = value_from.parse::<Arn>() else { return ValueFrom::Parameter(None) };
    if arn.service() != "secretsmanager" {
        return ValueFrom::Parameter(filled(arn.region()));
    }
    let parts: Vec<&str> = arn.resource().split(':').collect();
    let (key, stage, version) = match parts.as_slice() {
        ["secret", _] => ("", "", ""),
        ["secret", _, key, stage, version] => (*key, *stage, *version),
        _ => return ValueFrom::Malformed,
    };
    let behind: usize = parts.iter().skip(2).map(|part| part.len() + 1).sum();
    ValueFrom::Secret(SecretReference {
        secret_id: value_from.get(..value_from.len() - behind).unwrap_or(value_from).to_owned(),
        region: filled(arn.region()),
        json_key: filled(key),
        version_stage: filled(stage),
        version_id: filled(version),
    })
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";

    fn secret(key: Option<&str>, stage: Option<&str>, version: Option<&str>) -> ValueFrom {
        ValueFrom::Secret(SecretReference {
            secret_id: ARN.to_owned(),
            region: Some("eu-west-1".to_owned()),
            json_key: key.map(str::to_owned),
            version_stage: stage.map(str::to_owned),
            version_id: version.map(str::to_owned),
        })
    }

    #[test]
    fn every_form() {
        let parameter = |region: Option<&str>| ValueFrom::Parameter(region.map(str::to_owned));
        for (text, expected) in [
            (ARN.to_owned(), secret(None, None, None)),
            (format!("{ARN}:::"), secret(None, None, None)),
            (format!("{ARN}:user::"), secret(Some("user"), None, None)),
            (format!("{ARN}::AWSPREVIOUS:"), secret(None, Some("AWSPREVIOUS"), None)),
            (format!("{ARN}:user::0123"), secret(Some("user"), None, Some("0123"))),
            (format!("{ARN}:user"), ValueFrom::Malformed),
            (format!("{ARN}:user:a:b:c"), ValueFrom::Malformed),
            ("db".to_owned(), parameter(None)),
            ("arn:aws:ssm:us-east-1:111122223333:parameter/db".to_owned(), parameter(Some("us-east-1"))),
        ] {
            let read = parse(&text);
            assert_eq!(read, expected, "{text}");
            if let ValueFrom::Secret(reference) = read {
                assert_eq!(reference.to_string(), text.replace(":::", ""), "{text}");
            }
        }
    }
}
