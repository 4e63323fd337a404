//! `CreateContainerService`

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::deploy::{self, Wanted};
use crate::lightsail::record::{Change, Puller, SERVICES, Service};
use crate::lightsail::rules::power::Power;
use crate::lightsail::target::Target;
use crate::lightsail::{domains, names, owner, tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Most services in a Region (Lightsail quotas).
const MOST: usize = 100;

/// A service that may be there already.
#[derive(Debug)]
pub struct Request {
    target: Target,
    tags: Vec<(String, String)>,
    input: api::CreateContainerServiceRequest,
}

impl Resolve for api::CreateContainerService {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let tags = tags::merge(&[], input.tags.take().unwrap_or_default())?;
        let create = Permission::on_everything(cx, "lightsail:CreateContainerService")
            .with_request_tags(tags::pairs(&tags));
        let mut permissions = vec![create];
        if !tags.is_empty() {
            let arn = names::unknown_service_arn(cx.account(), cx.region());
            permissions
                .push(Permission::on("lightsail:TagResource", &arn).with_request_tags(tags::pairs(&tags)));
        }
        Ok(Checked::all(Request { target, tags, input }, permissions))
    }
}

impl WriteHandler for api::CreateContainerService {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags, input } = request.into_request();
        let key = target.key.clone();
        if !target.is_absent() {
            let text = format!("A container service with the name `{}` exists already.", key.2);
            return Err(error::invalid_input_exception(text).into());
        }
        if tx.count(&SERVICES, (&key.0, &key.1)) >= MOST {
            let text = format!("You can have at most {MOST} container services in a Region.");
            return Err(error::invalid_input_exception(text).into());
        }
        let power = Power::named(&input.power).ok_or_else(|| {
            error::invalid_input_exception(format!("`{}` is not a power.", input.power.as_str()))
        })?;
        let host = format!("{}.{}", key.2, names::random_label(13));
        let path = format!("amazon/lightsail/{}/containers/{}", key.1, key.2);
        let principal = format!(
            "arn:{}:iam::{}:role/{path}/{}",
            key.1.partition(),
            owner::account(),
            names::random_label(54)
        );
        let pulls = input.private_registry_access.and_then(|it| it.ecr_image_puller_role?.is_active);
        let domain_names =
            domains::checked(cx.installation, tx, &key, input.public_domain_names.unwrap_or_default())?;
        let mut service = Service {
            arn: names::service_arn(&key.0, &key.1),
            created_at: cx.now,
            power,
            scale: u32::try_from(input.scale).unwrap_or(1),
            disabled: false,
            tags,
            domain_names,
            host,
            principal_arn: principal,
            puller: Puller { wanted: pulls == Some(true), ..Puller::default() },
            change: Change::Creating { since: cx.now },
            last_version: 0,
            current: None,
            next: None,
            generation: 1,
            nodes_started: 0,
            node_ended_at: None,
            activating_since: None,
        };
        if let Some(deployment) = input.deployment {
            let wanted = Wanted { containers: deployment.containers, endpoint: deployment.public_endpoint };
            deploy::add(cx, tx, &key, &mut service, wanted)?;
        }
        domains::enter(tx, &key, None, &service);
        tx.put(&SERVICES, &key, &service);
        let shown = view::service(tx, &key, &service)?;
        Ok(api::CreateContainerServiceResult { container_service: Some(shown) })
    }
}
