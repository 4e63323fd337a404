//! The variables that the agent adds to a container's environment: where credentials, metadata and the API are. Pure.

use landfall_acs::Assignment;
use landfall_base::Sensitive;

use crate::endpoint::{Place, TaskApi};

/// A container's environment.
pub(super) type Environment = Vec<(String, Sensitive<String>)>;

/// What a container is told about where it runs.
pub(super) struct Surroundings<'a> {
    pub(super) assignment: &'a Assignment,
    pub(super) container_id: &'a str,
    pub(super) place: Place,
    pub(super) credentials_id: Option<&'a Sensitive<String>>,
    pub(super) api: Option<&'a TaskApi>,
}

impl Surroundings<'_> {
    /// Adds the variables. The container agent replaces what an image or a definition says of the endpoints, and leaves
    /// the Region alone if there is one; the API's address is left alone too: so an image can talk to somebody else.
    pub(super) fn add(&self, environment: &mut Environment) {
        for (name, value) in self.metadata().into_iter().flatten().chain(self.credentials()) {
            environment.retain(|(other, _)| other != name);
            environment.push((name.to_owned(), value));
        }
        if !has(environment, "AWS_REGION") && !has(environment, "AWS_DEFAULT_REGION") {
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                environment.push((name.to_owned(), self.assignment.region.as_str().into()));
            }
        }
        if !has(environment, "AWS_ENDPOINT_URL")
            && let Some(url) = self.api_url()
        {
            environment.push(("AWS_ENDPOINT_URL".to_owned(), url.into()));
        }
    }

    fn metadata(&self) -> Option<[(&'static str, Sensitive<String>); 2]> {
        let base = self.place.base()?;
        Some([
            ("ECS_CONTAINER_METADATA_URI", format!("{base}/v3/{}", self.container_id).into()),
            ("ECS_CONTAINER_METADATA_URI_V4", format!("{base}/v4/{}", self.container_id).into()),
        ])
    }

    /// Clients that find a relative address add it to `169.254.170.2`; others need the whole.
    fn credentials(&self) -> Option<(&'static str, Sensitive<String>)> {
        let path = format!("/v2/credentials/{}", self.credentials_id?.expose());
        match self.place {
            Place::Door => Some(("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path.into())),
            Place::Loopback(_) => {
                Some(("AWS_CONTAINER_CREDENTIALS_FULL_URI", (self.place.base()? + &path).into()))
            }
            Place::Nowhere => None,
        }
    }

    /// A task without a role has no business with this server: its clients go where they always went.
    fn api_url(&self) -> Option<String> {
        self.place.api(self.api.filter(|_| self.assignment.has_task_role)?)
    }
}

fn has(environment: &Environment, name: &str) -> bool {
    environment.iter().any(|(other, _)| other == name)
}
