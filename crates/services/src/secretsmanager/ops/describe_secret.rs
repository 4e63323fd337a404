//! `DescribeSecret`: everything about a secret but its values. Works while it is scheduled for deletion.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::secretsmanager::target::Target;
use crate::secretsmanager::view;

impl Resolve for api::DescribeSecret {
    type Request = Checked<Target>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:DescribeSecret");
        Ok(Checked::one(target, permission))
    }
}

impl ReadHandler for api::DescribeSecret {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        Ok(view::description(view, &target.key, target.existing()?)?)
    }
}
