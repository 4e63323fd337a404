//! A container service's image puller role: whether it is there, and waiting until it is or is not.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use landfall_api::lightsail::{self as api, ContainerServiceState as State};

use crate::client::Client;
use crate::error::CliError;
use crate::terminal;

/// How often a service is looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a change of the role may take. The Lightsail User Guide speaks of 30 seconds at least.
const PATIENCE: Duration = Duration::from_secs(600);

/// The service, as the API shows it.
pub(super) async fn get(client: &Client, name: &str) -> Result<api::ContainerService, CliError> {
    let input = api::GetContainerServicesRequest { service_name: Some(name.to_owned()) };
    let answer = client.call::<api::GetContainerServices>(input).await?;
    let found = answer.container_services.and_then(|all| all.into_iter().next());
    found.ok_or_else(|| CliError::new(format!("there is no container service `{name}`")))
}

/// The ARN of the role, if it is active and there.
pub(super) fn puller(service: &api::ContainerService) -> Option<String> {
    let role = service.private_registry_access.as_ref()?.ecr_image_puller_role.as_ref()?;
    role.principal_arn.clone().filter(|arn| role.is_active == Some(true) && !arn.is_empty())
}

/// Switches the role on or off.
pub(super) async fn switch(client: &Client, name: &str, active: bool) -> Result<(), CliError> {
    let role = api::ContainerServiceECRImagePullerRoleRequest { is_active: Some(active) };
    let input = api::UpdateContainerServiceRequest {
        service_name: name.to_owned(),
        private_registry_access: Some(api::PrivateRegistryAccessRequest {
            ecr_image_puller_role: Some(role),
        }),
        ..Default::default()
    };
    client.call::<api::UpdateContainerService>(input).await?;
    Ok(())
}

/// Waits until the service has come to rest and `done` holds of it.
pub(super) async fn wait(
    client: &Client,
    name: &str,
    what: &str,
    done: impl Fn(&api::ContainerService) -> bool,
) -> Result<api::ContainerService, CliError> {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    if bar.is_hidden() {
        terminal::note(what);
    }
    let began = Instant::now();
    loop {
        let service = get(client, name).await?;
        let state = service.state.clone();
        let resting = matches!(state, Some(State::Ready | State::Running | State::Disabled));
        if resting && done(&service) {
            bar.finish_and_clear();
            return Ok(service);
        }
        if began.elapsed() > PATIENCE {
            let state = state.map(|state| state.as_str().to_owned()).unwrap_or_default();
            return Err(CliError::new(format!("`{name}` is still {state} after {} s", PATIENCE.as_secs()))
                .hint("try again: what is done already is not done twice"));
        }
        tokio::time::sleep(PERIOD).await;
    }
}
