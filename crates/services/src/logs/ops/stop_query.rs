//! `StopQuery`

use landfall_api::logs::{self as api, error};
use landfall_store::View;

use super::get_query_results::no_query;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::StopQuery {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.query_id, Permission::on_anything("logs:StopQuery")))
    }
}

impl ReadHandler for api::StopQuery {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let id = request.into_request();
        let query = cx.installation.queries.find(cx.account(), cx.region(), &id).ok_or_else(no_query)?;
        if query.cancel() {
            return Ok(api::StopQueryResponse { success: Some(true) });
        }
        let text = "Query is not running, cannot be stopped";
        Err(error::invalid_parameter_exception(text).into())
    }
}
