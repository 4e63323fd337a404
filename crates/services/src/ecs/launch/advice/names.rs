//! Names that nothing can have: a command that makes something of such a name would only be refused.

use landfall_acs::{Cause, Fix};
use landfall_base::Region;

use super::secret::{in_name, secret_id, secret_names};
use super::text::{like, short};
use super::{Advice, Circumstances};
use crate::ecs::launch::plan::Work;
use crate::{ecr, logs, s3, secretsmanager};

/// What is missing can never be there.
pub(super) fn impossible(of: &Circumstances<'_>) -> Option<Advice> {
    let (what, name, member) = match &of.step.work {
        Work::LogStream { group, .. } if of.log_words.group.is_none() && !logs::is_group_name(group) => {
            let group_name = like(group, |it| it.is_ascii_alphanumeric() || "._-/#".contains(it));
            ("log group", group.clone(), format!("\"awslogs-group\": \"{group_name}\""))
        }
        Work::BucketLocation { bucket, key } | Work::EnvironmentFile { bucket, key }
            if !s3::names::is_bucket_name(bucket) =>
        {
            let lower = bucket.to_ascii_lowercase();
            let lower = like(&lower, |it| it.is_ascii_alphanumeric() || ".-".contains(it));
            ("bucket", bucket.clone(), format!("\"value\": \"arn:aws:s3:::{lower}/{key}\""))
        }
        Work::EcrImage(image) if !ecr::is_repository_name(&image.repository) => {
            let corrected =
                image.image.replacen(&image.repository, &image.repository.to_ascii_lowercase(), 1);
            ("repository", image.repository.clone(), format!("\"image\": \"{corrected}\""))
        }
        Work::RegistryCredential { .. } | Work::Secret { .. } => {
            let id = secret_id(of.step);
            let name = secret_names(id).likely;
            if secretsmanager::is_name(name) {
                return foreign_region(of);
            }
            let corrected = in_name(name);
            let member = if matches!(of.step.work, Work::Secret { .. }) {
                "valueFrom"
            } else {
                "credentialsParameter"
            };
            ("secret", name.to_owned(), format!("\"{member}\": \"{}\"", id.replacen(name, &corrected, 1)))
        }
        _ => return foreign_region(of),
    };
    Some(Advice::new(
        Cause::Configuration,
        format!("`{name}` can be no name of a {what}"),
        Fix {
            document: Some(member),
            ..Fix::advice(format!("name a {what} that there can be in the task definition, such as this"))
        },
    ))
}

/// Here any word can be a Region. Where the task is in one of AWS's, one that AWS does not have is a mistake.
fn foreign_region(of: &Circumstances<'_>) -> Option<Advice> {
    let region = of.step.region.as_str();
    let is_of_aws = |name: &str| name.parse::<Region>().is_ok_and(|it| it.is_of_aws());
    if !is_of_aws(of.home) || is_of_aws(region) || of.log_words.region.is_some() {
        return None;
    }
    let fix = format!("correct `{region}` in the task definition; the task is in `{}`", of.home);
    Some(Advice::new(
        Cause::Configuration,
        format!("`{region}` is no Region of AWS, and `{}` is not there", short(&of.step.resource)),
        Fix::advice(fix),
    ))
}
