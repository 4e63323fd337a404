//! `GetOperationsForResource`: what was done to a resource of late.

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::operations;
use crate::lightsail::target::Tagged;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A resource's name, the resource, and which page.
#[derive(Debug)]
pub struct Request {
    name: String,
    found: Tagged,
    page: Option<String>,
}

impl Resolve for api::GetOperationsForResource {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let found = Tagged::find(cx, view, &input.resource_name)?;
        let request = Request { name: input.resource_name, found, page: input.page_token };
        Ok(Checked::one(request, Permission::on_everything(cx, "lightsail:GetOperationsForResource")))
    }
}

impl ReadHandler for api::GetOperationsForResource {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { name, found, page } = request.into_request();
        operations::only_page(page.as_ref())?;
        let mut operations = operations::all(cx, view)?;
        operations.retain(|it| it.resource_name.as_ref() == Some(&name));
        if operations.is_empty() {
            found.existing()?;
        }
        Ok(api::GetOperationsForResourceResult {
            operations: Some(operations),
            next_page_count: None,
            next_page_token: None,
        })
    }
}
