//! `UpdatePullThroughCacheRule`: another secret, or another role to read it with.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::pull_through::{self, RuleKey};
use crate::ecr::record::PULL_THROUGH_RULES;
use crate::ecr::templates;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::stored::Stored;

impl Resolve for api::UpdatePullThroughCacheRule {
    type Request = Checked<(RuleKey, api::UpdatePullThroughCacheRuleRequest)>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let prefix = &input.ecr_repository_prefix;
        let key = pull_through::rule_key(cx, input.registry_id.as_deref(), prefix)?;
        let mut permissions = vec![pull_through::rule_permission("ecr:UpdatePullThroughCacheRule", &key.0)];
        permissions.extend(templates::pass_role(cx.account(), input.custom_role_arn.as_deref())?);
        Ok(Checked::all((key, input), permissions))
    }
}

impl WriteHandler for api::UpdatePullThroughCacheRule {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (key, input) = request.into_request();
        let mut rule = pull_through::existing(tx, &key)?;
        rule.credential_arn = input.credential_arn.or(rule.credential_arn);
        rule.custom_role_arn = input.custom_role_arn.or(rule.custom_role_arn);
        rule.updated_at = Some(cx.now);
        pull_through::check_credential(cx.installation, tx, &key.0, &key.1, &rule)?;
        tx.put(&PULL_THROUGH_RULES, &key, Stored(rule.clone()));
        Ok(api::UpdatePullThroughCacheRuleResponse {
            ecr_repository_prefix: rule.ecr_repository_prefix,
            registry_id: rule.registry_id,
            updated_at: rule.updated_at,
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream_repository_prefix,
        })
    }
}
