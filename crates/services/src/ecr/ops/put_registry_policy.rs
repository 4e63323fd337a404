//! `PutRegistryPolicy`: who may replicate into a registry, make repositories in it, and import into it.

use std::sync::Arc;

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::policy::{self, Kind};
use crate::ecr::record::REGISTRY_POLICIES;
use crate::ecr::registry;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::PutRegistryPolicy {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.policy_text, Permission::on_anything("ecr:PutRegistryPolicy")))
    }
}

impl WriteHandler for api::PutRegistryPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let policy = policy::parse(tx, Kind::Registry, &request.into_request())?;
        // With the narrow scope, the rest would never have a say.
        let is_wide = registry::has_wide_scope(tx, cx.account(), cx.region())?;
        if !is_wide && !policy::is_of_narrow_scope(&policy) {
            return Err(Kind::Registry.refuse().into());
        }
        let text = policy.text().to_owned();
        tx.put(&REGISTRY_POLICIES, &(cx.account(), cx.region()), Arc::new(policy));
        Ok(api::PutRegistryPolicyResponse {
            registry_id: Some(cx.account().to_string()),
            policy_text: Some(text),
        })
    }
}
