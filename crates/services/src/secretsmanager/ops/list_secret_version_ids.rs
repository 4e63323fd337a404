//! `ListSecretVersionIds`: the versions of a secret.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::secretsmanager::listing::{decode_token, encode_token};
use crate::secretsmanager::target::Target;
use crate::secretsmanager::{versions, view};

const PAGE: i32 = 100;

/// Versions to be listed.
#[derive(Debug)]
pub struct Request {
    target: Target,
    include_deprecated: bool,
    after: Option<String>,
    limit: usize,
}

impl Resolve for api::ListSecretVersionIds {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.secret_id)?;
        let permission = target.permission("secretsmanager:ListSecretVersionIds");
        let request = Request {
            target,
            include_deprecated: input.include_deprecated.unwrap_or_default(),
            after: decode_token(input.next_token.as_deref())?,
            limit: usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1),
        };
        Ok(Checked::one(request, permission))
    }
}

impl ReadHandler for api::ListSecretVersionIds {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, include_deprecated, after, limit } = request.into_request();
        let secret = target.existing()?;
        let labelled = secret.stages.versions();
        let rows = versions::list(view, &target.key)?.into_iter();
        let rows = rows.filter(|(id, _)| after.as_ref().is_none_or(|after| id > after));
        let mut rows = rows.filter(|(id, _)| include_deprecated || labelled.contains(id.as_str()));
        let page: Vec<_> = rows.by_ref().take(limit).collect();
        let last = page.last().map(|(id, _)| id.clone());
        let next_token = rows.next().and(last).map(|last| encode_token(&last)).transpose()?;
        let entries = page.into_iter().map(|(id, version)| view::version_entry(secret, id, &version));
        Ok(api::ListSecretVersionIdsResponse {
            versions: Some(entries.collect()),
            next_token,
            arn: Some(secret.arn.to_string()),
            name: Some(secret.name.clone()),
        })
    }
}
