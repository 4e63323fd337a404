//! `state` and `stateDetail` of a service (API reference, ContainerService).

use landfall_api::lightsail::{
    ContainerServiceState as State, ContainerServiceStateDetail, ContainerServiceStateDetailCode as Code,
    error,
};
use landfall_shape::ServiceError;

use crate::lightsail::record::{Change, Service};

/// How far the nodes of the next deployment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// All its nodes run.
    pub running: bool,
    /// All its nodes are healthy.
    pub healthy: bool,
}

/// The state of a service.
pub fn state(service: &Service) -> State {
    match service.change {
        Change::Deleting => State::Deleting,
        Change::Creating { .. } => State::Pending,
        Change::Updating { .. } => State::Updating,
        Change::None if service.disabled => State::Disabled,
        Change::None if service.next.is_some() => State::Deploying,
        Change::None if service.current.is_some() => State::Running,
        Change::None => State::Ready,
    }
}

/// What is being done, for a service that is in transition.
pub fn detail(service: &Service, next: Progress) -> Option<ContainerServiceStateDetail> {
    let code = match state(service) {
        State::Pending => Code::CreatingSystemResources,
        State::Updating => Code::ProvisioningService,
        State::Deploying if next.healthy => Code::ActivatingDeployment,
        State::Deploying if next.running => Code::EvaluatingHealthCheck,
        State::Deploying => Code::CreatingDeployment,
        _ => return None,
    };
    Some(ContainerServiceStateDetail { code: Some(code), message: None })
}

/// Refuses what a service in transition does not take; `done` is `updated`, `deployed` or `deleted`.
///
/// # Errors
/// `InvalidInputException`.
pub fn settled(service: &Service, done: &str) -> Result<(), ServiceError> {
    let state = state(service);
    match state {
        State::Ready | State::Running | State::Disabled => Ok(()),
        _ => Err(error::invalid_input_exception(format!(
            "The specified service is in a transition state (\"{}\") and cannot be {done}.",
            state.as_str()
        ))),
    }
}
