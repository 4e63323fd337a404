use landfall_api::ecs as api;
use landfall_store::View;

use super::put_account_setting::{principal, row_key, shown};
use crate::ecs::page::{Order, page};
use crate::ecs::record::ACCOUNT_SETTINGS;
use crate::ecs::rules::account_setting::SETTINGS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Lists a principal's account settings: its own, or with `effectiveSettings` all that hold for it.
impl Resolve for api::ListAccountSettings {
    type Request = Checked<api::ListAccountSettingsRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("ecs:ListAccountSettings")))
    }
}

impl ReadHandler for api::ListAccountSettings {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = &request.request;
        let principal = principal(cx, input.principal_arn.as_deref())?;
        let mut settings = Vec::new();
        for (name, _, default) in &SETTINGS {
            let value = value(cx, view, &principal, name, default, input.effective_settings == Some(true))?;
            let named = input.name.as_ref().is_none_or(|wanted| wanted == name);
            let valued = input.value.as_ref().is_none_or(|wanted| Some(wanted) == value.as_ref());
            if let Some(value) = value.filter(|_| named && valued) {
                settings.push(shown(name.clone(), value, principal.clone()));
            }
        }
        let key =
            |it: &api::Setting| it.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let size = input.max_results.map(|size| size.min(100));
        let page = page(settings, key, Order::Ascending, input.next_token.as_deref(), size)?;
        Ok(api::ListAccountSettingsResponse { settings: Some(page.items), next_token: page.next_token })
    }
}

fn value(
    cx: &Context<'_>,
    view: &View,
    principal: &str,
    name: &api::SettingName,
    default: &str,
    effective: bool,
) -> Result<Option<String>, Failure> {
    let (account, region) = (cx.account(), cx.region());
    let own = view.get(&ACCOUNT_SETTINGS, &(account, region, row_key(cx, principal), name.as_str()))?;
    if own.is_some() || !effective {
        return Ok(own.map(|value| String::clone(&value)));
    }
    let account_wide = view.get(&ACCOUNT_SETTINGS, &(account, region, "", name.as_str()))?;
    Ok(Some(account_wide.map_or_else(|| default.to_owned(), |value| String::clone(&value))))
}
