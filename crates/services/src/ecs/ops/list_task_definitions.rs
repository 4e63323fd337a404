use landfall_api::ecs::{self as api, SortOrder, TaskDefinitionStatus};
use landfall_store::View;

use crate::ecs::lookup::home;
use crate::ecs::page::{Order, page};
use crate::ecs::record::TASK_DEFINITIONS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Lists revisions, ordered by family and number.
impl Resolve for api::ListTaskDefinitions {
    type Request = Checked<api::ListTaskDefinitionsRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("ecs:ListTaskDefinitions")))
    }
}

impl ReadHandler for api::ListTaskDefinitions {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (home, input) = (home(cx), &request.request);
        let rows = match input.family_prefix.as_deref() {
            Some(family) => view.list(&TASK_DEFINITIONS, (home.account, home.region, family))?,
            None => view.list(&TASK_DEFINITIONS, (home.account, home.region))?,
        };
        let status = input.status.clone().unwrap_or(TaskDefinitionStatus::Active);
        let kept = rows.into_iter().filter(|(_, row)| row.definition.status.as_ref() == Some(&status));
        let mut names: Vec<(String, u32)> =
            kept.map(|((_, _, family, revision), _)| (family, revision)).collect();
        let order = if input.sort == Some(SortOrder::Desc) { Order::Descending } else { Order::Ascending };
        if order == Order::Descending {
            names.reverse();
        }
        // Sorts as the pair does: no letter of a family's name is as low as the zero byte.
        let key = |(family, revision): &(String, u32)| format!("{family}\0{revision:010}");
        let page = page(names, key, order, input.next_token.as_deref(), input.max_results)?;
        let arn = |(family, revision): (String, u32)| home.task_definition(&family, revision).to_string();
        Ok(api::ListTaskDefinitionsResponse {
            task_definition_arns: Some(page.items.into_iter().map(arn).collect()),
            next_token: page.next_token,
        })
    }
}
