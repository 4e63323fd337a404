//! Hints for people: what to change so that a refused request would match.

use crate::arn_match::ArnParts;
use crate::evaluate::{Effect, Reason};
use crate::layers::Layer;
use crate::message::layer_name;
use crate::reference;
use crate::trace::{Element, LayerTrace, Miss, PolicyTrace, StatementTrace, Trace};

/// More hints than this help nobody.
const MOST: usize = 5;

/// Hints for a refusal, the most useful first. Empty for an allowed request.
pub fn explain(trace: &Trace) -> Vec<String> {
    if trace.effect == Effect::Allow {
        return Vec::new();
    }
    let mut hints: Vec<_> =
        trace.denials().into_iter().map(|(layer, policy, it)| denied(layer, policy, it)).collect();
    hints.extend(without_policies(trace));
    if hints.is_empty() {
        let layer = silent_layer(trace);
        hints = misses(trace, layer);
        if hints.is_empty() {
            hints.push(format!("no {} mentions `{}`", layer_name(layer), trace.action));
        }
        hints.truncate(MOST - 1);
        match layer {
            Layer::Identity => hints.extend(misses(trace, Layer::Resource)),
            Layer::Resource => hints.extend(misses(trace, Layer::Identity)),
            _ => {}
        }
    }
    hints.truncate(MOST);
    hints
}

/// The layer that a statement is missing in. A refusal names the resource's policy also where that lets the caller's account in
/// as a whole, and the caller's own policies are what is missing.
fn silent_layer(trace: &Trace) -> Layer {
    let allows = |it: &LayerTrace| it.layer == Layer::Resource && it.outcome == Effect::Allow;
    match trace.layer {
        Layer::Resource if trace.layers.iter().any(allows) => Layer::Identity,
        layer => layer,
    }
}

/// Where no statement could help.
fn without_policies(trace: &Trace) -> Option<String> {
    let action = &trace.action;
    match trace.reason {
        Reason::RootMayNotAssume => {
            Some("a root user becomes no role, whatever policies say: call as a user or a role".to_owned())
        }
        Reason::NotAcrossAccounts => Some(format!(
            "`{action}` does not work on what is another account's, whatever policies say: call it from that account"
        )),
        Reason::Policy => {
            let empty = |it: &LayerTrace| it.layer == trace.layer && it.policies.is_empty();
            let silent = trace.effect == Effect::ImplicitDeny && trace.layers.iter().any(empty);
            silent.then(|| {
                let name = layer_name(trace.layer);
                format!("a level of the organization has no {name} at all: nothing passes it")
            })
        }
    }
}

fn place(layer: Layer, policy: &PolicyTrace, statement: &StatementTrace) -> String {
    let sid = statement.sid.as_ref().map_or(String::new(), |sid| format!(" (`{sid}`)"));
    format!("statement {}{sid} of the {} `{}`", statement.index + 1, layer_name(layer), policy.name)
}

fn denied(layer: Layer, policy: &PolicyTrace, statement: &StatementTrace) -> String {
    format!("{} denies it; no Allow elsewhere can undo that", place(layer, policy, statement))
}

/// What nearly matched in a layer. The policy of a resource speaks of many; where others decide, it counts only if one
/// thing is wrong, and not just that somebody else is named.
fn misses(trace: &Trace, of: Layer) -> Vec<String> {
    let decides = of == trace.layer;
    let is_near = |misses: &[Miss]| match misses {
        [miss] => miss.element != Element::Principal || close_principal(trace, miss).is_some(),
        _ => false,
    };
    let mut hints = Vec::new();
    for (layer, policy, statement) in trace.near_misses() {
        let wrong_action = statement.misses.iter().any(|miss| miss.element == Element::Action);
        let open = layer == of && !allows(trace, policy);
        if !open || (wrong_action && statement.misses.len() > 1) || !(decides || is_near(&statement.misses)) {
            continue;
        }
        let parts: Vec<_> = statement.misses.iter().filter_map(|miss| hint(trace, miss)).collect();
        if parts.len() == statement.misses.len() {
            hints.push(format!(
                "{} would have matched if {}",
                place(layer, policy, statement),
                parts.join(", and if ")
            ));
        }
    }
    hints
}

