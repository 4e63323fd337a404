//! `CreatePullThroughCacheRule`: repositories below a prefix stand for those of another registry.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::pull_through::{self, RuleKey};
use crate::ecr::record::PULL_THROUGH_RULES;
use crate::ecr::templates;
use crate::iam;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::stored::Stored;

/// Most rules of a registry (Amazon ECR service quotas).
const MOST: usize = 50;

impl Resolve for api::CreatePullThroughCacheRule {
    type Request = Checked<(RuleKey, api::PullThroughCacheRule)>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let prefix = &input.ecr_repository_prefix;
        let key = pull_through::rule_key(cx, input.registry_id.as_deref(), prefix)?;
        let mut permissions = vec![pull_through::rule_permission("ecr:CreatePullThroughCacheRule", &key.0)];
        permissions.extend(templates::pass_role(cx.account(), input.custom_role_arn.as_deref())?);
        let rule = api::PullThroughCacheRule {
            ecr_repository_prefix: Some(key.2.clone()),
            upstream_registry_url: Some(pull_through::host(&input.upstream_registry_url)?),
            created_at: Some(cx.now),
            updated_at: Some(cx.now),
            registry_id: Some(key.0.to_string()),
            credential_arn: input.credential_arn,
            custom_role_arn: input.custom_role_arn,
            upstream_repository_prefix: input.upstream_repository_prefix,
            upstream_registry: input.upstream_registry,
        };
        Ok(Checked::all((key, rule), permissions))
    }
}

impl WriteHandler for api::CreatePullThroughCacheRule {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (key, rule) = request.into_request();
        let (account, region, prefix) = &key;
        if tx.contains(&PULL_THROUGH_RULES, &key) {
            let text = format!(
                "The pull through cache rule with ecrRepositoryPrefix '{prefix}' already exists in the registry with id \
                 '{account}'"
            );
            return Err(api::error::pull_through_cache_rule_already_exists_exception(text).into());
        }
        if tx.count(&PULL_THROUGH_RULES, (account, region)) >= MOST {
            let text = format!("The registry has {MOST} pull through cache rules already");
            return Err(api::error::limit_exceeded_exception(text).into());
        }
        iam::ensure_service_linked_role(tx, "pullthroughcache.ecr.amazonaws.com", account, cx.now)?;
        pull_through::check_credential(cx.installation, tx, account, region, &rule)?;
        tx.put(&PULL_THROUGH_RULES, &key, Stored(rule.clone()));
        Ok(api::CreatePullThroughCacheRuleResponse {
            ecr_repository_prefix: rule.ecr_repository_prefix,
            upstream_registry_url: rule.upstream_registry_url,
            created_at: rule.created_at,
            registry_id: rule.registry_id,
            upstream_registry: rule.upstream_registry,
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream_repository_prefix,
        })
    }
}
