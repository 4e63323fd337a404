//! `GetParametersByPath`: the values below a path, page by page.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::ssm::filters::{Filters, below, check_path_form};
use crate::ssm::listing::{Listing, Page, decode_token};
use crate::ssm::names::arn_of;
use crate::ssm::{encryption, view};

const PAGE: i32 = 10;

/// A page of values; what is on it is known before it is authorized, because its keys are.
#[derive(Debug)]
pub struct Request {
    page: Page,
    decrypt: bool,
}

impl Resolve for api::GetParametersByPath {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_path_form(&input.path)?;
        let recursive = input.recursive.unwrap_or_default();
        let decrypt = input.with_decryption.unwrap_or_default();
        let listing = Listing {
            account: cx.account().clone(),
            region: cx.region().clone(),
            prefix: below(&input.path),
            one_level: !recursive,
            filters: Filters::of_path(input.parameter_filters)?,
            after: decode_token(input.next_token.as_deref())?,
            limit: usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1),
        };
        // The resource is the path as it was given, with its last slash.
        let arn = arn_of(&(listing.account.clone(), listing.region.clone(), input.path));
        let own =
            Permission::on("ssm:GetParametersByPath", &arn).with("ssm:Recursive", recursive.to_string());
        let page = listing.page(view)?;
        let mut permissions = vec![own];
        if decrypt {
            for found in &page.found {
                let arn = arn_of(&found.key);
                permissions.extend(encryption::read_permission(cx, view, &arn, &found.version.content)?);
            }
        }
        Ok(Checked::all(Request { page, decrypt }, permissions))
    }
}

impl ReadHandler for api::GetParametersByPath {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { page, decrypt } = request.into_request();
        let mut parameters = Vec::new();
        for found in page.found {
            let arn = arn_of(&found.key);
            let content = &found.version.content;
            let value = if decrypt {
                encryption::open(cx, view, &arn, found.number, content)?
            } else {
                encryption::shown(content)
            };
            let name = &found.parameter.name;
            parameters.push(view::parameter(name, &arn, found.number, &found.version, value, None));
        }
        Ok(api::GetParametersByPathResult { parameters: Some(parameters), next_token: page.next_token })
    }
}
