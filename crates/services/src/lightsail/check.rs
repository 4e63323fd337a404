//! Whether a deployment would become active: its rules, its service, and the start of a node taken dry. Everything that is
//! wrong is told, not the first thing alone.

use landfall_acs::{Cause, Finding, Fix, LaunchKind, StepOutcome, StepRecord};
use landfall_api::{ecs, lightsail as api};
use landfall_base::Arn;
use landfall_shape::Entries;
use landfall_store::View;

use super::record::{SERVICES, Service, ServiceKey};
use super::rules::deployment::{self, ImageSource};
use super::rules::power::Power;
use super::{deploy, images, names, owner};
use crate::ecs::image_host::EcrImage;
use crate::ecs::launch::check::{ImageLook, Question};
use crate::pipe::{Context, Failure};

/// A deployment that somebody thinks of.
#[derive(Debug)]
pub struct DeploymentQuestion {
    key: ServiceKey,
    service: Option<Service>,
    wanted: api::CreateContainerServiceDeploymentRequest,
    images: ImageLook,
}

impl DeploymentQuestion {
    /// A question about a deployment of a service of the caller's.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn new(
        cx: &Context<'_>,
        view: &View,
        wanted: api::CreateContainerServiceDeploymentRequest,
        images: ImageLook,
    ) -> Result<Self, Failure> {
        let key = (cx.account().clone(), cx.region().clone(), wanted.service_name.clone());
        let service = view.get(&SERVICES, &key)?.map(|row| Service::clone(&row));
        Ok(Self { key, service, wanted, images })
    }

    /// The service's ARN.
    pub fn arn(&self) -> Arn {
        let unknown = || names::unknown_service_arn(&self.key.0, &self.key.1);
        self.service.as_ref().map_or_else(unknown, |service| service.arn.clone())
    }

    /// Every step, with what is wrong. It may block.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn answer(&self, cx: &Context<'_>, view: &View) -> Result<Vec<StepRecord>, Failure> {
        let mut steps = self.state(cx);
        let registry = &cx.installation.registry;
        let (containers, endpoint) = (self.wanted.containers.as_ref(), self.wanted.public_endpoint.as_ref());
        for wrong in deployment::check_all(containers, endpoint, registry) {
            steps.push(failed(
                cx,
                "check deployment",
                &self.key.2,
                Cause::Configuration,
                wrong.message,
                None,
            ));
        }
        let mut startable = Vec::new();
        for (name, container) in containers.into_iter().flat_map(Entries::iter) {
            match self.image(cx, view, container)? {
                Some(step) => steps.push(StepRecord { container: Some(name.to_owned()), ..step }),
                None => startable.push((name, container)),
            }
        }
        steps.extend(self.node(cx, view, &startable)?);
        Ok(steps)
    }

    /// Whether the service can be deployed to at all.
    fn state(&self, cx: &Context<'_>) -> Vec<StepRecord> {
        let name = &self.key.2;
        let (message, cause, fix) = match &self.service {
            None => (
                format!("There is no container service `{name}`."),
                Cause::Configuration,
                Fix::command(
                    "create it",
                    format!(
                        "aws lightsail create-container-service --service-name {name} --power nano --scale 1"
                    ),
                ),
            ),
            Some(service) if service.disabled => (
                format!("The container service `{name}` is disabled."),
                Cause::Configuration,
                Fix::command(
                    "enable it",
                    format!("aws lightsail update-container-service --service-name {name} --no-is-disabled"),
                ),
            ),
            Some(_) => return Vec::new(),
        };
        vec![failed(cx, "find container service", name, cause, message, Some(fix))]
    }

    /// What is wrong with a container's image for reasons that are Lightsail's own.
    fn image(
        &self,
        cx: &Context<'_>,
        view: &View,
        container: &api::Container,
    ) -> Result<Option<StepRecord>, Failure> {
        let registry = &cx.installation.registry;
        let image = container.image.as_deref().unwrap_or_default();
        let wrong =
            |cause, message: String, fix| failed(cx, "resolve image", image, cause, message, Some(fix));
        Ok(match ImageSource::of(image, registry) {
            Some(ImageSource::Pushed { service, label, number }) => {
                match images::resolve(view, &self.key, &service, &label, number) {
                    Err(Failure::Service(error)) => {
                        let list = format!("aws lightsail get-container-images --service-name {service}");
                        let fix = Fix::command("push it, or name one that is there", list);
                        Some(wrong(Cause::Content, error.message, fix))
                    }
                    found => found.map(|_| None)?,
                }
            }
            Some(ImageSource::Ecr(found)) => {
                let (cause, message, fix) = match deployment::foreign(&found, &self.key.1) {
                    Some(message) => {
                        let fix = Fix::advice(super::story::move_here(&found, &self.key, registry));
                        (Cause::Configuration, message, fix)
                    }
                    None if self.puller().is_some() => return Ok(None),
                    None => self.no_puller(&found),
                };
                Some(wrong(cause, message, fix))
            }
            // Nonsense is told by the rules already.
            Some(ImageSource::Public) | None => None,
        })
    }

    fn puller(&self) -> Option<&String> {
        let puller = &self.service.as_ref()?.puller;
        puller.role.as_ref().filter(|_| puller.wanted)
    }

    fn no_puller(&self, image: &EcrImage) -> (Cause, String, Fix) {
        let name = &self.key.2;
        let message = format!(
            "The ECR image puller role of the container service `{name}` is not active: it cannot pull `{}`.",
            image.image
        );
        let fix = if image.account == self.key.0 {
            let command = format!("landfall lightsail allow-ecr {name} {}", image.repository);
            Fix::command("activate it and let it into the repository", command)
        } else {
            let text = format!(
                "activate it; then the account {} has to let it into its repository `{}`",
                image.account, image.repository
            );
            Fix::command(text, super::story::activation(name))
        };
        (Cause::Permission, message, fix)
    }

    /// The start of a node with these containers, taken dry as the one that would start it.
    fn node(
        &self,
        cx: &Context<'_>,
        view: &View,
        containers: &[(&str, &api::Container)],
    ) -> Result<Vec<StepRecord>, Failure> {
        let registry = &cx.installation.registry;
        // What was pushed to Lightsail is let in by Lightsail, and was looked for.
        let pulled = |image: &str| {
            !matches!(ImageSource::of(image, registry), Some(ImageSource::Pushed { .. }) | None)
        };
        let containers: Vec<_> = containers
            .iter()
            .filter(|(_, container)| container.image.as_deref().is_some_and(pulled))
            .map(|(name, container)| {
                let image = container.image.clone().unwrap_or_default();
                let mut definition = deploy::container_definition(&self.key, name, container, image);
                definition.log_configuration = None;
                definition
            })
            .collect();
        if containers.is_empty() {
            return Ok(Vec::new());
        }
        let power = self.service.as_ref().map_or(Power::Nano, |service| service.power);
        let definition = ecs::RegisterTaskDefinitionRequest {
            family: format!("{}-{}", self.key.0, self.key.2),
            execution_role_arn: self.puller().cloned(),
            network_mode: Some(ecs::NetworkMode::Awsvpc),
            container_definitions: containers,
            requires_compatibilities: Some(vec![ecs::Compatibility::Fargate]),
            cpu: Some(power.cpu_units().to_string()),
            memory: Some(power.memory_mib().to_string()),
            ..Default::default()
        };
        let caller = owner::caller(&self.key.1);
        let inside = cx.as_caller(&caller);
        let question =
            Question::new(&inside, view, definition, Some(LaunchKind::Fargate), None, self.images.clone())?;
        let steps = question.answer(&inside, view)?.steps;
        Ok(steps.into_iter().map(|step| self.with_own_fix(step, registry)).collect())
    }

    /// A repository that does not let the image puller in is opened with one command.
    fn with_own_fix(&self, mut step: StepRecord, registry: &crate::ecr::RegistryName) -> StepRecord {
        let closed = step.action.starts_with("ecr:")
            && step.finding.as_ref().is_some_and(|finding| finding.cause == Cause::Permission);
        let containers = self.wanted.containers.iter().flat_map(Entries::iter);
        let images =
            containers.filter_map(|(_, it)| EcrImage::parse_here(it.image.as_deref()?, Some(registry)));
        // Another account's policy cannot be changed by this account's command.
        let is_it = |it: &EcrImage| step.resource.ends_with(&format!(":repository/{}", it.repository));
        let image = images.into_iter().find(|it| it.account == self.key.0 && is_it(it));
        if let (true, Some(image), Some(finding)) = (closed, image, step.finding.as_mut()) {
            let command = format!("landfall lightsail allow-ecr {} {}", self.key.2, image.repository);
            let text = format!(
                "let the service's image puller role into the repository `{}` of the account {}",
                image.repository, image.account
            );
            let given = finding.fix.take().unwrap_or_default();
            finding.fix = Some(Fix { text, command: Some(command), ..given });
        }
        step
    }
}

fn failed(
    cx: &Context<'_>,
    name: &str,
    resource: &str,
    cause: Cause,
    message: String,
    fix: Option<Fix>,
) -> StepRecord {
    StepRecord {
        name: name.to_owned(),
        container: None,
        principal: cx.caller.arn(),
        action: "lightsail:CreateContainerServiceDeployment".to_owned(),
        resource: resource.to_owned(),
        started_at: cx.now,
        duration_ms: 0,
        outcome: StepOutcome::Failed(message.clone()),
        notes: Vec::new(),
        hint: None,
        finding: Some(Finding { headline: message.clone(), cause, message, fix }),
        context: Vec::new(),
        decision: None,
    }
}
