//! What a deployment may say.

use landfall_api::lightsail::{
    self as api, Container, ContainerServiceHealthCheckConfig, ContainerServiceProtocol, EndpointRequest,
    error,
};
use landfall_base::Region;
use landfall_shape::{Entries, ServiceError};

use super::health::success_codes;
use crate::ecr::RegistryName;
use crate::ecs::image_host::EcrImage;

/// Most containers of a deployment.
const MOST_CONTAINERS: usize = 10;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// Pushed to Lightsail: `:<service>.<label>.<number>`; no number is the newest.
    Pushed {
        /// The service's name.
        service: String,
        /// The label.
        label: String,
        /// The number; `None` for `latest`.
        number: Option<u32>,
    },
    /// A private repository of Amazon ECR.
    Ecr(Box<EcrImage>),
    /// Anything else: pulled without a credential.
    Public,
}

impl ImageSource {
    /// Where an image comes from; `None` for a reference that makes no sense.
    pub fn of(image: &str, registry: &RegistryName) -> Option<Self> {
        if let Some(name) = image.strip_prefix(':') {
            return pushed(name);
        }
        if image.is_empty() || image.contains(char::is_whitespace) {
            return None;
        }
        Some(match EcrImage::parse_here(image, Some(registry)) {
            Some(image) => Self::Ecr(Box::new(image)),
            None => Self::Public,
        })
    }
}

/// Why an image in ECR cannot be deployed to a service in `region`, if it cannot.
pub fn foreign(image: &EcrImage, region: &Region) -> Option<String> {
    let there = &image.region;
    (there != region).then(|| {
        format!(
            "The image `{}` is in the Region {there}. An image in a private repository of Amazon ECR must be in the same \
             Region as the container service, {region}.",
            image.image
        )
    })
}

fn pushed(name: &str) -> Option<ImageSource> {
    let mut parts = name.split('.');
    let (service, label, number) = (parts.next()?, parts.next()?, parts.next()?);
    let number = match number {
        "latest" => None,
        number => Some(number.parse().ok().filter(|number| *number > 0)?),
    };
    let complete = parts.next().is_none() && !service.is_empty() && !label.is_empty();
    complete.then(|| ImageSource::Pushed { service: service.to_owned(), label: label.to_owned(), number })
}

/// Checks what does not depend on anything but the request; everything that is wrong.
pub fn check_all(
    containers: Option<&Entries<Container>>,
    endpoint: Option<&EndpointRequest>,
    registry: &RegistryName,
) -> Vec<ServiceError> {
    let Some(containers) = containers.filter(|containers| !containers.0.is_empty()) else {
        return vec![refuse("The deployment must have at least one container.")];
    };
    let mut wrong = Vec::new();
    if containers.0.len() > MOST_CONTAINERS {
        wrong.push(refuse(format!("A deployment can have at most {MOST_CONTAINERS} containers.")));
    }
    for (name, container) in containers.iter() {
        wrong.extend(check_container(name, container, registry).err());
    }
    wrong.extend(endpoint.and_then(|endpoint| check_endpoint(endpoint, containers).err()));
    wrong
}

/// The first of [`check_all`].
///
/// # Errors
/// `InvalidInputException` with what is wrong.
pub fn check(
    containers: Option<&Entries<Container>>,
    endpoint: Option<&EndpointRequest>,
    registry: &RegistryName,
) -> Result<(), ServiceError> {
    check_all(containers, endpoint, registry).into_iter().next().map_or(Ok(()), Err)
}

fn check_container(name: &str, container: &Container, registry: &RegistryName) -> Result<(), ServiceError> {
    if !is_container_name(name) {
        return Err(refuse(format!(
            "The container name `{name}` is not valid: 1 to 53 lower-case letters, digits and hyphens, with a letter or \
             digit at both ends."
        )));
    }
    let image = container.image.as_deref().unwrap_or_default();
    if ImageSource::of(image, registry).is_none() {
        return Err(refuse(format!("The image `{image}` of the container `{name}` is not valid.")));
    }
    for (port, _) in container.ports.iter().flat_map(Entries::iter) {
        // As the public endpoint writes it: `080` would be a port that nothing can name.
        if port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == *port).is_none() {
            return Err(refuse(format!(
                "The port `{port}` of the container `{name}` is not valid: a number from 1 to 65535."
            )));
        }
    }
    Ok(())
}

