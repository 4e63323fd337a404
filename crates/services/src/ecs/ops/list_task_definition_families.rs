use std::collections::BTreeMap;

use landfall_api::ecs::{self as api, TaskDefinitionFamilyStatus, TaskDefinitionStatus};
use landfall_store::View;

use crate::ecs::lookup::home;
use crate::ecs::page::{Order, page};
use crate::ecs::record::TASK_DEFINITIONS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Lists families. A family is active while one of its revisions is.
impl Resolve for api::ListTaskDefinitionFamilies {
    type Request = Checked<api::ListTaskDefinitionFamiliesRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("ecs:ListTaskDefinitionFamilies")))
    }
}

impl ReadHandler for api::ListTaskDefinitionFamilies {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (home, input) = (home(cx), &request.request);
        let mut families: BTreeMap<String, bool> = BTreeMap::new();
        for row in view.scan(&TASK_DEFINITIONS, (home.account, home.region)) {
            let ((_, _, family, _), row) = row?;
            *families.entry(family).or_default() |=
                row.definition.status == Some(TaskDefinitionStatus::Active);
        }
        let prefix = input.family_prefix.as_deref().unwrap_or_default();
        let wanted = |active: bool| match input.status {
            Some(TaskDefinitionFamilyStatus::Active) => active,
            Some(TaskDefinitionFamilyStatus::Inactive) => !active,
            _ => true,
        };
        let kept =
            families.into_iter().filter(|(family, active)| family.starts_with(prefix) && wanted(*active));
        let names: Vec<String> = kept.map(|(family, _)| family).collect();
        let page =
            page(names, Clone::clone, Order::Ascending, input.next_token.as_deref(), input.max_results)?;
        Ok(api::ListTaskDefinitionFamiliesResponse {
            families: Some(page.items),
            next_token: page.next_token,
        })
    }
}
