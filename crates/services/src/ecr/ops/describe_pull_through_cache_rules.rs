//! `DescribePullThroughCacheRules`: the rules of the caller's registry.

use landfall_api::ecr as api;
use landfall_base::AccountId;
use landfall_store::View;

use crate::ecr::paging::Paging;
use crate::ecr::pull_through;
use crate::ecr::record::PULL_THROUGH_RULES;
use crate::ecr::target::registry_account;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Which rules.
#[derive(Debug)]
pub struct Request {
    account: AccountId,
    prefixes: Vec<String>,
    paging: Paging,
}

impl Resolve for api::DescribePullThroughCacheRules {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let paging = Paging::of::<Self>(cx, input.max_results, input.next_token.as_deref(), 1)?;
        let account = registry_account(cx, input.registry_id.as_deref())?;
        let permission = pull_through::rule_permission("ecr:DescribePullThroughCacheRules", &account);
        let prefixes = input.ecr_repository_prefixes.unwrap_or_default();
        let prefixes = prefixes.iter().map(|it| it.trim_end_matches('/').to_owned()).collect();
        Ok(Checked::one(Request { account, prefixes, paging }, permission))
    }
}

impl ReadHandler for api::DescribePullThroughCacheRules {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { account, prefixes, paging } = request.into_request();
        let (account, region) = (&account, cx.region());
        for prefix in &prefixes {
            pull_through::existing(view, &(account.clone(), region.clone(), prefix.clone()))?;
        }
        let rows = match paging.after(0) {
            None => view.scan(&PULL_THROUGH_RULES, (account, region)),
            Some(after) => view.scan_after(&PULL_THROUGH_RULES, (account, region), &(account, region, after)),
        };
        let mut rules = Vec::new();
        for row in rows {
            let ((_, _, prefix), row) = row?;
            if prefixes.is_empty() || prefixes.contains(&prefix) {
                rules.push(row.0.clone());
            }
            if rules.len() > paging.limit {
                break;
            }
        }
        let more = rules.len() > paging.limit;
        rules.truncate(paging.limit);
        let last = rules.last().filter(|_| more).and_then(|it| it.ecr_repository_prefix.as_deref());
        Ok(api::DescribePullThroughCacheRulesResponse {
            next_token: paging.token(cx, last)?,
            pull_through_cache_rules: Some(rules),
        })
    }
}
