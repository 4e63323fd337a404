//! `GetParameter`: one value.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::ssm::reading::Source;

/// A value to be read.
#[derive(Debug)]
pub struct Request {
    source: Source,
    decrypt: bool,
}

impl Resolve for api::GetParameter {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let decrypt = input.with_decryption.unwrap_or_default();
        let source = Source::find(cx, view, &input.name, decrypt)?;
        let permissions = source.permissions(cx, view, "ssm:GetParameter", decrypt)?;
        Ok(Checked::all(Request { source, decrypt }, permissions))
    }
}

impl ReadHandler for api::GetParameter {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { source, decrypt } = request.into_request();
        Ok(api::GetParameterResult { parameter: Some(source.read(cx, view, decrypt)?) })
    }
}
