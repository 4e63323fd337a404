//! `DeleteContainerService`

use landfall_api::lightsail as api;
use landfall_store::{Tx, View};

use crate::lightsail::record::{Change, SERVICES};
use crate::lightsail::rules::state;
use crate::lightsail::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A service.
#[derive(Debug)]
pub struct Request(Target);

impl Resolve for api::DeleteContainerService {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = target.permission("lightsail:DeleteContainerService");
        Ok(Checked::one(Request(target), permission))
    }
}

impl WriteHandler for api::DeleteContainerService {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(target) = request.into_request();
        state::settled(target.existing()?, "deleted")?;
        tx.update(&SERVICES, &target.key, |service| service.change = Change::Deleting)?;
        Ok(api::DeleteContainerServiceResult {})
    }
}
