//! `GetOperation`: what became of an operation.

use landfall_api::lightsail::{self as api, error};
use landfall_store::View;

use crate::lightsail::operations;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// An operation's id.
#[derive(Debug)]
pub struct Request(String);

impl Resolve for api::GetOperation {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(Request(input.operation_id), Permission::on_everything(cx, "lightsail:GetOperation")))
    }
}

impl ReadHandler for api::GetOperation {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(id) = request.into_request();
        let found = operations::all(cx, view)?.into_iter().find(|it| it.id.as_ref() == Some(&id));
        let operation = found
            .ok_or_else(|| error::not_found_exception(format!("The operation `{id}` does not exist.")))?;
        Ok(api::GetOperationResult { operation: Some(operation) })
    }
}
