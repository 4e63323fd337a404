//! `DeleteResourcePolicy`

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::record::RESOURCE_POLICIES;
use crate::logs::resource_policies::Place;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Which policy, in which revision.
#[derive(Debug)]
pub struct Request {
    place: Place,
    expected: Option<String>,
}

impl Resolve for api::DeleteResourcePolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let place = Place::find(cx, view, input.policy_name, input.resource_arn)?;
        let permission = Permission::on_anything("logs:DeleteResourcePolicy");
        Ok(Checked::one(Request { place, expected: input.expected_revision_id }, permission))
    }
}

impl WriteHandler for api::DeleteResourcePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { place, expected } = request.into_request();
        place.existing()?;
        let key = (cx.account(), cx.region(), place.arn.as_str(), place.name.as_str());
        let current = tx.get(&RESOURCE_POLICIES, &key)?.ok_or_else(|| place.missing())?;
        place.check_revision(expected.as_deref(), Some(current.as_ref()))?;
        tx.delete(&RESOURCE_POLICIES, &key);
        Ok(api::DeleteResourcePolicyResponse {})
    }
}
