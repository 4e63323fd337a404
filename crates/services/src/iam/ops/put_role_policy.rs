//! `PutRolePolicy`: sets an inline policy of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::inline::{self, Inline};
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::PutRolePolicy {
    type Request = Checked<(Inline<Role>, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (policy, document) = (input.policy_name, input.policy_document);
        let Checked { request, permissions } =
            inline::resolve(cx, view, "iam:PutRolePolicy", &input.role_name, policy)?;
        Ok(Checked::all((request, document), permissions))
    }
}

impl WriteHandler for api::PutRolePolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (inline, document) = request.into_request();
        inline::put(tx, &inline, &document)?;
        Ok(api::PutRolePolicyResponse {})
    }
}