fn is_container_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=53).contains(&bytes.len())
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        && bytes.first().is_some_and(|byte| inner(*byte))
        && bytes.last().is_some_and(|byte| inner(*byte))
}

fn check_endpoint(endpoint: &EndpointRequest, containers: &Entries<Container>) -> Result<(), ServiceError> {
    let EndpointRequest { container_name, container_port, health_check } = endpoint;
    let container = containers.get(container_name).ok_or_else(|| {
        refuse(format!(
            "The public endpoint names the container `{container_name}`, which the deployment does not have."
        ))
    })?;
    let protocol = container.ports.as_ref().and_then(|ports| ports.get(&container_port.to_string()));
    match protocol {
        None => Err(refuse(
            "Invalid port specified. You must specify a port that is in the list of ports of the specified container.",
        )),
        Some(ContainerServiceProtocol::Http) => health_check.as_ref().map_or(Ok(()), check_health),
        Some(other) => Err(refuse(format!(
            "The public endpoint names the port {container_port} of the container `{container_name}`, whose protocol is {}. \
             It must be HTTP.",
            other.as_str()
        ))),
    }
}

fn check_health(check: &ContainerServiceHealthCheckConfig) -> Result<(), ServiceError> {
    let within = |name: &str, value: Option<i32>, first: i32, last: i32| match value {
        Some(value) if !(first..=last).contains(&value) => {
            Err(refuse(format!("The health check's `{name}` is {value}. It must be from {first} to {last}.")))
        }
        _ => Ok(()),
    };
    within("healthyThreshold", check.healthy_threshold, 2, 10)?;
    within("unhealthyThreshold", check.unhealthy_threshold, 2, 10)?;
    within("timeoutSeconds", check.timeout_seconds, 2, 60)?;
    within("intervalSeconds", check.interval_seconds, 5, 300)?;
    if let Some((timeout, interval)) = check.timeout_seconds.zip(check.interval_seconds)
        && timeout >= interval
    {
        return Err(refuse("The health check's `timeoutSeconds` must be less than its `intervalSeconds`."));
    }
    if let Some(path) = &check.path {
        if !path.starts_with('/') {
            return Err(refuse("The health check's `path` must begin with `/`."));
        }
        // It could never be asked for, and every deployment would fail of it.
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#<>`\\^".contains(&byte)) {
            return Err(refuse(format!(
                "The health check's `path` is not one that can be asked for: `{path}`."
            )));
        }
    }
    if check.success_codes.as_deref().is_some_and(|codes| success_codes(codes).is_none()) {
        return Err(refuse(
            "The health check's `successCodes` must be codes from 200 to 499: one, several with commas, or a range.",
        ));
    }
    Ok(())
}

fn refuse(message: impl Into<String>) -> ServiceError {
    error::invalid_input_exception(message)
}

