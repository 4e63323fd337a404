//! `DeleteParameter`: a parameter with all its versions, for ever.

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::target::Target;
use crate::ssm::versions;

impl Resolve for api::DeleteParameter {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.name)?;
        let permission = target.permission("ssm:DeleteParameter");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteParameter {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        versions::remove(tx, &target.name.key, target.existing()?)?;
        Ok(api::DeleteParameterResult {})
    }
}
