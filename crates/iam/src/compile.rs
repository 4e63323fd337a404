//! Statements in the form that requests are compared with. Private, so that it can change.

use std::collections::BTreeMap;

use crate::arn_match::{ArnLiteral, ArnPattern};
use crate::choices;
use crate::condition::Condition;
use crate::document::{self, Document, PrincipalEntry, PrincipalKind, Version};
use crate::error::PolicyErrorReason as Reason;
use crate::pattern::{Case, Pattern, Syntax};
use crate::policy::PolicyKind;
use crate::principal_match::{PrincipalPattern, Principals, Strength};
use crate::request::Target;

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) denies: bool,
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Selection<ActionPattern>,
    /// `None`: the resource that the policy is attached to.
    pub(crate) resources: Option<Selection<ResourcePattern>>,
    pub(crate) conditions: Box<[Condition]>,
}

#[derive(Debug)]
pub(crate) struct Selection<T> {
    pub(crate) not: bool,
    pub(crate) patterns: Box<[T]>,
}

#[derive(Debug)]
pub(crate) struct ActionPattern {
    pub(crate) text: Box<str>,
    /// `None` for `*`.
    parts: Option<(Box<str>, Pattern)>,
}

#[derive(Debug)]
pub(crate) struct ResourcePattern {
    pub(crate) text: Box<str>,
    arn: ArnPattern,
}

/// Whether a principal is one that AWS replaces by its unique id: a user or a role, by ARN.
pub(crate) fn has_unique_id(entry: &PrincipalEntry) -> bool {
    let Ok(arn) = entry.value.parse::<landfall_base::Arn>() else { return false };
    let named = arn.resource().starts_with("user/") || arn.resource().starts_with("role/");
    entry.kind == PrincipalKind::Aws && arn.service() == "iam" && named
}

pub(crate) fn statements(
    document: &Document,
    kind: PolicyKind,
    ids: &BTreeMap<String, String>,
) -> Result<Box<[Statement]>, Reason> {
    let variables = document.version == Version::V2012;
    let compile = |statement| {
        let mut statement = Statement::compile(statement, variables, ids)?;
        if !kind.is_attached_to_principal() && !statement.denies {
            // An Allow that names nobody is refused when it is written; should one have been stored, it is for nobody.
            statement.principals.get_or_insert_with(Principals::nobody);
        }
        Ok(statement)
    };
    document.statements.iter().map(compile).collect()
}

impl Statement {
    fn compile(
        statement: &document::Statement,
        variables: bool,
        ids: &BTreeMap<String, String>,
    ) -> Result<Self, Reason> {
        let denies = match statement.effect.as_str() {
            "Allow" => false,
            "Deny" => true,
            _ => return Err(Reason::Legacy),
        };
        let actions = statement.action.as_ref().ok_or(Reason::NoAction)?;
        let resource = |text: &String| ResourcePattern {
            text: text.as_str().into(),
            arn: ArnPattern::resource(text, variables),
        };
        let principal = |entry: &PrincipalEntry| PrincipalPattern::compile(entry, ids);
        Ok(Self {
            sid: statement.sid.as_deref().map(Into::into),
            denies,
            principals: statement.principal.as_ref().map(|it| Principals(select(it, principal))),
            actions: select(actions, |text: &String| ActionPattern::compile(text)),
            resources: statement.resource.as_ref().map(|it| select(it, resource)),
            conditions: statement.conditions.iter().map(|it| Condition::compile(it, variables)).collect(),
        })
    }

    /// How strongly the statement speaks about this request; `None` if an element does not match.
    pub(crate) fn applies(&self, target: &Target<'_>) -> Option<Strength> {
        if !self.matches_action(target) || !self.matches_resource(target) {
            return None;
        }
        let strength = self.matches_principal(target)?;
        self.conditions.iter().all(|condition| condition.holds(target.request)).then_some(strength)
    }

    pub(crate) fn matches_action(&self, target: &Target<'_>) -> bool {
        self.actions.patterns.iter().any(|pattern| pattern.matches(target)) != self.actions.not
    }

    pub(crate) fn matches_resource(&self, target: &Target<'_>) -> bool {
        self.resources.as_ref().is_none_or(|resources| resources.matches(target))
    }

    /// Policies without a `Principal` are attached to the caller.
    pub(crate) fn matches_principal(&self, target: &Target<'_>) -> Option<Strength> {
        match &self.principals {
            None => Some(Strength::Direct),
            Some(principals) => principals.matches(target, self.denies),
        }
    }
}

fn select<T, U>(selection: &document::Selection<T>, compile: impl Fn(&T) -> U) -> Selection<U> {
    Selection { not: selection.not, patterns: selection.entries.iter().map(compile).collect() }
}

impl ActionPattern {
    fn compile(text: &str) -> Self {
        let syntax = Syntax { wildcards: true, variables: false };
        let parts = match text.split_once(':') {
            _ if text == "*" => None,
            Some((service, name)) => Some((service.into(), Pattern::compile(name, syntax))),
            // No service is called by the empty name: such a pattern matches nothing.
            None => Some(("\0".into(), Pattern::compile(text, syntax))),
        };
        Self { text: text.into(), parts }
    }

    /// The text that every matching action begins with, and whether it is all of it; `None` for `*`.
    pub(crate) fn literal(&self) -> Option<(String, bool)> {
        let (service, name) = self.parts.as_ref()?;
        let (text, whole) = name.literal();
        Some((format!("{service}:{text}"), whole))
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        let Some((service, name)) = &self.parts else { return true };
        service.eq_ignore_ascii_case(target.service)
            && name.matches(target.action_name, Case::Insensitive, target.request) == Ok(true)
    }
}

impl ResourcePattern {
    pub(crate) fn literal(&self) -> ArnLiteral<'_> {
        self.arn.literal()
    }
}

impl Selection<ResourcePattern> {
    fn matches(&self, target: &Target<'_>) -> bool {
        let mut unresolved = false;
        let any = self.patterns.iter().any(|pattern| {
            let matched = pattern.arn.matches(target.arn.as_ref(), target.request);
            unresolved |= matched.is_err();
            matched == Ok(true)
        });
        if self.not { !any && (!unresolved || choices::UNRESOLVED_NOT_RESOURCE_APPLIES) } else { any }
    }
}
