//! `AssociateKmsKey`: new events of a group are under a KMS key from now on.

use std::sync::Arc;

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::encryption;
use crate::logs::lookup::Group;
use crate::logs::record::{GROUPS, LogGroup};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A group and its new key.
#[derive(Debug)]
pub struct Request {
    group: Group,
    key_id: String,
}

impl Resolve for api::AssociateKmsKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::for_key(cx, view, input.log_group_name, input.resource_identifier)?;
        let permission = group.permission("logs:AssociateKmsKey");
        Ok(Checked::one(Request { group, key_id: input.kms_key_id }, permission))
    }
}

impl WriteHandler for api::AssociateKmsKey {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, key_id } = request.into_request();
        let mut row = LogGroup::clone(Arc::as_ref(group.row()?));
        encryption::associate(cx, tx, &group.name, &mut row, &key_id)?;
        tx.put(&GROUPS, &group.key(), row);
        Ok(api::AssociateKmsKeyResponse {})
    }
}
