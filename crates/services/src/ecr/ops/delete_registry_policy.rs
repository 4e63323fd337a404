//! `DeleteRegistryPolicy`: takes the policy off the caller's registry, and answers it.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::REGISTRY_POLICIES;
use crate::ecr::rules::wording;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::principals;

impl Resolve for api::DeleteRegistryPolicy {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("ecr:DeleteRegistryPolicy")))
    }
}

impl WriteHandler for api::DeleteRegistryPolicy {
    fn run(cx: &Context<'_>, tx: &mut Tx, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let key = (cx.account(), cx.region());
        let policy = tx.get(&REGISTRY_POLICIES, &key)?;
        let policy = policy.ok_or_else(|| wording::no_registry_policy(cx.account()))?;
        tx.delete(&REGISTRY_POLICIES, &key);
        Ok(api::DeleteRegistryPolicyResponse {
            registry_id: Some(cx.account().to_string()),
            policy_text: Some(principals::shown(tx, &policy)?),
        })
    }
}
