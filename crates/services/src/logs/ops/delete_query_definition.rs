//! `DeleteQueryDefinition`

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use super::put_query_definition::no_definition;
use crate::logs::record::QUERY_DEFINITIONS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::DeleteQueryDefinition {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = Permission::on_anything("logs:DeleteQueryDefinition");
        Ok(Checked::one(input.query_definition_id, permission))
    }
}

impl WriteHandler for api::DeleteQueryDefinition {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let id = request.into_request();
        let key = (cx.account(), cx.region(), id.as_str());
        if !tx.contains(&QUERY_DEFINITIONS, &key) {
            return Err(no_definition().into());
        }
        tx.delete(&QUERY_DEFINITIONS, &key);
        Ok(api::DeleteQueryDefinitionResponse { success: Some(true) })
    }
}
