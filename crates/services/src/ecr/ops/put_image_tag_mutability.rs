//! `PutImageTagMutability`: whether tags can be moved from now on.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{Mutability, REPOSITORIES, Repository};
use crate::ecr::target::Target;
use crate::ecr::{settings, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A setting to be changed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    mutability: Mutability,
}

impl Resolve for api::PutImageTagMutability {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:PutImageTagMutability")?;
        let filters = input.image_tag_mutability_exclusion_filters.as_deref();
        let mutability = settings::mutability(Some(&input.image_tag_mutability), filters)?;
        Ok(checked.map(|target| Request { target, mutability }))
    }
}

impl WriteHandler for api::PutImageTagMutability {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, mutability } = request.into_request();
        let row = Repository { mutability, ..Repository::clone(target.existing()?) };
        tx.put(&REPOSITORIES, &target.key, &row);
        Ok(api::PutImageTagMutabilityResponse {
            registry_id: target.registry_id(),
            repository_name: target.name(),
            image_tag_mutability: Some(row.mutability.setting()),
            image_tag_mutability_exclusion_filters: view::exclusions(&row.mutability),
        })
    }
}
