//! `GetParameterHistory`: the versions of a parameter, oldest first.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::ssm::listing::{decode_token, encode_token, invalid_token};
use crate::ssm::record::{VERSIONS, Version};
use crate::ssm::target::Target;
use crate::ssm::{encryption, view};

const PAGE: i32 = 50;

/// A page of versions.
#[derive(Debug)]
pub struct Request {
    target: Target,
    versions: Vec<(u64, Arc<Version>)>,
    next_token: Option<String>,
    decrypt: bool,
}

impl Resolve for api::GetParameterHistory {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.name)?;
        let after = decode_token(input.next_token.as_deref())?;
        let after = after.map(|after| after.parse::<u64>().map_err(|_| invalid_token())).transpose()?;
        let limit = usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1);
        let (versions, next_token) = page(view, &target, after.unwrap_or_default(), limit)?;
        let decrypt = input.with_decryption.unwrap_or_default();
        let mut permissions = vec![target.permission("ssm:GetParameterHistory")];
        if decrypt {
            for (_, version) in &versions {
                permissions.extend(encryption::read_permission(
                    cx,
                    view,
                    &target.name.arn,
                    &version.content,
                )?);
            }
        }
        Ok(Checked::all(Request { target, versions, next_token, decrypt }, permissions))
    }
}

type Versions = (Vec<(u64, Arc<Version>)>, Option<String>);

fn page(view: &View, target: &Target, after: u64, limit: usize) -> Result<Versions, Failure> {
    let mut versions: Vec<(u64, Arc<Version>)> = Vec::new();
    if target.parameter().is_none() {
        return Ok((versions, None));
    }
    let (account, region, name) = &target.name.key;
    let prefix = (account, region, name.as_str());
    for row in view.scan_after(&VERSIONS, prefix, &(account, region, name.as_str(), after)) {
        let ((_, _, _, number), version) = row?;
        if versions.len() >= limit {
            let token = versions.last().map(|(number, _)| encode_token(&number.to_string()));
            return Ok((versions, token));
        }
        versions.push((number, version));
    }
    Ok((versions, None))
}

impl ReadHandler for api::GetParameterHistory {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, versions, next_token, decrypt } = request.into_request();
        let parameter = target.existing()?;
        let mut shown = Vec::new();
        for (number, version) in versions {
            let value = if decrypt {
                encryption::open(cx, view, &target.name.arn, number, &version.content)?
            } else {
                encryption::shown(&version.content)
            };
            shown.push(view::history(parameter, number, &version, value));
        }
        Ok(api::GetParameterHistoryResult { parameters: Some(shown), next_token })
    }
}
