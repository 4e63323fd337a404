//! `DescribeRepositories`: repositories by name, or all of a registry.

use landfall_api::ecr as api;
use landfall_base::{AccountId, Arn};
use landfall_store::View;

use crate::ecr::paging::Paging;
use crate::ecr::record::REPOSITORIES;
use crate::ecr::rules::wording;
use crate::ecr::target::{Target, registry_account};
use crate::ecr::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Which repositories.
#[derive(Debug)]
pub enum Request {
    /// Those with these names, all of which must exist.
    Named(Vec<Target>),
    /// A page of an account's.
    All(AccountId, Paging),
}

impl Resolve for api::DescribeRepositories {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let action = "ecr:DescribeRepositories";
        let account = registry_account(cx, input.registry_id.as_deref())?;
        let names = input.repository_names.unwrap_or_default();
        if names.is_empty() {
            let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
            let all = Arn::new("ecr", cx.region(), &account, "repository/*");
            return Ok(Checked::one(Request::All(account, paging), Permission::on(action, &all)));
        }
        if input.next_token.is_some() || input.max_results.is_some() {
            let text = "nextToken and maxResults can't be used with repositoryNames";
            return Err(wording::invalid("repositoryNames", text).into());
        }
        let find = |name: &String| Target::find(cx, view, input.registry_id.as_deref(), name);
        let targets: Vec<Target> = names.iter().map(find).collect::<Result<_, _>>()?;
        let permissions =
            targets.iter().map(|target| target.permission(view, action)).collect::<Result<_, _>>()?;
        Ok(Checked::all(Request::Named(targets), permissions))
    }
}

impl ReadHandler for api::DescribeRepositories {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        match request.into_request() {
            Request::Named(targets) => {
                let show = |target: &Target| {
                    Ok(view::repository(&cx.installation.registry, &target.key, target.existing()?))
                };
                let repositories = targets.iter().map(show).collect::<Result<_, Failure>>()?;
                Ok(api::DescribeRepositoriesResponse { repositories: Some(repositories), next_token: None })
            }
            Request::All(account, paging) => page(cx, view, &account, &paging),
        }
    }
}

fn page(
    cx: &Context<'_>,
    view: &View,
    account: &AccountId,
    paging: &Paging,
) -> Result<api::DescribeRepositoriesResponse, Failure> {
    let region = cx.region();
    let rows = match paging.after(0) {
        None => view.scan(&REPOSITORIES, (account, region)),
        Some(after) => view.scan_after(&REPOSITORIES, (account, region), &(account, region, after)),
    };
    let rows: Vec<_> = rows.take(paging.limit + 1).collect::<Result<_, _>>()?;
    let shown = rows.get(..paging.limit).unwrap_or(&rows);
    let more = rows.len() > shown.len();
    let last = shown.last().filter(|_| more).map(|(key, _)| key.2.as_str());
    let next_token = paging.token(cx, last)?;
    let show = |(key, row): &(_, std::sync::Arc<_>)| view::repository(&cx.installation.registry, key, row);
    Ok(api::DescribeRepositoriesResponse { repositories: Some(shown.iter().map(show).collect()), next_token })
}
