//! A repository policy with one statement more or one less, and nothing else changed.

use serde_json::{Map, Value, json};

use crate::error::CliError;

/// What ECR's own console writes for new policies.
const VERSION: &str = "2008-10-17";

/// What to do with a policy that somebody has put into another one, or behind it.
const MERGE: &str = "put only what is in the inner `Statement` there, side by side with the other statements; the example of the \
                     Lightsail User Guide for a repository that has a policy already leads to this, `landfall lightsail \
                     allow-ecr` does it right";

/// A repository policy. Order and spelling of what was there are kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RepositoryPolicy(Map<String, Value>);

impl RepositoryPolicy {
    /// A policy without a statement.
    pub(crate) fn empty() -> Self {
        let mut policy = Map::new();
        policy.insert("Version".to_owned(), VERSION.into());
        policy.insert("Statement".to_owned(), json!([]));
        Self(policy)
    }

    /// Reads a policy: the document, the document escaped as the AWS CLI shows it in `policyText` (with its quotes or without
    /// them), or that whole answer.
    ///
    /// # Errors
    /// It is none of these, or a whole policy stands where a statement should.
    pub(crate) fn read(text: &str) -> Result<Self, CliError> {
        let mut value = parse(text.trim())?;
        if let Some(inner) = value.get_mut("policyText") {
            value = inner.take();
        }
        if let Value::String(escaped) = &value {
            return Self::read(escaped);
        }
        match value {
            Value::Object(policy) if policy.contains_key("Statement") => Self(policy).checked(),
            _ => Err(CliError::new("the repository policy is no policy: it has no `Statement`")),
        }
    }

    fn checked(self) -> Result<Self, CliError> {
        let nested = |it: &&Value| it.get("Statement").is_some() || it.get("Version").is_some();
        match self.statements().iter().position(nested) {
            None => Ok(self),
            Some(at) => Err(CliError::new(format!(
                "statement {} of the policy is a whole policy: a policy cannot stand within another one's `Statement`",
                at + 1
            ))
            .hint(MERGE)),
        }
    }

    /// Its statements.
    pub(crate) fn statements(&self) -> Vec<&Value> {
        match self.0.get("Statement") {
            Some(Value::Array(all)) => all.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        }
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.statements().is_empty()
    }

    /// With this statement, in place of one with the same `Sid` if there is one.
    #[must_use]
    pub(crate) fn with(&self, statement: Value) -> Self {
        let sid = statement.get("Sid").cloned();
        let mut statements: Vec<Value> = self.statements().into_iter().cloned().collect();
        match statements.iter_mut().find(|it| sid.is_some() && it.get("Sid") == sid.as_ref()) {
            Some(there) => *there = statement,
            None => statements.push(statement),
        }
        self.of(statements)
    }

    /// Without the statement that has this `Sid`.
    #[must_use]
    pub(crate) fn without(&self, sid: &str) -> Self {
        let named = |it: &Value| it.get("Sid").and_then(Value::as_str) == Some(sid);
        self.of(self.statements().into_iter().filter(|it| !named(it)).cloned().collect())
    }

    /// With this statement, in place of the one that was made for the same principal under the same `Sid`, if there is one.
    /// Another principal may have that `Sid`: names that differ in punctuation alone have one.
    #[must_use]
    pub(crate) fn granting(&self, mut statement: Value) -> Self {
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let principal = statement.get("Principal").cloned().unwrap_or_default();
        let mut statements: Vec<Value> = self.statements().into_iter().cloned().collect();
        if let Some(there) = statements.iter_mut().find(|it| is_made(it, &sid, &principal)) {
            statement["Sid"] = there["Sid"].clone();
            *there = statement;
        } else {
            let taken =
                |sid: &str| statements.iter().any(|it| it.get("Sid").and_then(Value::as_str) == Some(sid));
            let numbered = (2..).map(|number| format!("{sid}-{number}"));
            if let Some(free) = std::iter::once(sid.clone()).chain(numbered).find(|sid| !taken(sid)) {
                statement["Sid"] = free.into();
            }
            statements.push(statement);
        }
        self.of(statements)
    }

