//! `RetireGrant`: gives a grant up; for those who use it or may retire it.

use landfall_api::kms as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::kms::grants;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The grant.
#[derive(Debug)]
pub struct Request {
    target: Target,
    grant_id: String,
    dry_run: Option<bool>,
}

impl Resolve for api::RetireGrant {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (key_id, grant_id) = named(&input)?;
        let mut target = Target::find_key(cx, view, &key_id)?;
        let grant = grants::find(view, &target.place, &grant_id)?;
        target.grants = grant.map(|grant| grants::retirers(&grant)).unwrap_or_default();
        let permission = target.permission(cx, "kms:RetireGrant")?;
        Ok(Checked::one(Request { target, grant_id, dry_run: input.dry_run }, permission))
    }
}

/// The key's ARN and the grant's id: from the token, or as given.
fn named(input: &api::RetireGrantRequest) -> Result<(String, String), ServiceError> {
    match (&input.grant_token, &input.key_id, &input.grant_id) {
        (Some(token), None, None) => grants::of_token(token),
        (None, Some(key_id), Some(grant_id)) => Ok((key_id.clone(), grant_id.clone())),
        _ => {
            let message = "Specify either a grant token, or the key ARN and the grant ID.";
            Err(ServiceError::client("ValidationException", message))
        }
    }
}

impl WriteHandler for api::RetireGrant {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, grant_id, dry_run } = request.into_request();
        target.existing()?;
        grants::find(tx, &target.place, &grant_id)?.ok_or_else(|| grants::no_grant(&grant_id))?;
        rules::check_dry_run(dry_run)?;
        grants::remove(tx, &target.place, &grant_id);
        Ok(api::RetireGrantResponse {})
    }
}
