//! `PutResourcePolicy`: which AWS services may write events.

use landfall_api::logs::{self as api, error};
use landfall_base::random;
use landfall_store::{Tx, View};

use crate::logs::record::{RESOURCE_POLICIES, ResourcePolicy};
use crate::logs::resource_policies::{self, Place};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Policies of an account in a Region, those of groups aside (API reference, PutResourcePolicy).
const MOST: usize = 10;

/// A policy and where it goes.
#[derive(Debug)]
pub struct Request {
    place: Place,
    document: String,
    expected: Option<String>,
}

impl Resolve for api::PutResourcePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let place = Place::find(cx, view, input.policy_name, input.resource_arn)?;
        let missing = || error::invalid_parameter_exception("policyDocument must be given.");
        let document = input.policy_document.ok_or_else(missing)?;
        let permission = Permission::on_anything("logs:PutResourcePolicy");
        Ok(Checked::one(Request { place, document, expected: input.expected_revision_id }, permission))
    }
}

impl WriteHandler for api::PutResourcePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { place, document, expected } = request.into_request();
        place.existing()?;
        let policy = resource_policies::parse(tx, &document)?;
        let (account, region) = (cx.account(), cx.region());
        let key = (account, region, place.arn.as_str(), place.name.as_str());
        let before = tx.get(&RESOURCE_POLICIES, &key)?;
        place.check_revision(expected.as_deref(), before.as_deref())?;
        let of_account = (account, region, "");
        if before.is_none() && !place.is_of_group() && tx.count(&RESOURCE_POLICIES, of_account) >= MOST {
            return Err(error::limit_exceeded_exception("Resource limit exceeded.").into());
        }
        let row = ResourcePolicy { policy, updated_at: cx.now, revision: random::uuid() };
        tx.put(&RESOURCE_POLICIES, &key, &row);
        let shown = resource_policies::shown(tx, &place.arn, &place.name, &row)?;
        Ok(api::PutResourcePolicyResponse {
            revision_id: shown.revision_id.clone(),
            resource_policy: Some(shown),
        })
    }
}
