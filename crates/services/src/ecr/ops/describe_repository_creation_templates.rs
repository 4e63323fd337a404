//! `DescribeRepositoryCreationTemplates`: the templates of the caller's registry.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::paging::Paging;
use crate::ecr::record::TEMPLATES;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Which templates.
#[derive(Debug)]
pub struct Request {
    prefixes: Vec<String>,
    paging: Paging,
}

impl Resolve for api::DescribeRepositoryCreationTemplates {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
        let request = Request { prefixes: input.prefixes.unwrap_or_default(), paging };
        Ok(Checked::one(request, Permission::on_anything("ecr:DescribeRepositoryCreationTemplates")))
    }
}

impl ReadHandler for api::DescribeRepositoryCreationTemplates {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { prefixes, paging } = request.into_request();
        let (account, region) = (cx.account(), cx.region());
        let rows = match paging.after(0) {
            None => view.scan(&TEMPLATES, (account, region)),
            Some(after) => view.scan_after(&TEMPLATES, (account, region), &(account, region, after)),
        };
        let mut templates = Vec::new();
        for row in rows {
            let ((_, _, prefix), row) = row?;
            if prefixes.is_empty() || prefixes.contains(&prefix) {
                templates.push(row.0.clone());
            }
            if templates.len() > paging.limit {
                break;
            }
        }
        let more = templates.len() > paging.limit;
        templates.truncate(paging.limit);
        let last = templates.last().filter(|_| more).and_then(|it| it.prefix.as_deref());
        Ok(api::DescribeRepositoryCreationTemplatesResponse {
            registry_id: Some(account.to_string()),
            next_token: paging.token(cx, last)?,
            repository_creation_templates: Some(templates),
        })
    }
}