/// The public endpoint as a deployment shows it.
pub fn shown_endpoint(endpoint: EndpointRequest) -> api::ContainerServiceEndpoint {
    api::ContainerServiceEndpoint {
        container_name: Some(endpoint.container_name),
        container_port: Some(endpoint.container_port),
        health_check: Some(super::health::with_defaults(endpoint.health_check)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1";
    const HERE: &str = "127.0.0.1:4566/111122223333/eu-west-1/app:1";

    fn registry() -> RegistryName {
        RegistryName::host("127.0.0.1:4566")
    }

    #[test]
    fn an_image_is_deployed_in_its_own_region() {
        for (image, region, expected) in [
            (AWS, "us-east-1", true),
            (AWS, "eu-west-1", false),
            (HERE, "eu-west-1", true),
            (HERE, "us-east-1", false),
        ] {
            let image = EcrImage::parse_here(image, Some(&registry())).unwrap();
            assert_eq!(foreign(&image, &region.parse().unwrap()).is_none(), expected, "{image:?} {region}");
        }
    }

    fn container(image: &str, ports: &[(&str, ContainerServiceProtocol)]) -> Container {
        Container {
            image: Some(image.to_owned()),
            ports: Some(Entries(ports.iter().map(|(port, it)| ((*port).to_owned(), it.clone())).collect())),
            ..Default::default()
        }
    }

    fn endpoint(name: &str, port: i32) -> EndpointRequest {
        EndpointRequest { container_name: name.to_owned(), container_port: port, health_check: None }
    }

    fn asking(path: &str) -> EndpointRequest {
        let check = ContainerServiceHealthCheckConfig { path: Some(path.to_owned()), ..Default::default() };
        EndpointRequest { health_check: Some(check), ..endpoint("app", 80) }
    }

    fn verdict(containers: Vec<(&str, Container)>, endpoint: Option<EndpointRequest>) -> String {
        let containers =
            Entries(containers.into_iter().map(|(name, container)| (name.to_owned(), container)).collect());
        match check(Some(&containers), endpoint.as_ref(), &registry()) {
            Ok(()) => String::new(),
            Err(error) => error.message,
        }
    }

    #[test]
    fn images_come_from_three_places() {
        let ecr =
            |image: &str| ImageSource::Ecr(Box::new(EcrImage::parse_here(image, Some(&registry())).unwrap()));
        let pushed =
            |number| ImageSource::Pushed { service: "web".to_owned(), label: "app".to_owned(), number };
        for (image, expected) in [
            (":web.app.3", Some(pushed(Some(3)))),
            (":web.app.latest", Some(pushed(None))),
            (":web.app", None),
            (":web.app.0", None),
            (":web.app.1.2", None),
            ("nginx:latest", Some(ImageSource::Public)),
            (AWS, Some(ecr(AWS))),
            (HERE, Some(ecr(HERE))),
            ("", None),
        ] {
            assert_eq!(ImageSource::of(image, &registry()), expected, "{image}");
        }
    }

    #[test]
    fn deployments_are_refused_for_what_is_wrong_with_them() {
        let http = [("80", ContainerServiceProtocol::Http)];
        let good = || vec![("app", container("nginx", &http))];
        assert_eq!(verdict(good(), Some(endpoint("app", 80))), "");
        assert_eq!(verdict(good(), None), "");
        assert_eq!(verdict(good(), Some(asking("/health?full=1"))), "");
        for (containers, endpoint, expected) in [
            (vec![], None, "at least one container"),
            (vec![("App", container("nginx", &http))], None, "container name `App`"),
            (vec![("app", container("", &http))], None, "image ``"),
            (vec![("app", container("nginx", &[("0", ContainerServiceProtocol::Http)]))], None, "port `0`"),
            (
                vec![("app", container("nginx", &[("080", ContainerServiceProtocol::Http)]))],
                None,
                "port `080`",
            ),
            (
                vec![("app", container("nginx", &[("+80", ContainerServiceProtocol::Http)]))],
                None,
                "port `+80`",
            ),
            (good(), Some(asking("health")), "must begin with `/`"),
            (good(), Some(asking("/a b")), "can be asked for: `/a b`"),
            (good(), Some(asking("/é")), "can be asked for: `/é`"),
            (good(), Some(endpoint("other", 80)), "container `other`"),
            (good(), Some(endpoint("app", 81)), "list of ports of the specified container"),
            (
                vec![("app", container("nginx", &[("80", ContainerServiceProtocol::Tcp)]))],
                Some(endpoint("app", 80)),
                "must be HTTP",
            ),
        ] {
            let text = verdict(containers, endpoint);
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let many = (0..11).map(|at| {
            (["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"][at], container("nginx", &http))
        });
        assert!(verdict(many.collect(), None).contains("at most 10"));
    }
}
