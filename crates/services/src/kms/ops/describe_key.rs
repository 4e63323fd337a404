//! `DescribeKey`: what a key is.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::target::Target;
use crate::kms::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::DescribeKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:DescribeKey")?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl ReadHandler for api::DescribeKey {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        let metadata = view::metadata(&target.place, target.existing()?);
        Ok(api::DescribeKeyResponse { key_metadata: Some(metadata) })
    }
}
