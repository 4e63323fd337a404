//! `DeleteRepositoryCreationTemplate`: removes a template, and answers it.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::TEMPLATES;
use crate::ecr::templates;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::DeleteRepositoryCreationTemplate {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.prefix, Permission::on_anything("ecr:DeleteRepositoryCreationTemplate")))
    }
}

impl WriteHandler for api::DeleteRepositoryCreationTemplate {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let prefix = request.into_request();
        let key = (cx.account(), cx.region(), prefix.as_str());
        let row = tx.get(&TEMPLATES, &key)?.ok_or_else(|| templates::not_found(cx.account(), &prefix))?;
        tx.delete(&TEMPLATES, &key);
        Ok(api::DeleteRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account().to_string()),
            repository_creation_template: Some(row.0.clone()),
        })
    }
}