    /// Without the statements that were made for a principal under one of these `Sid`s, and without it in the others that let
    /// it in: where others are named beside it, they stay.
    #[must_use]
    pub(crate) fn revoking(&self, sids: &[String], principal: &Value) -> Self {
        let made = |it: &Value| sids.iter().any(|sid| is_made(it, sid, principal));
        let rest = self.statements().into_iter().filter(|it| !made(it));
        self.of(rest.filter_map(|it| shutting_out(it, principal)).collect())
    }

    /// Without users and roles that are no more, and those ids. ECR shows them by their unique ids and takes no policy that names
    /// one; nobody else can ever be meant. What would let in or keep out all but them stays.
    #[must_use]
    pub(crate) fn without_the_gone(&self) -> (Self, Vec<String>) {
        let (mut statements, mut gone) = (Vec::new(), Vec::new());
        for statement in self.statements() {
            let mut ids = Vec::new();
            let rest = naming(statement, "Principal", |it| !is_gone(it) || note(&mut ids, it));
            gone.append(&mut ids);
            statements.extend(rest);
        }
        (self.of(statements), gone)
    }

    fn of(&self, statements: Vec<Value>) -> Self {
        let mut policy = self.0.clone();
        policy.insert("Statement".to_owned(), Value::Array(statements));
        Self(policy)
    }

    /// As it is written into the repository.
    pub(crate) fn text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// For people: one thing a line.
    pub(crate) fn lines(&self) -> String {
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        format!("{text}\n")
    }
}

fn note(ids: &mut Vec<String>, id: &str) -> bool {
    ids.push(id.to_owned());
    false
}

/// What AWS shows of a user or role that is no more.
fn is_gone(principal: &str) -> bool {
    principal.starts_with("AIDA") || principal.starts_with("AROA")
}

/// A statement without the principals that `stays` does not want; `None` if nobody is left whom it is about.
fn naming(statement: &Value, element: &str, mut stays: impl FnMut(&str) -> bool) -> Option<Value> {
    let mut statement = statement.clone();
    let Some(named) = statement.get_mut(element).and_then(Value::as_object_mut) else {
        return Some(statement);
    };
    named.retain(|kind, who| match who {
        _ if kind != "AWS" && kind != "Service" => true,
        Value::String(one) => stays(one),
        Value::Array(several) => {
            let before = several.len();
            several.retain(|one| one.as_str().is_none_or(&mut stays));
            !several.is_empty() || before == 0
        }
        _ => true,
    });
    (!named.is_empty()).then_some(statement)
}

/// A statement that does not let a principal in; `None` if it let in nobody else.
fn shutting_out(statement: &Value, principal: &Value) -> Option<Value> {
    let meant = ["AWS", "Service"].iter().find_map(|kind| principal.get(*kind)?.as_str());
    let Some(meant) = meant.filter(|_| statement.get("Effect").is_some_and(|it| it == "Allow")) else {
        return Some(statement.clone());
    };
    naming(statement, "Principal", |it| account_of(it) != account_of(meant))
}

/// The root user's ARN means the account.
pub(super) fn account_of(principal: &str) -> &str {
    let account = principal.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    account.unwrap_or(principal)
}

