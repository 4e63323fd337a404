//! `GetOperations`: what was done of late.

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::operations;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Which page.
#[derive(Debug)]
pub struct Request(Option<String>);

impl Resolve for api::GetOperations {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(Request(input.page_token), Permission::on_everything(cx, "lightsail:GetOperations")))
    }
}

impl ReadHandler for api::GetOperations {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(page) = request.into_request();
        operations::only_page(page.as_ref())?;
        Ok(api::GetOperationsResult { operations: Some(operations::all(cx, view)?), next_page_token: None })
    }
}
