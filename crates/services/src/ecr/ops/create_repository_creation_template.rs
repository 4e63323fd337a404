//! `CreateRepositoryCreationTemplate`: how repositories are made that nobody made.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::TEMPLATES;
use crate::ecr::templates;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::stored::Stored;

impl Resolve for api::CreateRepositoryCreationTemplate {
    type Request = Checked<api::RepositoryCreationTemplate>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut permissions = vec![Permission::on_anything("ecr:CreateRepositoryCreationTemplate")];
        permissions.extend(templates::pass_role(cx.account(), input.custom_role_arn.as_deref())?);
        let template = api::RepositoryCreationTemplate {
            prefix: Some(input.prefix),
            description: input.description,
            encryption_configuration: input.encryption_configuration,
            resource_tags: input.resource_tags,
            image_tag_mutability: Some(
                input.image_tag_mutability.unwrap_or(api::ImageTagMutability::Mutable),
            ),
            image_tag_mutability_exclusion_filters: input.image_tag_mutability_exclusion_filters,
            repository_policy: input.repository_policy,
            lifecycle_policy: input.lifecycle_policy,
            applied_for: Some(input.applied_for),
            custom_role_arn: input.custom_role_arn,
            created_at: Some(cx.now),
            updated_at: Some(cx.now),
        };
        Ok(Checked::all(template, permissions))
    }
}

impl WriteHandler for api::CreateRepositoryCreationTemplate {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let template = request.into_request();
        templates::check(tx, &template)?;
        let prefix = template.prefix.clone().unwrap_or_default();
        let key = (cx.account(), cx.region(), prefix.as_str());
        if tx.contains(&TEMPLATES, &key) {
            let text = format!(
                "The template with prefix '{prefix}' already exists in the registry with id '{}'",
                cx.account()
            );
            return Err(api::error::template_already_exists_exception(text).into());
        }
        tx.put(&TEMPLATES, &key, Stored(template.clone()));
        Ok(api::CreateRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account().to_string()),
            repository_creation_template: Some(template),
        })
    }
}