/// Whether a statement was made for a principal under a `Sid`, or that with a number behind it.
fn is_made(statement: &Value, sid: &str, principal: &Value) -> bool {
    let named = statement.get("Sid").and_then(Value::as_str).and_then(|own| own.strip_prefix(sid));
    let numbered = |rest: &str| {
        rest.strip_prefix('-').is_some_and(|it| it.len() < 4 && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    named.is_some_and(|rest| rest.is_empty() || numbered(rest))
        && is_same(statement.get("Principal"), principal)
}

/// Whether a principal of a stored policy is the one that is meant. Of a user or role that is no more AWS shows the unique id.
fn is_same(stored: Option<&Value>, meant: &Value) -> bool {
    let Some(stored) = stored else { return false };
    let gone = |it: &Value| it.get("AWS").and_then(Value::as_str).is_some_and(is_gone);
    stored == meant || gone(stored)
}

fn parse(text: &str) -> Result<Value, CliError> {
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // What stands between the quotes of `policyText`, as the Lightsail User Guide has people copy it.
    if let Ok(inner) = serde_json::from_str::<String>(&format!("\"{text}\""))
        && inner.trim_start().starts_with('{')
        // A text that nothing was escaped in would be read again for ever.
        && inner.len() < text.len()
    {
        return parse(inner.trim());
    }
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first = documents.next().is_some_and(|first| first.is_ok_and(|first| first.is_object()));
    let rest = text.get(documents.byte_offset()..).unwrap_or_default().trim_start();
    if first && rest.trim_start_matches(',').trim_start().starts_with('{') {
        return Err(CliError::new(
            "a second policy stands behind the repository policy: only one can be there",
        )
        .hint(MERGE));
    }
    Err(CliError::new(format!("the repository policy is not JSON: {error}")))
}

/// What becomes of the policy, line by line: `-` goes, `+` comes. Empty if nothing changes.
pub(crate) fn difference(before: Option<&RepositoryPolicy>, after: Option<&RepositoryPolicy>) -> String {
    let lines = |policy: Option<&RepositoryPolicy>| policy.map(RepositoryPolicy::lines).unwrap_or_default();
    let (before, after) = (lines(before), lines(after));
    let diff = similar::TextDiff::from_lines(&before, &after);
    diff.unified_diff().context_radius(3).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sid: &str, principal: &str) -> Value {
        json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:BatchGetImage"})
    }

    #[test]
    fn the_rest_stays_as_it_is() {
        let text = r#"{"Version":"2012-10-17","Id":"mine","Statement":{"Sid":"a","Effect":"Deny","Principal":"*","Action":["ecr:*"]}}"#;
        let policy = RepositoryPolicy::read(text).unwrap();
        let more = policy.with(statement("b", "111122223333"));
        assert_eq!(
            more.text(),
            r#"{"Version":"2012-10-17","Id":"mine","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*","Action":["ecr:*"]},{"Sid":"b","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"ecr:BatchGetImage"}]}"#
        );
        let other = more.with(statement("b", "444455556666"));
        assert_eq!(other.statements().len(), 2, "the statement of that name is replaced");
        let less = other.without("b");
        assert_eq!(less.statements(), policy.statements());
        assert!(less.without("a").is_empty());
    }

    #[test]
    fn half_a_text_is_no_policy() {
        for text in ["{", r#""{""#, r#""\"{\"""#, "", "\"", r#"{\"Version\":"#] {
            assert!(RepositoryPolicy::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_grant_belongs_to_its_principal_though_others_are_called_alike() {
        let principal = |name: &str| json!({"AWS": format!("arn:aws:iam::111122223333:role/{name}")});
        let grant = |name: &str| json!({"Sid": "s", "Effect": "Allow", "Principal": principal(name), "Action": "a:b"});
        let sids = |policy: &RepositoryPolicy| -> Vec<String> {
            policy.statements().iter().map(|it| it["Sid"].as_str().unwrap().to_owned()).collect()
        };
        let both = RepositoryPolicy::empty().granting(grant("ci-prod")).granting(grant("ci_prod"));
        assert_eq!(sids(&both), ["s", "s-2"]);
        assert_eq!(both.granting(grant("ci_prod")), both, "the same once more changes nothing");
        let wanted = ["s".to_owned()];
        assert_eq!(
            both.revoking(&wanted, &principal("ci.prod")),
            both,
            "who was never let in is not put out"
        );
        let one = both.revoking(&wanted, &principal("ci-prod"));
        assert_eq!(sids(&one), ["s-2"]);
        assert!(one.revoking(&wanted, &principal("ci_prod")).is_empty());
    }

    #[test]
    fn one_of_several_is_put_out_alone() {
        let user = |name: &str| format!("arn:aws:iam::111122223333:user/{name}");
        let policy = |principal: Value, effect: &str| {
            let statement =
                json!({"Sid": "mine", "Effect": effect, "Principal": principal, "Action": "ecr:ListImages"});
            RepositoryPolicy::empty().with(statement)
        };
        let left = |policy: &RepositoryPolicy, who: Value| {
            let rest = policy.revoking(&["AllowPull-x".to_owned()], &who);
            rest.statements().first().map(|it| it["Principal"].clone())
        };
        let ann = || json!({"AWS": user("ann")});
        let both = policy(json!({"AWS": [user("ann"), user("bob")]}), "Allow");
        assert_eq!(left(&both, ann()), Some(json!({"AWS": [user("bob")]})));
        assert_eq!(
            left(&both, json!({"AWS": user("eve")})),
            Some(json!({"AWS": [user("ann"), user("bob")]}))
        );
        assert_eq!(left(&policy(ann(), "Allow"), ann()), None);
        let with_service = policy(json!({"AWS": user("ann"), "Service": "lambda.amazonaws.com"}), "Allow");
        assert_eq!(left(&with_service, ann()), Some(json!({"Service": "lambda.amazonaws.com"})));
        let account = policy(json!({"AWS": ["111122223333", user("bob")]}), "Allow");
        let root = json!({"AWS": "arn:aws:iam::111122223333:root"});
        assert_eq!(left(&account, root), Some(json!({"AWS": [user("bob")]})));
        for kept in [policy(ann(), "Deny"), policy(json!("*"), "Allow")] {
            assert_eq!(kept.revoking(&[], &ann()), kept, "who is kept out, or is not named, stays so");
        }
    }

    #[test]
    fn who_is_gone_goes_and_nobody_else() {
        let user = "arn:aws:iam::111122223333:user/ann";
        let read = |principals: Value| {
            let policy = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": ["AIDAGONE", user]}, "Action": "ecr:ListImages"},
                {"Effect": "Allow", "Principal": {"AWS": "AROAGONE"}, "Action": "ecr:ListImages"},
                {"Effect": "Deny", "Principal": principals, "Action": "ecr:ListImages"},
            ]});
            RepositoryPolicy::read(&policy.to_string()).unwrap()
        };
        let (rest, gone) = read(json!("*")).without_the_gone();
        assert_eq!(gone, ["AIDAGONE", "AROAGONE"]);
        let principals: Vec<_> = rest.statements().iter().map(|it| it["Principal"].clone()).collect();
        assert_eq!(principals, [json!({"AWS": [user]}), json!("*")]);
        let (again, gone) = rest.without_the_gone();
        assert_eq!((again == rest, gone.is_empty()), (true, true));
    }

    #[test]
    fn every_form_in_which_the_cli_shows_a_policy_is_read() {
        let plain = RepositoryPolicy::empty().with(statement("a", "1")).text();
        let escaped = Value::from(plain.as_str()).to_string();
        let answer = json!({"registryId": "1", "repositoryName": "r", "policyText": plain}).to_string();
        let between_quotes = escaped.trim_matches('"').replace('{', "{\\n  ");
        for text in [&plain, &escaped, &answer, &between_quotes] {
            assert_eq!(RepositoryPolicy::read(text).unwrap().text(), plain, "{text}");
        }
    }

    #[test]
    fn a_policy_within_a_statement_is_refused_with_a_hint() {
        let inner = RepositoryPolicy::empty().with(statement("b", "1")).text();
        let text = format!(r#"{{"Version":"2008-10-17","Statement":[{},{inner}]}}"#, statement("a", "1"));
        let refused = RepositoryPolicy::read(&text).unwrap_err().text();
        assert!(refused.contains("statement 2 of the policy is a whole policy"), "{refused}");
        assert!(refused.contains("hint: put only what is in the inner `Statement`"), "{refused}");
        let appended = format!("{}\n, {inner}", RepositoryPolicy::empty().text());
        let refused = RepositoryPolicy::read(&appended).unwrap_err().text();
        assert!(refused.contains("a second policy stands behind the repository policy"), "{refused}");
        assert!(refused.contains("hint: put only what is in the inner `Statement`"), "{refused}");
        for text in ["", "[]", "{}", "\"x\"", "{\"policyText\": 1}"] {
            assert!(RepositoryPolicy::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_difference_is_shown_line_by_line() {
        let before = RepositoryPolicy::empty().with(statement("a", "1"));
        let after = before.with(statement("b", "2"));
        let shown = difference(Some(&before), Some(&after));
        assert!(shown.contains("+      \"Sid\": \"b\","), "{shown}");
        assert!(!shown.contains("-      \"Sid\": \"a\""), "{shown}");
        assert_eq!(difference(Some(&before), Some(&before)), "");
    }
}
