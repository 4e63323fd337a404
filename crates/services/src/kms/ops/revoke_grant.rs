//! `RevokeGrant`: takes a grant away.

use landfall_api::kms as api;
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

impl Resolve for api::RevokeGrant {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:RevokeGrant")?.with("kms:GrantIsForAWSResource", "false");
        let request = Request { target, grant_id: input.grant_id, dry_run: input.dry_run };
        Ok(Checked::one(request, permission))
    }
}

impl WriteHandler for api::RevokeGrant {
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
        Ok(api::RevokeGrantResponse {})
    }
}
