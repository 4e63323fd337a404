//! The users and roles that a policy names: bound to their unique ids when it is written, shown under the ARNs that they
//! have when it is read.

use std::collections::BTreeMap;

use landfall_base::{AccountId, Arn};
use landfall_iam::{Policy, PolicyError, PolicyKind, ResourceService};
use landfall_store::{StoreError, View};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::iam::accounts;
use crate::iam::record::{ROLES, USERS, key_name};
use crate::s3::names::canonical_user;

/// Binds a policy to the users and roles it names, by ARN or unique id, which must exist: not to their names.
///
/// # Errors
/// A row cannot be read. The inner error is about a principal that does not exist.
pub(crate) fn bind(view: &View, policy: &Policy) -> Result<Result<Policy, PolicyError>, StoreError> {
    let mut unreadable = None;
    let bound = policy.resolve_principals(|written| {
        resolved(view, policy.kind(), written).unwrap_or_else(|error| {
            unreadable = Some(error);
            None
        })
    });
    match unreadable {
        Some(error) => Err(error),
        None => Ok(bound),
    }
}

/// The unique id of a user or role that is there, named by ARN or by that id; in policies of buckets also the account of
/// a canonical user id.
fn resolved(view: &View, kind: PolicyKind, written: &str) -> Result<Option<String>, StoreError> {
    if written.starts_with("arn:") {
        return principal_id(view, written);
    }
    if written.starts_with("AIDA") || written.starts_with("AROA") {
        return Ok(arn_of_id(view, written)?.map(|_| written.to_owned()));
    }
    if kind != PolicyKind::Resource(ResourceService::Bucket) {
        return Ok(None);
    }
    let mut accounts = accounts(view)?.into_iter().map(|(account, _)| account);
    Ok(accounts.find(|account| canonical_user(account) == written).map(|account| account.to_string()))
}

/// The ARN of the user or role with this unique id, in any account.
fn arn_of_id(view: &View, id: &str) -> Result<Option<String>, StoreError> {
    if id.starts_with("AIDA") {
        for row in view.scan(&USERS, ()) {
            let (_, user) = row?;
            if user.id == id {
                return Ok(Some(user.arn.clone()));
            }
        }
    }
    for row in view.scan(&ROLES, ()) {
        let (_, role) = row?;
        if role.id == id {
            return Ok(Some(role.arn.clone()));
        }
    }
    Ok(None)
}

/// The unique id of the user or role with this ARN.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn principal_id(view: &View, arn: &str) -> Result<Option<String>, StoreError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let Some((account, (kind, path))) = parsed.account_id().zip(parsed.resource().split_once('/')) else {
        return Ok(None);
    };
    let name = key_name(path.rsplit('/').next().unwrap_or(path));
    let key = (&account, name.as_str());
    Ok(match kind {
        "user" => view.get(&USERS, &key)?.filter(|user| user.arn == arn).map(|user| user.id.clone()),
        "role" => view.get(&ROLES, &key)?.filter(|role| role.arn == arn).map(|role| role.id.clone()),
        _ => None,
    })
}

/// The ARN that the user or role of a unique id has now; `arn` is the one it had, or the id. `None` for one that is not
/// there any more.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn present_arn(view: &View, arn: &str, id: &str) -> Result<Option<String>, StoreError> {
    if arn == id {
        return arn_of_id(view, id);
    }
    if principal_id(view, arn)?.as_deref() == Some(id) {
        return Ok(Some(arn.to_owned()));
    }
    let account = arn.parse::<Arn>().ok().and_then(|arn| arn.account_id());
    match account {
        Some(account) if id.starts_with("AIDA") => renamed(view, &account, id),
        _ => Ok(None),
    }
}

/// A user under another name; roles keep theirs.
fn renamed(view: &View, account: &AccountId, id: &str) -> Result<Option<String>, StoreError> {
    for row in view.scan(&USERS, (account,)) {
        let (_, user) = row?;
        if user.id == id {
            return Ok(Some(user.arn.clone()));
        }
    }
    Ok(None)
}

/// The text of a policy as AWS shows it: as it was written, but with the ARNs that users and roles have now, and with the
/// unique ids of those that are not there any more (IAM User Guide, "Principal", on deleted users and roles).
///
/// # Errors
/// A row cannot be read.
pub(crate) fn shown(view: &View, policy: &Policy) -> Result<String, StoreError> {
    let mut changed = BTreeMap::new();
    let ids = policy.bound_principals().filter(|(_, id)| id.parse::<AccountId>().is_err());
    for (arn, id) in ids {
        let now = present_arn(view, arn, id)?.unwrap_or_else(|| id.to_owned());
        if now != arn {
            changed.insert(arn, now);
        }
    }
    Ok(if changed.is_empty() { policy.text().to_owned() } else { replaced(policy.text(), &changed) })
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "Statement", borrow)]
    statement: &'a RawValue,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "Principal", borrow, default)]
    principal: Option<&'a RawValue>,
    #[serde(rename = "NotPrincipal", borrow, default)]
    not_principal: Option<&'a RawValue>,
}

/// The document with other principals, and all else as it is: the same ARN in a condition stays.
fn replaced(document: &str, changed: &BTreeMap<&str, String>) -> String {
    let (mut text, mut rest) = (String::with_capacity(document.len()), document);
    for element in principals(document) {
        let start = element.as_ptr().addr().saturating_sub(rest.as_ptr().addr());
        let (Some(before), Some(after)) = (rest.get(..start), rest.get(start + element.len()..)) else {
            continue;
        };
        text.push_str(before);
        let mut element = element.to_owned();
        for (arn, now) in changed {
            element = element.replace(&format!("\"{arn}\""), &format!("\"{now}\""));
        }
        text.push_str(&element);
        rest = after;
    }
    text + rest
}

/// The principals of all statements, as parts of the document and in its order.
fn principals(document: &str) -> Vec<&str> {
    let Ok(outline) = serde_json::from_str::<Outline<'_>>(document) else { return Vec::new() };
    let statements = outline.statement.get();
    let statements = match serde_json::from_str::<Vec<&RawValue>>(statements) {
        Ok(several) => several.into_iter().map(RawValue::get).collect(),
        Err(_) => vec![statements],
    };
    let named = statements.into_iter().filter_map(|it| serde_json::from_str::<Named<'_>>(it).ok());
    named.flat_map(|it| [it.principal, it.not_principal]).flatten().map(RawValue::get).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_principals_are_replaced_and_all_else_stays_as_it_was_written() {
        let changed = BTreeMap::from([
            ("arn:x:user/a", "AIDAA".to_owned()),
            ("arn:x:user/b", "arn:x:user/c".to_owned()),
        ]);
        let statement = r#"{ "Principal" : {"AWS":[ "arn:x:user/a","arn:x:user/ab", "arn:x:user/b"]},  "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:x:user/a"}} }"#;
        let expected = statement.replacen("arn:x:user/a\"", "AIDAA\"", 1).replacen("user/b\"", "user/c\"", 1);
        for (before, after) in
            [("{\"Statement\":\n ", "}"), ("{\"Id\":\"i\",\"Statement\":[{\"NotPrincipal\":\"*\"}, ", " ] }")]
        {
            let document = format!("{before}{statement}{after}");
            assert_eq!(replaced(&document, &changed), format!("{before}{expected}{after}"));
        }
        assert_eq!(replaced("nonsense", &changed), "nonsense");
    }
}
