//! `DeleteRepository`: removes a repository, with `force` also one that has images.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::IMAGES;
use crate::ecr::rules::wording;
use crate::ecr::target::Target;
use crate::ecr::{registry, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A repository to be removed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    force: bool,
}

impl Resolve for api::DeleteRepository {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, input.registry_id.as_deref(), &input.repository_name)?;
        let permission = target.permission(view, "ecr:DeleteRepository")?;
        Ok(Checked::one(Request { target, force: input.force.unwrap_or_default() }, permission))
    }
}

impl WriteHandler for api::DeleteRepository {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, force } = request.into_request();
        let row = target.existing()?;
        let (account, region, name) = &target.key;
        if !force && tx.scan(&IMAGES, (account, region, name.as_str())).next().is_some() {
            return Err(wording::repository_not_empty(&target.key).into());
        }
        registry::remove_repository(tx, &target.key)?;
        let repository = view::repository(&cx.installation.registry, &target.key, row);
        Ok(api::DeleteRepositoryResponse { repository: Some(repository) })
    }
}
