//! `SimulateCustomPolicy`: what policies would decide that nobody has.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::page::Paging;
use crate::iam::simulate::{Scenario, custom_source};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::SimulateCustomPolicy {
    type Request = Checked<(api::SimulateCustomPolicyRequest, Paging)>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of(input.marker.as_deref(), input.max_items)?;
        Ok(Checked::one((input, paging), Permission::on_anything("iam:SimulateCustomPolicy")))
    }
}

impl ReadHandler for api::SimulateCustomPolicy {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (input, paging) = request.into_request();
        Scenario::read(cx, view, custom_source(), input)?.page(&paging)
    }
}
