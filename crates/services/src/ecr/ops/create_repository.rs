//! `CreateRepository`: a new, empty repository.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::{Encryption, Mutability, REPOSITORIES, Repository};
use crate::ecr::rules::{tags, wording};
use crate::ecr::target::Target;
use crate::ecr::{registry, settings, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A repository to be made.
#[derive(Debug)]
pub struct Request {
    target: Target,
    tags: Vec<(String, String)>,
    mutability: Mutability,
    scan_on_push: bool,
    encryption: Encryption,
}

impl Resolve for api::CreateRepository {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, input.registry_id.as_deref(), &input.repository_name)?;
        let pairs = tags::pairs(input.tags.as_deref().unwrap_or_default())?;
        let tags = || pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut permissions = registry::creation_permissions(view, &target.key, tags)?;
        let filters = input.image_tag_mutability_exclusion_filters.as_deref();
        let mutability = settings::mutability(input.image_tag_mutability.as_ref(), filters)?;
        let encryption = match &input.encryption_configuration {
            Some(wanted) => settings::encryption(&wanted.encryption_type, wanted.kms_key.as_deref())?,
            None => Encryption::default(),
        };
        permissions.extend(settings::key_permissions(cx, view, &target.key, &encryption)?);
        let scan_on_push =
            input.image_scanning_configuration.and_then(|it| it.scan_on_push).unwrap_or_default();
        let request = Request { target, tags: pairs, mutability, scan_on_push, encryption };
        Ok(Checked::all(request, permissions))
    }
}

impl WriteHandler for api::CreateRepository {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, tags: new, mutability, scan_on_push, mut encryption } = request.into_request();
        if target.existing().is_ok() {
            return Err(wording::repository_exists(&target.key).into());
        }
        settings::fill_in_key(cx, tx, &target.key, &mut encryption)?;
        let mut row = Repository {
            created_at: cx.now,
            incarnation: Repository::new_incarnation(),
            mutability,
            scan_on_push,
            encryption,
            tags: Vec::new(),
            policy: None,
            lifecycle: None,
        };
        tags::set(&mut row.tags, new)?;
        tx.put(&REPOSITORIES, &target.key, &row);
        let repository = view::repository(&cx.installation.registry, &target.key, &row);
        Ok(api::CreateRepositoryResponse { repository: Some(repository) })
    }
}
