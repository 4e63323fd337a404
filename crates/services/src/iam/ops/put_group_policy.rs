//! `PutGroupPolicy`: sets an inline policy of a group.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::inline::{self, Inline};
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::PutGroupPolicy {
    type Request = Checked<(Inline<Group>, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (policy, document) = (input.policy_name, input.policy_document);
        let Checked { request, permissions } =
            inline::resolve(cx, view, "iam:PutGroupPolicy", &input.group_name, policy)?;
        Ok(Checked::all((request, document), permissions))
    }
}

impl WriteHandler for api::PutGroupPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (inline, document) = request.into_request();
        inline::put(tx, &inline, &document)?;
        Ok(api::PutGroupPolicyResponse {})
    }
}
