//! `PutQueryDefinition`: keeps a query under a name.

use landfall_api::logs::{self as api, error};
use landfall_base::random;
use landfall_store::{Tx, View};

use crate::logs::record::{QUERY_DEFINITIONS, QueryDefinition};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Definitions of an account in a Region (CloudWatch Logs quotas).
const MOST: usize = 1000;

/// A definition, and the id of the one it takes the place of.
#[derive(Debug)]
pub struct Request {
    id: Option<String>,
    row: QueryDefinition,
}

impl Resolve for api::PutQueryDefinition {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let row = QueryDefinition {
            name: input.name,
            query: input.query_string,
            language: input.query_language.map(|language| language.as_str().to_owned()),
            groups: input.log_group_names.unwrap_or_default(),
            modified_at: cx.now,
        };
        if input.parameters.is_some_and(|parameters| !parameters.is_empty()) {
            let text = "Query definitions with parameters are not kept here.";
            return Err(error::invalid_parameter_exception(text).into());
        }
        let anything = Permission::on_anything("logs:PutQueryDefinition");
        Ok(Checked::one(Request { id: input.query_definition_id, row }, anything))
    }
}

impl WriteHandler for api::PutQueryDefinition {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { id, row } = request.into_request();
        let place = (cx.account(), cx.region());
        let id = match id {
            Some(id) if tx.contains(&QUERY_DEFINITIONS, &(place.0, place.1, id.as_str())) => id,
            Some(_) => return Err(no_definition().into()),
            None if tx.count(&QUERY_DEFINITIONS, place) >= MOST => {
                return Err(error::limit_exceeded_exception("Resource limit exceeded.").into());
            }
            None => random::uuid(),
        };
        tx.put(&QUERY_DEFINITIONS, &(place.0, place.1, id.as_str()), row);
        Ok(api::PutQueryDefinitionResponse { query_definition_id: Some(id) })
    }
}

/// AWS's answer when a definition is not there.
pub(super) fn no_definition() -> landfall_shape::ServiceError {
    error::resource_not_found_exception("The specified query definition does not exist.")
}
