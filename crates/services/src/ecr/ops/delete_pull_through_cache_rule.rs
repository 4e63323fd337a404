//! `DeletePullThroughCacheRule`: the repositories stay, and are no cache any more.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::pull_through;
use crate::ecr::record::PULL_THROUGH_RULES;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::DeletePullThroughCacheRule {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = Permission::on_anything("ecr:DeletePullThroughCacheRule");
        Ok(Checked::one(input.ecr_repository_prefix, permission))
    }
}

impl WriteHandler for api::DeletePullThroughCacheRule {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let prefix = request.into_request();
        let (account, region) = (cx.account(), cx.region());
        let rule = pull_through::existing(tx, account, region, &prefix)?;
        tx.delete(&PULL_THROUGH_RULES, &(account, region, prefix.as_str()));
        Ok(api::DeletePullThroughCacheRuleResponse {
            ecr_repository_prefix: rule.ecr_repository_prefix,
            upstream_registry_url: rule.upstream_registry_url,
            created_at: rule.created_at,
            registry_id: rule.registry_id,
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream_repository_prefix,
        })
    }
}
