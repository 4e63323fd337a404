//! `ValidatePullThroughCacheRule`: whether the upstream registry can be reached with the rule's credential.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::pull_through;
use crate::pipe::{
    Authorized, AwaitingHandler, Checked, Context, Failure, Permission, Resolve, Surroundings,
};

/// A repository that some registries have; a registry that has not says so to those whom it lets in.
const PROBED: &str = "library/hello-world";

impl Resolve for api::ValidatePullThroughCacheRule {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = Permission::on_anything("ecr:ValidatePullThroughCacheRule");
        Ok(Checked::one(input.ecr_repository_prefix, permission))
    }
}

impl AwaitingHandler for api::ValidatePullThroughCacheRule {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let prefix = request.into_request();
        let (account, region) = (&cx.caller.account, &cx.caller.region);
        let rule = pull_through::existing(&cx.installation.store.view(), account, region, &prefix)?;
        let key = (account.clone(), region.clone(), format!("{prefix}/{PROBED}"));
        let failure = match pull_through::ping(cx.installation, &key, &rule).await {
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
