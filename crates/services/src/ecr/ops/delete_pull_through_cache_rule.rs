//! `DeletePullThroughCacheRule`: the repositories stay, and are no cache any more.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::pull_through::{self, RuleKey};
use crate::ecr::record::PULL_THROUGH_RULES;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeletePullThroughCacheRule {
    type Request = Checked<RuleKey>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let prefix = &input.ecr_repository_prefix;
        let key = pull_through::rule_key(cx, input.registry_id.as_deref(), prefix)?;
        let permission = pull_through::rule_permission("ecr:DeletePullThroughCacheRule", &key.0);
        Ok(Checked::one(key, permission))
    }
}

impl WriteHandler for api::DeletePullThroughCacheRule {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let key = request.into_request();
        let rule = pull_through::existing(tx, &key)?;
        tx.delete(&PULL_THROUGH_RULES, &key);
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
