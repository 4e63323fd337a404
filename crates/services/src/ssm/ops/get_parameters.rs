//! `GetParameters`: up to ten values. Names without a value are listed beside what could be read.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::ssm::reading::Source;

/// Values to be read; a name without source can be none.
#[derive(Debug)]
pub struct Request {
    sources: Vec<(String, Option<Source>)>,
    decrypt: bool,
}

impl Resolve for api::GetParameters {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let decrypt = input.with_decryption.unwrap_or_default();
        let (mut sources, mut permissions) = (Vec::new(), Vec::new());
        for name in input.names {
            if sources.iter().any(|(other, _)| *other == name) {
                continue;
            }
            let source = match Source::find(cx, view, &name, decrypt) {
                Ok(source) => Some(source),
                // A secret that is not to be decrypted is the request's mistake, not the name's.
                Err(Failure::Service(error)) if error.message.starts_with("WithDecryption") => {
                    return Err(error.into());
                }
                Err(Failure::Service(_)) => None,
                Err(failure) => return Err(failure),
            };
            if let Some(source) = &source {
                permissions.extend(source.permissions(cx, view, "ssm:GetParameters", decrypt)?);
            }
            sources.push((name, source));
        }
        Ok(Checked::all(Request { sources, decrypt }, permissions))
    }
}

impl ReadHandler for api::GetParameters {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { sources, decrypt } = request.into_request();
        let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
        for (name, source) in sources {
            match source.map(|source| source.read(cx, view, decrypt)) {
                Some(Ok(parameter)) => parameters.push(parameter),
                None => invalid.push(name),
                Some(Err(Failure::Service(error)))
                    if matches!(error.code, "ParameterNotFound" | "ParameterVersionNotFound") =>
                {
                    invalid.push(name);
                }
                Some(Err(failure)) => return Err(failure),
            }
        }
        Ok(api::GetParametersResult { parameters: Some(parameters), invalid_parameters: Some(invalid) })
    }
}
