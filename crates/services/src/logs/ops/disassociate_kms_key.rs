//! `DisassociateKmsKey`: new events of a group are under no KMS key any more. Older ones stay under theirs.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::Group;
use crate::logs::record::GROUPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DisassociateKmsKey {
    type Request = Checked<Group>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::for_key(cx, view, input.log_group_name, input.resource_identifier)?;
        let permission = group.permission("logs:DisassociateKmsKey");
        Ok(Checked::one(group, permission))
    }
}

impl WriteHandler for api::DisassociateKmsKey {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let group = request.into_request();
        group.row()?;
        tx.update(&GROUPS, &group.key(), |row| row.key = None)?;
        Ok(api::DisassociateKmsKeyResponse {})
    }
}
