//! A parameter's value by name and selector, for the operations that read values.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::View;

use super::record::Version;
use super::reference::Reference;
use super::target::Target;
use super::{encryption, names, rules, versions, view};
use crate::pipe::{Context, Failure, Permission};

/// What a name reads from.
#[derive(Debug)]
pub(super) enum Source {
    /// A parameter of the store.
    Parameter(Target),
    /// A secret.
    Secret(Box<Reference>),
}

impl Source {
    /// Looks a name up.
    ///
    /// # Errors
    /// `ValidationException` for what can be no name, and for secrets that are not to be decrypted.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str, decrypt: bool) -> Result<Self, Failure> {
        let name = names::Name::parse(name, cx.account(), cx.region())?;
        match name.secret() {
            Some(_) => Ok(Self::Secret(Box::new(Reference::find(cx, view, name, decrypt)?))),
            None => Ok(Self::Parameter(Target::at(cx, view, name)?)),
        }
    }

    /// The checks for reading it.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn permissions(
        &self,
        cx: &Context<'_>,
        view: &View,
        action: &'static str,
        decrypt: bool,
    ) -> Result<Vec<Permission>, Failure> {
        match self {
            Self::Secret(reference) => reference.permissions(cx, view, action),
            Self::Parameter(target) => {
                let mut permissions = vec![target.permission(action)];
                if decrypt && let Ok((_, version)) = choose(view, target) {
                    permissions.extend(encryption::read_permission(
                        cx,
                        view,
                        &target.name.arn,
                        &version.content,
                    )?);
                }
                Ok(permissions)
            }
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// `ParameterNotFound`, `ParameterVersionNotFound`, `InvalidKeyId`
    pub(super) fn read(
        &self,
        cx: &Context<'_>,
        view: &View,
        decrypt: bool,
    ) -> Result<api::Parameter, Failure> {
        match self {
            Self::Secret(reference) => reference.read(cx, view),
            Self::Parameter(target) => {
                let (number, version) = choose(view, target)?;
                let arn = &target.name.arn;
                let value = if decrypt {
                    encryption::open(cx, view, arn, number, &version.content)?
                } else {
                    encryption::shown(&version.content)
                };
                let selector = target.name.selector.as_deref();
                Ok(view::parameter(&target.existing()?.name, arn, number, &version, value, selector))
            }
        }
    }
}

/// The version that a name with its selector stands for.
///
/// # Errors
/// `ParameterNotFound`, `ParameterVersionNotFound`
pub(super) fn choose(view: &View, target: &Target) -> Result<(u64, Arc<Version>), Failure> {
    let parameter = target.existing()?;
    let number = match target.name.selector.as_deref() {
        None => Some(parameter.newest),
        Some(selector) if selector.contains(':') => return Err(rules::not_found().into()),
        Some(selector) => match selector.parse() {
            Ok(number) => Some(number),
            Err(_) => parameter.labels.get(selector).copied(),
        },
    };
    let found = match number {
        Some(number) => versions::get(view, &target.name.key, number)?.map(|version| (number, version)),
        None => None,
    };
    found.ok_or_else(|| {
        rules::no_version(target.name.selector.as_deref().unwrap_or_default(), &target.name.text).into()
    })
}