/// Whether the level that a policy is in allows already; of an organization every one has to.
fn allows(trace: &Trace, policy: &PolicyTrace) -> bool {
    let holds = |layer: &LayerTrace| layer.policies.iter().any(|it| std::ptr::eq(it, policy));
    trace.layers.iter().find(|layer| holds(layer)).is_some_and(|layer| layer.outcome == Effect::Allow)
}

/// The second half of "would have matched if …"; `None` if the statement is about something else.
fn hint(trace: &Trace, miss: &Miss) -> Option<String> {
    match miss.element {
        Element::Action => action(miss, &trace.action),
        Element::Resource if miss.not => Some(format!("its NotResource did not cover `{}`", trace.resource)),
        Element::Resource => Some(resource(miss, &trace.resource)),
        Element::Principal => Some(principal(trace, miss)),
        Element::Condition => Some(condition(miss)),
    }
}

/// Only for actions that are easily taken for each other.
fn action(miss: &Miss, actual: &str) -> Option<String> {
    if miss.not {
        return Some(format!("its NotAction did not cover `{actual}`"));
    }
    let close = |expected: &&String| {
        let (short, long) = if expected.len() < actual.len() {
            (expected.as_str(), actual)
        } else {
            (actual, expected.as_str())
        };
        let start = long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short));
        start && short.contains(':') && long.len() - short.len() <= 2
    };
    let expected = miss.expected.iter().find(close)?;
    let known = reference::action_resources(expected).is_some();
    let what = if known { "is another action" } else { "is not an action" };
    Some(format!("it said `{actual}`: `{expected}` {what}"))
}

fn resource(miss: &Miss, actual: &str) -> String {
    if actual == "*" {
        return "its Resource were `*`: the action has no resource types, and an ARN never matches"
            .to_owned();
    }
    let specific = miss.expected.iter().find_map(|expected| resource_pattern(expected, actual));
    specific.unwrap_or_else(|| format!("its Resource covered `{actual}`"))
}

/// Known ways to miss an ARN.
fn resource_pattern(expected: &str, actual: &str) -> Option<String> {
    let instead = |right: &str, why: &str| Some(format!("it said `{right}` instead of `{expected}`: {why}"));
    if let Some((right, why)) = actual.strip_prefix(expected).and_then(|rest| continued(expected, rest)) {
        return instead(&right, why);
    }
    if expected.eq_ignore_ascii_case(actual) {
        return instead(actual, "resource names are case-sensitive");
    }
    if expected.contains(":parameter//") {
        return instead(
            &expected.replace(":parameter//", ":parameter/"),
            "the leading slash of a parameter's name is not part of its ARN",
        );
    }
    if actual.contains(":key/") && expected.contains(":alias/") {
        return instead(actual, "the resource is the key, even when the call names an alias");
    }
    if actual.contains(":key/") && expected.replacen(":key:", ":key/", 1) == actual {
        return instead(actual, "a key's ARN has a slash behind `key`");
    }
    if expected.contains("${") {
        return Some(format!(
            "the variables in `{expected}` had values that make it `{actual}`; a variable without a value matches \
             nothing, and variables need `\"Version\": \"2012-10-17\"`"
        ));
    }
    other_segment(expected, actual)
}

/// The pattern is a proper beginning of the resource: what to append, and why.
fn continued(expected: &str, rest: &str) -> Option<(String, &'static str)> {
    let service = ArnParts::split(expected)?.head[2];
    let suffix = rest.strip_prefix('-').unwrap_or_default();
    let random = suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match service {
        "secretsmanager" if random => {
            Some((format!("{expected}-??????"), "a secret's ARN ends in six random characters"))
        }
        "logs" if rest.starts_with(':') => {
            Some((format!("{expected}:*"), "the streams of a log group are behind a colon"))
        }
        "ecs" if rest.starts_with(':') => {
            Some((format!("{expected}:*"), "a task definition's ARN ends in its revision"))
        }
        "s3" if rest.starts_with('/') => {
            Some((format!("{expected}/*"), "objects are behind the bucket's slash"))
        }
        _ => None,
    }
}

