//! The parameter that a request is about, whether it exists or not, and the checks against it.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::names::Name;
use super::record::{PARAMETERS, Parameter};
use super::rules;
use crate::pipe::{Context, Failure, Permission};

/// What a name stands for.
#[derive(Debug, Clone)]
pub struct Target {
    pub(super) name: Name,
    parameter: Option<Arc<Parameter>>,
}

impl Target {
    /// Looks a parameter up by name or ARN.
    ///
    /// # Errors
    /// `ValidationException` for what can be no name.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Self, Failure> {
        Self::at(cx, view, Name::parse(name, cx.account(), cx.region())?)
    }

    /// The parameter of a name.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn at(cx: &Context<'_>, view: &View, name: Name) -> Result<Self, Failure> {
        let here = name.key.1 == *cx.region() && name.arn.partition() == cx.region().partition();
        let parameter = if here { view.get(&PARAMETERS, &name.key)? } else { None };
        Ok(Self { name, parameter })
    }

    /// A check against the parameter, with its tags.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let permission = Permission::on(action, &self.name.arn);
        let Some(parameter) = &self.parameter else { return permission };
        let permission = permission.with_resource_tags(parameter.tags());
        parameter.tags().fold(permission, |permission, (key, value)| {
            permission.with(format!("ssm:resourceTag/{key}"), value)
        })
    }

    /// The parameter, if there is one.
    pub(super) fn parameter(&self) -> Option<&Arc<Parameter>> {
        self.parameter.as_ref()
    }

    /// The parameter.
    ///
    /// # Errors
    /// `ParameterNotFound`
    pub(super) fn existing(&self) -> Result<&Arc<Parameter>, ServiceError> {
        self.parameter.as_ref().ok_or_else(rules::not_found)
    }
}

/// The name of a parameter that was asked for without the slash that it has, or with one that it has not; what stands
/// behind a colon stays.
pub(crate) fn nearly_named(view: &View, account: &AccountId, region: &Region, asked: &str) -> Option<String> {
    let asked = asked.trim();
    let name = Name::parse(asked, account, region).ok().filter(|_| !asked.starts_with("arn:"))?;
    let there = view.get(&PARAMETERS, &name.key).ok()??;
    let selector = name.selector.map(|it| format!(":{it}")).unwrap_or_default();
    (there.name != name.text).then(|| format!("{}{selector}", there.name))
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    if !arn.resource().starts_with("parameter/") {
        return Ok(None);
    }
    let target = Target::find(cx, view, arn.as_str());
    Ok(target.ok().map(|target| target.permission("ssm:GetParameter")))
}
