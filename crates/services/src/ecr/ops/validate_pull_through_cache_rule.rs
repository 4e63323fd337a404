//! `ValidatePullThroughCacheRule`: whether the upstream registry can be reached with the rule's credential.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::pull_through::{self, RuleKey};
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// A repository that some registries have; a registry that has not says so to those whom it lets in.
const PROBED: &str = "library/hello-world";

impl Resolve for api::ValidatePullThroughCacheRule {
    type Request = Checked<RuleKey>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let prefix = &input.ecr_repository_prefix;
        let key = pull_through::rule_key(cx, input.registry_id.as_deref(), prefix)?;
        let permission = pull_through::rule_permission("ecr:ValidatePullThroughCacheRule", &key.0);
        Ok(Checked::one(key, permission))
    }
}

impl AwaitingHandler for api::ValidatePullThroughCacheRule {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let key = request.into_request();
        let rule = pull_through::existing(&cx.installation.store.view(), &key)?;
        let (account, region, prefix) = key;
        let probed = (account, region, pull_through::local_name(&prefix, PROBED));
        let failure = match pull_through::ping(cx.installation, &probed, &rule).await {
            Ok(()) => None,
            Err(pull_through::ImportError::Internal(failure)) => return Err(failure),
            Err(error) => Some(error.to_string()),
        };
        Ok(api::ValidatePullThroughCacheRuleResponse {
            ecr_repository_prefix: rule.ecr_repository_prefix,
            registry_id: rule.registry_id,
            upstream_registry_url: rule.upstream_registry_url,
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream_repository_prefix,
            is_valid: Some(failure.is_none()),
            failure,
        })
    }
}
