//! What became of a deployment, and what to change so that the next one goes better.

use landfall_base::Arn;
use landfall_shape::Entries;
use landfall_store::View;
use serde_json::json;

use super::names::unknown_service_arn;
use super::record::{DEPLOYMENTS, Deployment, SERVICES, Service, ServiceKey};
use super::rules::deployment::foreign;
use super::rules::health::Check;
use super::{nodes, owner};
use crate::ecr::RegistryName;
use crate::ecs::image_host::EcrImage;
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
    registry: &RegistryName,
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
        advice: row.failure.as_deref().and_then(|failure| advice(key, &service, &row, failure, registry)),
        node: failed.or(newest.map(|(_, node)| node.task_arn)),
    };
    Ok((service.arn.clone(), Some(story)))
}

/// What to change, for causes that are Lightsail's own.
fn advice(
    key: &ServiceKey,
    service: &Service,
    row: &Deployment,
    failure: &str,
    registry: &RegistryName,
) -> Option<String> {
    let name = &key.2;
    let images =
        row.shown.containers.iter().flat_map(Entries::iter).filter_map(|(_, it)| it.image.as_deref());
    let private: Vec<EcrImage> =
        images.filter_map(|image| EcrImage::parse_here(image, Some(registry))).collect();
    if let Some(image) = private.iter().find(|image| foreign(image, &key.1).as_deref() == Some(failure)) {
        return Some(move_here(image, key, registry));
    }
    let named = private.iter().find(|image| is_named(image, failure)).or(private.first());
    if let Some(image) = named.filter(|_| failure.contains("403 Forbidden")) {
        return Some(let_in(image, service, key));
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
    if let Some(container) = exited(failure) {
        return Some(format!(
            "see what the container `{container}` wrote before it ended: aws lightsail get-container-log --service-name {name} \
             --container-name {container}"
        ));
    }
    named.filter(|_| failure.to_ascii_lowercase().contains("not found")).map(|image| {
        format!(
            "push the image `{}`, or name one that is there: aws ecr list-images --repository-name {} --registry-id {}",
            image.image, image.repository, image.account
        )
    })
}

/// Whether a reason is about an image; another repository's name may begin with this one's.
fn is_named(image: &EcrImage, failure: &str) -> bool {
    [":", "@"].iter().any(|end| failure.contains(&format!("/{}{end}", image.repository)))
}

/// The container that ended by itself, from the reason that was given.
fn exited(failure: &str) -> Option<&str> {
    let (container, rest) = failure.strip_prefix("Container `")?.split_once('`')?;
    rest.starts_with(" exited with code").then_some(container)
}

/// How an image of another Region comes into this one.
pub(super) fn move_here(image: &EcrImage, key: &ServiceKey, registry: &RegistryName) -> String {
    let EcrImage { repository, .. } = image;
    let here = EcrImage { account: key.0.clone(), region: key.1.clone(), ..image.clone() };
    let there = EcrImage { digest: None, tag: image.tag.clone().or_else(|| Some("copy".to_owned())), ..here };
    format!(
        "copy the image into {}, and deploy it from there: aws ecr create-repository --region {} --repository-name {repository}; \
         landfall image cp {} {}; landfall lightsail allow-ecr {} {repository}",
        key.1,
        key.1,
        image.image,
        there.address(registry),
        key.2,
    )
}

/// How the service may pull an image.
fn let_in(image: &EcrImage, service: &Service, key: &ServiceKey) -> String {
    let (EcrImage { repository, account, .. }, name) = (image, &key.2);
    // Another account's policy is its own people's to change: the command could not even read it.
    let is_own = *account == key.0;
    let command = format!("landfall lightsail allow-ecr {name} {repository}");
    match service.puller.role.as_ref().filter(|_| service.puller.wanted) {
        Some(role) => {
            let statement = json!({"Sid": format!("AllowLightsailPull-{name}"), "Effect": "Allow",
                "Principal": {"AWS": role}, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]});
            let who =
                if is_own { format!("`{command}` does it") } else { "that account has to do it".to_owned() };
            format!(
                "add this statement to the policy of the repository `{repository}` of the account {account}, which `aws ecr \
                 set-repository-policy` replaces as a whole: {statement}; {who}"
            )
        }
        None => {
            let who = if is_own {
                format!("`{command}` does it and lets the role into the repository")
            } else {
                format!("then the account {account} has to let the role into its repository `{repository}`")
            };
            format!("activate the service's ECR image puller role: {}; {who}", activation(name))
        }
    }
}

/// The command that activates a service's image puller role.
pub(super) fn activation(name: &str) -> String {
    format!(
        "aws lightsail update-container-service --service-name {name} --private-registry-access \
         ecrImagePullerRole={{isActive=true}}"
    )
}

#[cfg(test)]
mod tests {
    use super::{exited, is_named};
    use crate::ecs::image_host::EcrImage;

    #[test]
    fn a_repository_is_not_taken_for_one_whose_name_begins_like_it() {
        let host = "111122223333.dkr.ecr.us-east-1.amazonaws.com";
        let image = |name: &str| EcrImage::parse_here(&format!("{host}/{name}:v1"), None).unwrap();
        let failure = format!("failed to resolve ref {host}/app2:v1: 403 Forbidden");
        assert!(is_named(&image("app2"), &failure) && !is_named(&image("app"), &failure));
    }

    #[test]
    fn a_container_that_ended_by_itself_is_named() {
        for (failure, container) in [
            ("Container `app` exited with code 3.", Some("app")),
            ("Container `app`: CannotPullContainerError: no", None),
            ("Took too long.", None),
        ] {
            assert_eq!(exited(failure), container, "{failure}");
        }
    }
}
