//! How a container that pulls without a credential gets one.

use landfall_acs::Fix;
use landfall_base::{AccountId, Region};
use serde_json::json;

use super::NewRole;
use super::permission::mark;
use super::policy::{NO_ROOM, document};
use super::secret::{create_secret, in_name};

/// A container without `repositoryCredentials`.
#[derive(Debug, Clone, Copy)]
pub struct Anonymous<'a> {
    /// Its name.
    pub container: &'a str,
    /// Its image.
    pub image: &'a str,
    /// The task's account.
    pub account: &'a AccountId,
    /// The task's Region.
    pub region: &'a Region,
    /// The execution role's ARN.
    pub role: Option<&'a str>,
}

impl Anonymous<'_> {
    /// The name that a secret for the image's registry would have: `registry/HOST`.
    pub fn secret_name(&self) -> String {
        format!("registry/{}", in_name(host(self.image)))
    }
}

/// A secret for the registry, the permission to read it, and the member that names it. `there` says that the secret exists;
/// `give` gives a role a policy: the last command for that, and those before it.
pub fn login(
    of: Anonymous<'_>,
    new_role: &NewRole,
    there: bool,
    give: impl FnOnce(&str, &str, &str) -> Option<(String, Vec<String>)>,
) -> Fix {
    let Anonymous { container, account, region, .. } = of;
    let name = of.secret_name();
    let create = create_secret(&name, region.as_str(), r#"{"username":"USER","password":"PASSWORD"}"#);
    let arn = format!("arn:{}:secretsmanager:{region}:{account}:secret:{name}-??????", region.partition());
    let statement = json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn});
    let mut members = vec![format!("\"repositoryCredentials\": {{\"credentialsParameter\": \"{name}\"}}")];
    let mut commands: Vec<String> = (!there).then_some(create).into_iter().collect();
    let mut text = match there {
        true => format!(
            "let the execution role read the secret `{name}`, and name it in `repositoryCredentials` of `{container}`"
        ),
        false => format!(
            "store user and password, let the execution role read them, and name the secret in `repositoryCredentials` of `{container}`"
        ),
    };
    match of.role {
        Some(role) => {
            let policy = document(&statement);
            match give(role, &format!("registry-login-{}", mark(&policy)), &policy) {
                Some((last, before)) => commands.extend(before.into_iter().chain([last])),
                None => {
                    text = format!("{text}; {NO_ROOM}");
                    members.push(policy);
                }
            }
        }
        None => {
            members.insert(0, format!("\"executionRoleArn\": \"{}\"", new_role.arn));
            commands.push(new_role.commands(&[statement]));
        }
    }
    let command = (!commands.is_empty()).then(|| commands.join("\n"));
    Fix { command, document: Some(members.join("\n")), ..Fix::advice(text) }
}

/// The registry's host, as an image's name has it.
fn host(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::launch::advice::put_role_policy;
    use crate::testing::{account, region};

    #[test]
    fn a_secret_for_the_registry_is_stored_read_and_named() {
        let (account, region) = (account(), region());
        let role = "arn:aws:iam::111122223333:role/path/exec";
        let of = Anonymous {
            container: "app",
            image: "127.0.0.1:5000/team/app:1",
            account: &account,
            region: &region,
            role: Some(role),
        };
        let new_role = NewRole::of(&account, false);
        let give =
            |role: &str, name: &str, policy: &str| Some((put_role_policy(role, name, policy), Vec::new()));
        let fix = login(of, &new_role, false, give);
        let command = fix.command.unwrap();
        let lines: Vec<&str> = command.lines().collect();
        assert_eq!(
            lines[0],
            "aws secretsmanager create-secret --name registry/127.0.0.1-5000 --region us-east-1 --secret-string \
             '{\"username\":\"USER\",\"password\":\"PASSWORD\"}'"
        );
        assert!(
            lines[1].starts_with("aws iam put-role-policy --role-name exec --policy-name registry-login-")
        );
        assert!(lines[1].contains(":secret:registry/127.0.0.1-5000-??????"), "{}", lines[1]);
        let member = "\"repositoryCredentials\": {\"credentialsParameter\": \"registry/127.0.0.1-5000\"}";
        assert_eq!(fix.document.as_deref(), Some(member));

        let fix = login(of, &new_role, true, |_: &str, _: &str, _: &str| None);
        assert!(fix.command.is_none() && fix.text.ends_with(NO_ROOM), "{}", fix.text);
        assert!(fix.document.unwrap().contains("secretsmanager:GetSecretValue"));

        let fix = login(Anonymous { role: None, image: "app", ..of }, &new_role, true, give);
        let command = fix.command.unwrap();
        assert!(command.starts_with("aws iam create-role --role-name ecsTaskExecutionRole "), "{command}");
        assert!(command.contains("secret:registry/docker.io-??????"), "{command}");
        assert!(!command.contains("create-secret"), "{command}");
        let document = fix.document.unwrap();
        assert!(
            document.starts_with(
                "\"executionRoleArn\": \"arn:aws:iam::111122223333:role/ecsTaskExecutionRole\"\n"
            )
        );
    }
}
