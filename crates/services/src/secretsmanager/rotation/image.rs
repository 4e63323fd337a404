//! Images of functions: where one is, and the credential that it is pulled with. Both are asked for as the function's role:
//! what the role may not pull does not run.

use landfall_acs::RegistryCredential;
use landfall_api::{ecr, secretsmanager as secrets};

use super::run::Ready;
use crate::ecs::image_host::EcrImage;
use crate::ecs::launch::credential;
use crate::pipe::Call;

/// What a pull needs to know.
#[derive(Debug)]
pub struct ImageSource {
    /// The image under the name by which its registry is reached.
    pub address: String,
    /// The registry's credential.
    pub credential: Option<RegistryCredential>,
}

/// Where the image is. It may block.
///
/// # Errors
/// Why there is no credential, in the words of the service that was asked, or of the container agent.
pub fn image_source(call: &Call, ready: &Ready, image: &str) -> Result<ImageSource, String> {
    let registry = &call.installation().registry;
    if let Some(found) = EcrImage::parse_here(image, Some(registry)) {
        let credential = Some(ecr_credential(call, ready, &found)?);
        return Ok(ImageSource { address: found.address(registry), credential });
    }
    let secret = ready.function.credential.as_deref();
    let credential = secret.map(|secret| secret_credential(call, ready, secret)).transpose()?;
    Ok(ImageSource { address: image.to_owned(), credential })
}

fn ecr_credential(call: &Call, ready: &Ready, image: &EcrImage) -> Result<RegistryCredential, String> {
    let asked = ecr::GetAuthorizationTokenRequest { registry_ids: Some(vec![image.account.to_string()]) };
    let session = ready.session.in_region(&image.region);
    let answer = call.call::<ecr::GetAuthorizationToken>(&session, asked).result;
    let data = answer.map_err(|error| error.message)?.authorization_data.unwrap_or_default();
    let token = data.into_iter().find_map(|data| data.authorization_token);
    token.as_deref().and_then(credential::of_token).ok_or_else(|| "the registry gave no token".to_owned())
}

fn secret_credential(call: &Call, ready: &Ready, secret: &str) -> Result<RegistryCredential, String> {
    let asked = secrets::GetSecretValueRequest { secret_id: secret.to_owned(), ..Default::default() };
    let answer = call.call::<secrets::GetSecretValue>(&ready.session, asked).result;
    let answer = answer.map_err(|error| error.message)?;
    let text = answer.secret_string.as_ref().map(|text| text.expose().as_str());
    credential::read(text).result.map_err(|problem| problem.to_string())
}
