//! `PutImageScanningConfiguration`: kept with the repository; nothing is scanned.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{REPOSITORIES, Repository};
use crate::ecr::target::Target;
use crate::ecr::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A setting to be changed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    scan_on_push: bool,
}

impl Resolve for api::PutImageScanningConfiguration {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:PutImageScanningConfiguration")?;
        let scan_on_push = input.image_scanning_configuration.scan_on_push.unwrap_or_default();
        Ok(checked.map(|target| Request { target, scan_on_push }))
    }
}

impl WriteHandler for api::PutImageScanningConfiguration {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, scan_on_push } = request.into_request();
        let row = Repository { scan_on_push, ..Repository::clone(target.existing()?) };
        tx.put(&REPOSITORIES, &target.key, &row);
        Ok(api::PutImageScanningConfigurationResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            image_scanning_configuration: Some(view::scanning(&row)),
        })
    }
}