/// One segment before the name differs, and the rest agrees.
fn other_segment(expected: &str, actual: &str) -> Option<String> {
    const NAMES: [&str; 5] = ["prefix", "partition", "service", "Region", "account"];
    let (want, have) = (ArnParts::split(expected)?, ArnParts::split(actual)?);
    if want.tail != have.tail && !want.tail.ends_with('*') {
        return None;
    }
    let differs = |(at, name)| {
        let (want, have): (&str, &str) = (want.head.get(at).copied()?, have.head.get(at).copied()?);
        (want != have && want != "*")
            .then(|| format!("its {name} were `{have}` instead of `{want}` in `{expected}`"))
    };
    NAMES.into_iter().enumerate().find_map(differs)
}

fn principal(trace: &Trace, miss: &Miss) -> String {
    let caller = trace.principal_arn.as_deref().unwrap_or(&trace.principal);
    if miss.not {
        return format!("its NotPrincipal did not name `{caller}`");
    }
    let other = || format!("it named `{caller}` as principal, not `{}`", miss.expected.join("`, `"));
    close_principal(trace, miss).unwrap_or_else(other)
}

/// Principals that are easily taken for the caller.
fn close_principal(trace: &Trace, miss: &Miss) -> Option<String> {
    let caller = trace.principal_arn.as_deref().unwrap_or(&trace.principal);
    if miss.not {
        return None;
    }
    if miss.expected.iter().any(|expected| expected == caller) {
        return Some(format!(
            "it were written again: it holds the id of the principal that was `{caller}` before, and is no more"
        ));
    }
    let name = |text: &str| text.rsplit('/').next().map(str::to_owned);
    let namesake = |expected: &&String| expected.contains(":role/") && name(expected) == name(caller);
    if let Some(expected) = miss.expected.iter().find(namesake) {
        return Some(format!("it named `{caller}`: `{expected}` has another path or account"));
    }
    if caller == "ecs-tasks.amazonaws.com" && miss.expected.iter().any(|it| it == "ecs.amazonaws.com") {
        let text = "it named `ecs-tasks.amazonaws.com`: tasks assume their roles as that service, not as \
                    `ecs.amazonaws.com`";
        return Some(text.to_owned());
    }
    let id = miss.expected.iter().find(|it| it.starts_with("AROA") || it.starts_with("AIDA"))?;
    Some(format!(
        "it named `{caller}`: `{id}` is the id of a deleted principal, or of another one of that name"
    ))
}

fn condition(miss: &Miss) -> String {
    let key = miss.key.as_deref().unwrap_or_default();
    let operator = miss.operator.as_deref().unwrap_or_default();
    let expected = miss.expected.join("`, `");
    match &miss.actual {
        None => format!(
            "the request had `{key}` ({operator} `{expected}`); it has no such key{}",
            why_absent(key)
        ),
        Some(actual) => format!("`{key}` were {operator} `{expected}`; it is `{}`", actual.join("`, `")),
    }
}

fn why_absent(key: &str) -> &'static str {
    let is = |name: &str| key.eq_ignore_ascii_case(name);
    let starts = |prefix: &str| key.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
    if is("aws:SourceVpce") || is("aws:SourceVpc") || is("aws:VpcSourceIp") {
        " because it did not come through a VPC endpoint, or the call does not carry it"
    } else if is("aws:SourceIp") {
        " because it came through a VPC endpoint or from a service"
    } else if is("kms:ViaService") {
        " because the key was used directly, not through a service"
    } else if is("aws:username") {
        " because the caller is no IAM user"
    } else if is("aws:SourceArn") || is("aws:SourceAccount") {
        " because the caller is no service"
    } else if is("aws:MultiFactorAuthPresent") {
        " because the caller signs with a long-term key"
    } else if is("aws:MultiFactorAuthAge") {
        " because the caller signs with a long-term key or is a session that was made without an MFA code"
    } else if starts("aws:PrincipalTag/") {
        " because the caller has no such tag"
    } else if key.to_ascii_lowercase().contains(":resourcetag/") {
        " because the resource has no such tag, or the operation has no resource with tags"
    } else if starts("aws:RequestTag/") || is("aws:TagKeys") {
        " because the request sets no such tag"
    } else if is("ecs:cluster") {
        " because the operation is about no cluster"
    } else if is("iam:PassedToService") || is("iam:AssociatedResourceArn") {
        " because this check passes no role"
    } else {
        ""
    }
}
