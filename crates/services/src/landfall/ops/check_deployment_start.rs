//! `CheckDeploymentStart`: everything that would keep a deployment of a Lightsail container service from becoming active,
//! before it is made.

use landfall_api::landfall::{self as api, error};
use landfall_api::lightsail::{CreateContainerServiceDeploymentRequest, schema};
use landfall_shape::Shape as _;
use landfall_store::View;
use landfall_wire::json;

use super::image_look;
use crate::ecs::launch::check::ImageLook;
use crate::landfall::steps;
use crate::lightsail::DeploymentQuestion;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

const DEPLOY: &str = "lightsail:CreateContainerServiceDeployment";

impl Resolve for api::CheckDeploymentStart {
    type Request = Checked<DeploymentQuestion>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let wanted = CreateContainerServiceDeploymentRequest {
            service_name: input.service_name,
            ..deployment(input.deployment.expose())?
        };
        let images = image_look(input.skip_images, input.pull_images, input.pull_token);
        // Whoever has images fetched must be allowed what fetches them otherwise.
        let deploys = matches!(images, ImageLook::Pull { .. }).then_some(DEPLOY);
        let question = DeploymentQuestion::new(cx, view, wanted, images)?;
        let actions = ["landfall:CheckDeploymentStart"].into_iter().chain(deploys);
        let permissions = actions.map(|action| Permission::on(action, &question.arn())).collect();
        Ok(Checked::all(question, permissions))
    }
}

fn deployment(text: &str) -> Result<CreateContainerServiceDeploymentRequest, Failure> {
    // The cause may quote what is in it: only where it is wrong is told.
    let invalid = || {
        error::invalid_parameter_exception("deployment is not what CreateContainerServiceDeployment takes.")
    };
    let value = json::decode(&schema::CREATE_CONTAINER_SERVICE_DEPLOYMENT_REQUEST, text.as_bytes())
        .map_err(|_| invalid())?;
    CreateContainerServiceDeploymentRequest::from_value(value).map_err(|_| invalid().into())
}

impl ReadHandler for api::CheckDeploymentStart {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let answer = request.into_request().answer(cx, view)?;
        let findings: Vec<_> = answer.iter().filter_map(steps::finding).collect();
        Ok(api::CheckDeploymentStartResponse {
            would_start: findings.is_empty(),
            findings,
            steps: answer.iter().map(steps::step).collect(),
        })
    }
}
