//! `DescribePull`: how far the pulls of a check are that is under way.

use landfall_api::landfall as api;
use landfall_store::View;

use crate::ecs::agent::pull_of_check;
use crate::landfall::steps;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::DescribePull {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.pull_token, Permission::on_anything("landfall:DescribePull")))
    }
}

impl ReadHandler for api::DescribePull {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let pull = pull_of_check(cx.account(), &request.into_request());
        Ok(api::DescribePullResponse { pull: pull.map(steps::pull) })
    }
}
