//! What is wrong with a container's log driver.

use landfall_acs::{Cause, Fix};

use super::text::quote;
use super::{Advice, Circumstances};
use crate::ecs::launch::value_from::{self, SecretReference, ValueFrom};
use crate::ecs::rules::log_lines::WrongOption;

/// There is no such log group.
pub(super) fn no_group(of: &Circumstances<'_>, group: &str) -> Advice {
    let region = of.step.region.as_str();
    let (name, in_region) = (of.log_words.group.as_deref(), of.log_words.region.as_deref());
    let what = match (name, in_region) {
        (None, None) => format!("`{group}` in {region}"),
        (Some(_), None) => format!("of the name that a secret gives in {region}"),
        (None, Some(_)) => format!("`{group}` in the Region that a secret names"),
        (Some(_), Some(_)) => "of the name that a secret gives in the Region that another names".to_owned(),
    };
    let name = name.map_or_else(|| quote(group), Into::into);
    let command =
        format!("aws logs create-log-group --log-group-name {name} --region {}", in_region.unwrap_or(region));
    Advice::new(
        Cause::Configuration,
        format!("there is no log group {what}"),
        Fix::command("create it, or set the log option `awslogs-create-group` to `true`", command),
    )
}

/// An option that the driver does not take.
pub(super) fn option(of: &Circumstances<'_>, wrong: &WrongOption, from_secret: bool) -> Advice {
    let name = wrong.name.as_str();
    let headline = match from_secret {
        true => format!("the log driver does not take the option `{name}` that a secret gives: {wrong}"),
        false => format!("the log driver does not take the option `{name}`: {wrong}"),
    };
    let container = of.step.containers.first().map_or("the container", String::as_str);
    let member = if from_secret { "secretOptions" } else { "options" };
    let fix = match (wrong.beside, example(name)) {
        (Some("mode"), _) => Fix {
            document: Some("\"mode\": \"non-blocking\"".to_owned()),
            ..Fix::advice(format!("in `{member}` of `{container}`'s `logConfiguration`"))
        },
        (Some(other), _) => {
            Fix::advice(format!("take `{name}` or `{other}` out of `{container}`'s `logConfiguration`"))
        }
        (None, None) => {
            Fix::advice(format!("take `{name}` out of `{member}` in `{container}`'s `logConfiguration`"))
        }
        (None, Some(value)) => Fix {
            command: from_secret.then(|| store(of, name, value)).flatten(),
            document: Some(format!("\"{name}\": \"{value}\"")),
            ..Fix::advice(match from_secret {
                true => format!(
                    "store a value that the driver takes, or give it in `options` of `{container}`'s `logConfiguration`"
                ),
                false => format!("in `options` of `{container}`'s `logConfiguration`"),
            })
        },
    };
    Advice::new(Cause::Configuration, headline, fix)
}

/// The command that stores an option's value where it comes from. Of a member of a JSON object there is none: the rest of
/// the object is not known here.
fn store(of: &Circumstances<'_>, name: &str, value: &str) -> Option<String> {
    let (_, value_from) = of.log_words.sources.iter().find(|(other, _)| other == name)?;
    let own = of.step.region.as_str();
    match value_from::parse(value_from) {
        ValueFrom::Secret(SecretReference { secret_id, region, json_key: None, .. }) => Some(format!(
            "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
            quote(&secret_id),
            region.as_deref().unwrap_or(own),
            quote(value)
        )),
        ValueFrom::Parameter(region) => {
            let name = value_from.split_once(":parameter").map_or(value_from.as_str(), |(_, name)| name);
            Some(format!(
                "aws ssm put-parameter --name {} --region {} --overwrite --type SecureString --value={}",
                quote(name),
                region.as_deref().unwrap_or(own),
                quote(value)
            ))
        }
        _ => None,
    }
}

/// A value that the driver takes.
fn example(option: &str) -> Option<&'static str> {
    match option {
        "mode" => Some("non-blocking"),
        "awslogs-create-group" => Some("true"),
        "max-buffer-size" => Some("10m"),
        "awslogs-multiline-pattern" => Some("^[0-9]"),
        "awslogs-datetime-format" => Some("%Y-%m-%d"),
        _ => None,
    }
}
