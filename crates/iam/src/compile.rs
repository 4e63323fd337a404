//! Statements in the form that requests are compared with. Private, so that it can change.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::arn_match::{ArnLiteral, ArnPattern};
use crate::choices::Choice;
use crate::condition::Condition;
use crate::document::{self, Document, PrincipalEntry, PrincipalKind, Version};
use crate::error::PolicyErrorReason as Reason;
use crate::pattern::{Case, Pattern, Syntax};
use crate::policy::PolicyKind;
use crate::principal::strip_prefix_ignore_case;
use crate::principal_match::{PrincipalPattern, Principals, Strength};
use crate::request::Target;

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) denies: bool,
    pub(crate) principals: Option<Principals>,
    /// Shared with other statements that list the same.
    pub(crate) actions: Arc<Selection<ActionPattern>>,
    /// `None`: the resource that the policy is attached to.
    pub(crate) resources: Option<Selection<ResourcePattern>>,
    /// Shared with other statements that say the same.
    pub(crate) conditions: Arc<[Condition]>,
}

/// Elements that occur several times in a policy are kept once: with thousands of statements it matters how much
/// memory a decision touches.
#[derive(Default)]
struct Shared<'a> {
    actions: HashMap<(bool, &'a [String]), Arc<Selection<ActionPattern>>>,
    conditions: HashMap<Vec<WrittenCondition<'a>>, Arc<[Condition]>>,
}

/// Operator, key and values.
type WrittenCondition<'a> = (&'a str, &'a str, &'a [String]);

impl<'a> Shared<'a> {
    fn actions(&mut self, written: &'a document::Selection<String>) -> Arc<Selection<ActionPattern>> {
        let compile = || Arc::new(select(written, |text: &String| ActionPattern::compile(text)));
        self.actions.entry((written.not, &written.entries)).or_insert_with(compile).clone()
    }

    fn conditions(&mut self, written: &'a [document::Condition], variables: bool) -> Arc<[Condition]> {
        let key = written.iter().map(|it| (it.operator.name.as_ref(), it.key.as_str(), it.values.as_slice()));
        let compile = || written.iter().map(|it| Condition::compile(it, variables)).collect();
        self.conditions.entry(key.collect()).or_insert_with(compile).clone()
    }
}

#[derive(Debug)]
pub(crate) struct Selection<T> {
    pub(crate) not: bool,
    pub(crate) patterns: Box<[T]>,
}

#[derive(Debug)]
pub(crate) struct ActionPattern {
    pub(crate) text: Box<str>,
    form: ActionForm,
}

/// How the text of an action is to be read.
#[derive(Debug)]
enum ActionForm {
    Everything,
    /// As it is.
    Exact,
    /// Without the `*` at its end.
    Prefix,
    /// The service, and the name with wildcards in it.
    Parts(Box<str>, Pattern),
    /// No action looks like this.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct ResourcePattern {
    pub(crate) text: Box<str>,
    arn: ArnPattern,
}

/// Whether a principal is one that AWS keeps by its unique id: a user or a role, by ARN or by the id itself; or an account,
/// by its canonical user id.
pub(crate) fn has_unique_id(entry: &PrincipalEntry) -> bool {
    if entry.kind != PrincipalKind::Aws {
        return entry.kind == PrincipalKind::CanonicalUser;
    }
    let Ok(arn) = entry.value.parse::<landfall_base::Arn>() else { return is_unique_id(&entry.value) };
    let named = arn.resource().starts_with("user/") || arn.resource().starts_with("role/");
    arn.service() == "iam" && named
}

/// Whether a text is a unique id of a user or role.
pub(crate) fn is_unique_id(text: &str) -> bool {
    text.starts_with("AIDA") || text.starts_with("AROA")
}

pub(crate) fn statements(
    document: &Document,
    kind: PolicyKind,
    ids: &BTreeMap<String, String>,
) -> Result<Box<[Statement]>, Reason> {
    let variables = document.version == Version::V2012;
    let mut shared = Shared::default();
    let compile = |statement| {
        let mut statement = Statement::compile(statement, variables, ids, &mut shared)?;
        if !kind.is_attached_to_principal() && !statement.denies {
            // An Allow that names nobody is refused when it is written; should one have been stored, it is for nobody.
            statement.principals.get_or_insert_with(Principals::nobody);
        }
        Ok(statement)
    };
    document.statements.iter().map(compile).collect()
}

impl Statement {
    fn compile<'a>(
        statement: &'a document::Statement,
        variables: bool,
        ids: &BTreeMap<String, String>,
        shared: &mut Shared<'a>,
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
            actions: shared.actions(actions),
            resources: statement.resource.as_ref().map(|it| select(it, resource)),
            conditions: shared.conditions(&statement.conditions, variables),
        })
    }

    /// How strongly the statement speaks about this request; `None` if an element does not match.
    pub(crate) fn applies(&self, target: &Target<'_>) -> Option<Strength> {
        if !self.matches_action(target) || !self.matches_resource(target) {
            return None;
        }
        let strength = self.matches_principal(target)?;
        self.conditions.iter().all(|condition| condition.holds(target)).then_some(strength)
    }

    pub(crate) fn matches_action(&self, target: &Target<'_>) -> bool {
        self.actions.matches(target)
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
        let form = match text.split_once(':') {
            _ if text == "*" => ActionForm::Everything,
            None => ActionForm::Nothing,
            Some((service, name)) => match Pattern::compile(name, syntax) {
                Pattern::Exact(_) => ActionForm::Exact,
                Pattern::Everything | Pattern::Prefix(_) if !name.ends_with("**") => ActionForm::Prefix,
                pattern => ActionForm::Parts(service.into(), pattern),
            },
        };
        Self { text: text.into(), form }
    }

    /// The text that every matching action begins with, and whether it is all of it; `None` for `*`.
    pub(crate) fn literal(&self) -> Option<(Cow<'_, str>, bool)> {
        match &self.form {
            ActionForm::Everything => None,
            ActionForm::Exact | ActionForm::Nothing => Some((self.text.as_ref().into(), true)),
            ActionForm::Prefix => Some((self.prefix().into(), false)),
            ActionForm::Parts(service, name) => {
                Some((format!("{service}:{}", name.literal().0).into(), false))
            }
        }
    }

    fn prefix(&self) -> &str {
        self.text.strip_suffix('*').unwrap_or(&self.text)
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        let action = target.request.action;
        match &self.form {
            ActionForm::Everything => true,
            ActionForm::Exact => self.text.eq_ignore_ascii_case(action),
            ActionForm::Prefix => strip_prefix_ignore_case(action, self.prefix()).is_some(),
            ActionForm::Parts(service, name) => {
                service.eq_ignore_ascii_case(target.service)
                    && name.matches(target.action_name, Case::Insensitive, target.request) == Ok(true)
            }
            ActionForm::Nothing => false,
        }
    }
}

impl Selection<ActionPattern> {
    pub(crate) fn matches(&self, target: &Target<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(target)) != self.not
    }
}

impl ResourcePattern {
    pub(crate) fn literal(&self) -> ArnLiteral<'_> {
        self.arn.literal()
    }

    pub(crate) fn literal_parts(&self) -> Option<(&str, &str, bool)> {
        self.arn.literal_parts()
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
        if self.not { !any && (!unresolved || Choice::UnresolvedNotResourceApplies.holds()) } else { any }
    }
}
