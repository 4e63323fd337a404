//! What became of a deployment, and what to change so that the next one goes better.

use landfall_base::Arn;
use landfall_shape::Entries;
use landfall_store::View;
use serde_json::json;

use super::names::unknown_service_arn;
use super::record::{DEPLOYMENTS, Deployment, SERVICES, Service, ServiceKey};
use super::rules::deployment::ImageSource;
use super::rules::health::Check;
use super::{nodes, owner};
use crate::ecs::names::Home;
use crate::pipe::Failure;

/// A deployment as somebody wants to know it who looks for what went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentStory {
    /// The service's name.
    pub service: String,
    /// The deployment's version.
    pub version: u32,
    /// `ACTIVATING`, `ACTIVE`, `INACTIVE` or `FAILED`.
    pub state: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// What to change.
    pub advice: Option<String>,
    /// The task of the node that decided it, or of its newest one.
    pub node: Option<String>,
}

/// The story of a deployment; the newest one if none is named. The ARN is the service's, for permissions.
///
/// # Errors
/// A row cannot be read.
pub fn deployment_story(
    view: &View,
    key: &ServiceKey,
    version: Option<u32>,
) -> Result<(Arn, Option<DeploymentStory>), Failure> {
    let (account, region, name) = key;
    let Some(service) = view.get(&SERVICES, key)? else {
        return Ok((unknown_service_arn(account, region), None));
    };
    let version = version.unwrap_or(service.last_version);
    let row = view.get(&DEPLOYMENTS, &(account, region, name.as_str(), version))?;
    let Some(row) = row else { return Ok((service.arn.clone(), None)) };
    let home = Home { account: owner::account(), region };
    let failed = row.failed_node.as_ref().map(|id| home.task(owner::CLUSTER, id).to_string());
    let newest = nodes::rows(view, key)?.into_iter().rev().find(|(_, node)| node.version == version);
    let story = DeploymentStory {
        service: name.clone(),
        version,
        state: row.shown.state.as_ref().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        failure: row.failure.clone(),
        advice: row.failure.as_deref().and_then(|failure| advice(key, &service, &row, failure)),
        node: failed.or(newest.map(|(_, node)| node.task_arn)),
    };
    Ok((service.arn.clone(), Some(story)))
}

/// What to change, for causes that are Lightsail's own.
fn advice(key: &ServiceKey, service: &Service, row: &Deployment, failure: &str) -> Option<String> {
    let name = &key.2;
    let images =
        row.shown.containers.iter().flat_map(Entries::iter).filter_map(|(_, it)| it.image.as_deref());
    let private =
        images.into_iter().find(|image| matches!(ImageSource::of(image), Some(ImageSource::Ecr { .. })));
    if let Some(image) = private.filter(|_| failure.contains("403 Forbidden")) {
        let repository = repository(image);
        return Some(match service.puller.role.as_ref().filter(|_| service.puller.wanted) {
            Some(role) => {
                let statement = json!({"Sid": format!("AllowLightsailPull-{name}"), "Effect": "Allow",
                    "Principal": {"AWS": role}, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]});
                format!(
                    "add this statement to the policy of the repository `{repository}`, which `aws ecr set-repository-policy` \
                     replaces as a whole: {statement}"
                )
            }
            None => format!(
                "activate the service's ECR image puller role: aws lightsail update-container-service --service-name {name} \
                 --private-registry-access ecrImagePullerRole={{isActive=true}}"
            ),
        });
    }
    if failure.starts_with("The health check") || failure == "Took too long." {
        let check = row.shown.public_endpoint.as_ref().and_then(Check::of)?;
        return Some(format!(
            "the container has to answer `GET {}` on port {} within {} seconds with one of the codes that `successCodes` \
             names: aws lightsail get-container-log --service-name {name} --container-name {}",
            check.path,
            check.port,
            check.timeout_seconds,
            row.shown.public_endpoint.as_ref()?.container_name.as_deref().unwrap_or_default(),
        ));
    }
    private.filter(|_| failure.to_ascii_lowercase().contains("not found")).map(|image| {
        format!(
            "push the image `{image}`, or name one that is there: aws ecr list-images --repository-name {}",
            repository(image)
        )
    })
}

/// The repository of an image in ECR.
fn repository(image: &str) -> &str {
    let path = image.split_once('/').map_or(image, |(_, path)| path);
    let path = path.split('@').next().unwrap_or(path);
    path.rsplit_once(':').map_or(path, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn a_repository_is_what_stands_between_host_and_tag() {
        for image in [
            "1.dkr.ecr.us-east-1.amazonaws.com/team/app:v1",
            "1.dkr.ecr.us-east-1.amazonaws.com/team/app@sha256:0",
        ] {
            assert_eq!(repository(image), "team/app");
        }
    }
}
