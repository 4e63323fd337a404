//! `UpdateRepositoryCreationTemplate`: changes what the request names, and leaves the rest.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::TEMPLATES;
use crate::ecr::templates;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::stored::Stored;

impl Resolve for api::UpdateRepositoryCreationTemplate {
    type Request = Checked<api::UpdateRepositoryCreationTemplateRequest>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut permissions = vec![Permission::on_anything("ecr:UpdateRepositoryCreationTemplate")];
        permissions.extend(templates::pass_role(cx.account(), input.custom_role_arn.as_deref())?);
        Ok(Checked::all(input, permissions))
    }
}

impl WriteHandler for api::UpdateRepositoryCreationTemplate {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let prefix = input.prefix.clone();
        let key = (cx.account(), cx.region(), prefix.as_str());
        let row = tx.get(&TEMPLATES, &key)?.ok_or_else(|| templates::not_found(cx.account(), &prefix))?;
        let mut template = changed(row.0.clone(), input);
        template.updated_at = Some(cx.now);
        templates::check(tx, &template)?;
        tx.put(&TEMPLATES, &key, Stored(template.clone()));
        Ok(api::UpdateRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account().to_string()),
            repository_creation_template: Some(template),
        })
    }
}

fn changed(
    row: api::RepositoryCreationTemplate,
    input: api::UpdateRepositoryCreationTemplateRequest,
) -> api::RepositoryCreationTemplate {
    // Filters belong to the setting that they come with.
    let filters = match input.image_tag_mutability {
        Some(_) => input.image_tag_mutability_exclusion_filters,
        None => input.image_tag_mutability_exclusion_filters.or(row.image_tag_mutability_exclusion_filters),
    };
    api::RepositoryCreationTemplate {
        description: input.description.or(row.description),
        encryption_configuration: input.encryption_configuration.or(row.encryption_configuration),
        resource_tags: input.resource_tags.or(row.resource_tags),
        image_tag_mutability: input.image_tag_mutability.or(row.image_tag_mutability),
        image_tag_mutability_exclusion_filters: filters,
        repository_policy: input.repository_policy.or(row.repository_policy),
        lifecycle_policy: input.lifecycle_policy.or(row.lifecycle_policy),
        applied_for: input.applied_for.or(row.applied_for),
        custom_role_arn: input.custom_role_arn.or(row.custom_role_arn),
        ..row
    }
}
