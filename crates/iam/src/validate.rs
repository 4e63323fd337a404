//! What each kind of policy may say, checked when it is written and in AWS's order, so that the first error is the one
//! that AWS reports.

use std::collections::HashSet;

use crate::condition::{Base, parse_date};
use crate::document::{Document, PrincipalEntry, PrincipalKind, Selection, Statement, Version};
use crate::error::PolicyErrorReason as Reason;
use crate::policy::{PolicyKind, ResourceService};
use crate::service_principal::{is_identity_provider, is_service};

type Check = Result<(), Reason>;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// Everything that can be refused without knowing which principals exist.
pub(crate) fn validate(document: &Document, kind: PolicyKind) -> Check {
    version(document, kind)?;
    each(document, |statement| principal(statement, kind))?;
    each(document, legacy)?;
    legacy_resources(document, kind)?;
    each(document, |statement| sid(statement, kind))?;
    unique_sids(document)?;
    each(document, has_actions)?;
    each(document, |statement| no_resources(statement, kind))?;
    each(document, resources)?;
    each(document, |statement| actions(statement, kind))?;
    each(document, |statement| has_resources(statement, kind))?;
    each(document, |statement| control(statement, kind))
}

fn each(document: &Document, check: impl FnMut(&Statement) -> Check) -> Check {
    document.statements.iter().try_for_each(check)
}

fn version(document: &Document, kind: PolicyKind) -> Check {
    let needs_2012 = kind.is_attached_to_principal() || kind == PolicyKind::ResourceControl;
    if needs_2012 && document.version != Version::V2012 { Err(Reason::Version) } else { Ok(()) }
}

fn principal(statement: &Statement, kind: PolicyKind) -> Check {
    match (&statement.principal, kind.is_attached_to_principal()) {
        (Some(_), true) => Err(Reason::PrincipalNotAllowed),
        (None, true) => Ok(()),
        (None, false) => Err(Reason::NoPrincipal),
        (Some(principal), false) if principal.not && kind == PolicyKind::RoleTrust => Err(Reason::Syntax),
        (Some(principal), false) if principal.entries.is_empty() => Err(Reason::EmptyPrincipal),
        (Some(principal), false) => principal.entries.iter().try_for_each(|it| principal_entry(it, kind)),
    }
}

fn principal_entry(entry: &PrincipalEntry, kind: PolicyKind) -> Check {
    let value = entry.value.as_str();
    let wild = value.contains(['*', '?']);
    let valid = match entry.kind {
        PrincipalKind::Aws if value == "*" => true,
        PrincipalKind::Aws => !wild && is_aws_principal(value),
        PrincipalKind::Service => is_service(value),
        PrincipalKind::Federated => value == "*" || is_identity_provider(value),
        PrincipalKind::CanonicalUser => !wild && !value.is_empty(),
    };
    match entry.kind {
        _ if valid => Ok(()),
        PrincipalKind::Federated if kind == PolicyKind::RoleTrust => Err(Reason::Federated),
        _ => Err(invalid_principal(entry)),
    }
}

pub(crate) fn invalid_principal(entry: &PrincipalEntry) -> Reason {
    let kind = match entry.kind {
        // As AWS writes it.
        PrincipalKind::Service => "SERVICE",
        kind => kind.name(),
    };
    Reason::Principal { kind, value: entry.value.clone() }
}

fn is_aws_principal(value: &str) -> bool {
    let is_account = value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_unique_id = ["AIDA", "AROA"].iter().any(|prefix| value.starts_with(prefix));
    is_account || is_unique_id || is_principal_arn(value)
}

fn is_principal_arn(value: &str) -> bool {
    let Ok(arn) = value.parse::<landfall_base::Arn>() else { return false };
    // Principals of other partitions are unknown in this one, which IAM's and STS's ARNs are of in every Region.
    if arn.partition() != "aws" {
        return false;
    }
    let prefixes: &[&str] = match arn.service() {
        "iam" => &["user/", "role/"],
        "sts" => &["assumed-role/", "federated-user/"],
        _ => return false,
    };
    let named = prefixes.iter().any(|prefix| arn.resource().starts_with(prefix));
    arn.region().is_empty() && arn.account_id().is_some() && (named || arn.resource() == "root")
}

fn legacy(statement: &Statement) -> Check {
    if !matches!(statement.effect.as_str(), "Allow" | "Deny") {
        return Err(Reason::Legacy);
    }
    let bad_date = |value: &String| parse_date(value).is_none() && !is_date(value);
    let mut dates = statement.conditions.iter().filter(|it| matches!(it.operator.base, Base::Date(_)));
    if dates.any(|condition| condition.values.iter().any(bad_date)) { Err(Reason::Legacy) } else { Ok(()) }
}

/// IAM reads the ARNs in policies of principals before it looks for what is missing elsewhere, up to the first one that it
/// has another word for.
fn legacy_resources(document: &Document, kind: PolicyKind) -> Check {
    if !kind.is_attached_to_principal() {
        return Ok(());
    }
    for statement in &document.statements {
        let mut entries = statement.resource.iter().flat_map(|it| &it.entries);
        let unreadable = entries.any(|text| !is_readable_arn(text));
        match resources(statement) {
            Ok(()) | Err(Reason::ResourceVendor) if unreadable => return Err(Reason::Legacy),
            Ok(()) => {}
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Whether a resource can be taken for an ARN: it has a service, no colon is missing behind an empty field, and nothing
/// that belongs elsewhere stands where the account does.
fn is_readable_arn(text: &str) -> bool {
    let mut fields = text.splitn(6, ':').skip(2);
    let (service, _, account) = (fields.next(), fields.next(), fields.next());
    let complete = fields.next().is_some() || !text.contains("::");
    // Variables stand for nothing there, but are written.
    let of_account = |byte: u8| byte.is_ascii_alphanumeric() || b"-*?${}".contains(&byte);
    service != Some("") && complete && account.is_none_or(|account| account.bytes().all(of_account))
}

/// What IAM takes for a date when a policy is written, beyond what has a meaning in a request: fields of any width, and of
/// the time no more than its beginning.
fn is_date(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    if !text.contains(['t', '-']) {
        return text.parse::<i64>().is_ok_and(|seconds| seconds >= 0);
    }
    let (date, time) = text.split_once('t').unwrap_or((&text, ""));
    let (most_years, date) = match date.strip_prefix('-') {
        Some(date) => (292_275_054, date),
        None => (292_278_993, date),
    };
    let mut fields = date.split('-');
    let year = fields.next().is_some_and(|year| is_number(year, 0, most_years));
    let month = fields.next().is_none_or(|month| is_number(month, 1, 12));
    let day = fields.next().is_none_or(|day| is_number(day, 1, 31));
    year && month && day && fields.next().is_none() && is_time(time)
}

fn is_number(text: &str, least: u32, most: u32) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain && text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
}

/// Of a date in a policy; see [`is_date`].
fn is_time(text: &str) -> bool {
    let mut fields = text.splitn(3, ':');
    let hour = fields.next().is_none_or(|hour| hour.is_empty() || is_number(hour, 0, 23));
    let minute = fields.next().is_none_or(|minute| is_number(minute, 0, 59));
    hour && minute && fields.next().is_none_or(is_second)
}

/// Seconds, with a fraction and an offset if there are some.
fn is_second(text: &str) -> bool {
    let (text, offset) = match (text.strip_suffix('z'), text.split_once('+')) {
        (Some(text), _) => (text, None),
        (None, Some((text, offset))) => (text, Some(offset)),
        (None, None) => (text, None),
    };
    let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (hours, minutes) = offset.map_or(("00", "00"), |it| it.split_once(':').unwrap_or((it, "00")));
    let two = |text: &str, most| text.len() == 2 && is_number(text, 0, most);
    is_number(second, 0, 59) && is_number(fraction, 0, 999_999_999) && two(hours, 23) && two(minutes, 59)
}

/// Policies of IAM have letters and digits in their `Sid`; services allow more in policies of resources (IAM User Guide,
/// "Grammar of the IAM JSON policy language").
fn sid(statement: &Statement, kind: PolicyKind) -> Check {
    let of_iam = matches!(
        kind,
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::RoleTrust
    );
    let plain = |sid: &str| sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if of_iam && !statement.sid.as_deref().is_none_or(plain) { Err(Reason::Sid) } else { Ok(()) }
}

fn unique_sids(document: &Document) -> Check {
    let mut seen = HashSet::new();
    let mut sids =
        document.statements.iter().filter_map(|it| it.sid.as_deref()).filter(|sid| !sid.is_empty());
    if sids.all(|sid| seen.insert(sid)) { Ok(()) } else { Err(Reason::DuplicateSid) }
}

fn is_empty(selection: Option<&Selection<String>>) -> bool {
    selection.is_none_or(|selection| selection.entries.is_empty())
}

fn has_actions(statement: &Statement) -> Check {
    if is_empty(statement.action.as_ref()) { Err(Reason::NoAction) } else { Ok(()) }
}

/// Whether a policy is about the one resource that it is attached to.
fn names_no_resource(kind: PolicyKind) -> bool {
    matches!(kind, PolicyKind::RoleTrust | PolicyKind::Resource(ResourceService::EcrRepository))
}

fn no_resources(statement: &Statement, kind: PolicyKind) -> Check {
    let prohibited = names_no_resource(kind) && statement.resource.is_some();
    if prohibited { Err(Reason::ResourceNotAllowed) } else { Ok(()) }
}

fn has_resources(statement: &Statement, kind: PolicyKind) -> Check {
    let needed = !names_no_resource(kind) && kind != PolicyKind::Resource(ResourceService::Other);
    if needed && is_empty(statement.resource.as_ref()) { Err(Reason::NoResource) } else { Ok(()) }
}

fn resources(statement: &Statement) -> Check {
    statement.resource.iter().flat_map(|it| &it.entries).try_for_each(|text| resource(text))
}

fn resource(text: &str) -> Check {
    if text == "*" {
        return Ok(());
    }
    let not_an_arn = || Reason::NotAnArn(text.to_owned());
    let (prefix, rest) = text.split_once(':').ok_or_else(not_an_arn)?;
    let mut fields = rest.splitn(5, ':');
    let partition = fields.next().unwrap_or_default();
    // The partition is looked at first, whatever stands before it.
    if !partition.contains(['*', '?']) && !PARTITIONS.contains(&partition) {
        return Err(Reason::Partition { partition: partition.to_owned(), resource: completed(rest) });
    }
    if prefix != "arn" {
        return Err(not_an_arn());
    }
    let service = fields.next().filter(|service| !service.is_empty() && !service.contains(['*', '?']));
    let service = service.ok_or(Reason::ResourceVendor)?;
    let region = fields.next().unwrap_or_default();
    match service {
        "iam" if !matches!(region, "" | "*") => Err(Reason::IamRegion(text.to_owned())),
        "iam" => iam_path(fields.nth(1)),
        // Access points and Outposts do have a Region; buckets and objects, which have no account, do not.
        "s3" if !matches!(region, "" | "*") && fields.next() == Some("") => {
            Err(Reason::S3Region(text.to_owned()))
        }
        _ => Ok(()),
    }
}

/// An ARN of which this stands behind the first colon, with a star for each field that is missing.
fn completed(rest: &str) -> String {
    let missing = 5 - rest.splitn(5, ':').count();
    format!("arn:{rest}{}", ":*".repeat(missing))
}

/// `None` for an ARN that stops before its last field.
fn iam_path(path: Option<&str>) -> Check {
    match path {
        None | Some("*" | "root") => Ok(()),
        Some(path) if IAM_PATHS.iter().any(|prefix| path.starts_with(prefix)) => Ok(()),
        Some(_) => Err(Reason::IamPath),
    }
}

fn actions(statement: &Statement, kind: PolicyKind) -> Check {
    let mut entries = statement.action.iter().flat_map(|it| &it.entries);
    entries.try_for_each(|text| {
        if kind == PolicyKind::RoleTrust {
            return trust_action(text);
        }
        action(text)
    })
}

fn action(text: &str) -> Check {
    if text == "*" {
        return Ok(());
    }
    let (vendor, name) = text.split_once(':').ok_or(Reason::NoVendor)?;
    if name.contains(':') {
        return Err(Reason::SeveralColons);
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if vendor.is_empty() || !vendor.bytes().all(legal) {
        return Err(Reason::Vendor(vendor.to_owned()));
    }
    Ok(())
}

fn trust_action(text: &str) -> Check {
    const ALLOWED: [&str; 6] = [
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    ];
    let text = text.to_ascii_lowercase();
    let wild = matches!(text.as_str(), "sts:*" | "sts:assumerole*");
    if wild || ALLOWED.contains(&text.as_str()) { Ok(()) } else { Err(Reason::TrustAction) }
}

/// Resource control policies only deny, only everybody, and only actions of services that they name: no `NotAction` and no
/// lone star (AWS Organizations User Guide, "RCP syntax").
fn control(statement: &Statement, kind: PolicyKind) -> Check {
    if kind != PolicyKind::ResourceControl {
        return Ok(());
    }
    let everyone = statement
        .principal
        .as_ref()
        .is_some_and(|it| !it.not && it.entries.iter().all(|entry| entry.value == "*"));
    let listed =
        statement.action.as_ref().is_some_and(|it| !it.not && it.entries.iter().all(|action| action != "*"));
    if everyone && listed && statement.effect == "Deny" { Ok(()) } else { Err(Reason::NotForType) }
}

#[cfg(test)]
mod tests {
    use crate::{Policy, PolicyKind, ResourceService};

    #[test]
    fn resource_control_policies_deny_listed_actions_to_everybody() {
        let text = |statement: &str| {
            format!(r#"{{"Version":"2012-10-17","Statement":{{{statement},"Resource":"*"}}}}"#)
        };
        let table = [
            (r#""Effect":"Deny","Principal":"*","Action":"s3:*""#, true),
            (r#""Effect":"Allow","Principal":"*","Action":"s3:*""#, false),
            (r#""Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"s3:*""#, false),
            (r#""Effect":"Deny","NotPrincipal":"*","Action":"s3:*""#, false),
            (r#""Effect":"Deny","Principal":"*","NotAction":"s3:*""#, false),
            (r#""Effect":"Deny","Principal":"*","Action":"*""#, false),
            (r#""Effect":"Deny","Principal":"*","Action":["s3:*","*"]"#, false),
        ];
        for (statement, good) in table {
            let parsed = Policy::parse(&text(statement), PolicyKind::ResourceControl);
            assert_eq!(parsed.is_ok(), good, "{statement}");
        }
        let not = text(r#""Effect":"Deny","Principal":"*","NotAction":"s3:*""#);
        assert!(Policy::stored(&not, PolicyKind::ResourceControl).is_ok());
    }

    #[test]
    fn sids_of_iam_have_letters_and_digits_only() {
        let text = |sid: &str, more: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Sid":"{sid}","Effect":"Allow","Action":"sts:AssumeRole"{more}}}}}"#
            )
        };
        let resource = r#","Resource":"*""#;
        let principal = r#","Principal":{"AWS":"111122223333"}"#;
        let both = r#","Principal":{"AWS":"111122223333"},"Resource":"*""#;
        let table = [
            (PolicyKind::Identity, resource, true),
            (PolicyKind::Boundary, resource, true),
            (PolicyKind::Session, resource, true),
            (PolicyKind::RoleTrust, principal, true),
            (PolicyKind::Resource(ResourceService::KmsKey), both, false),
            (PolicyKind::Resource(ResourceService::Bucket), both, false),
            (PolicyKind::Resource(ResourceService::EcrRepository), principal, false),
        ];
        let refusal = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                       [0-9A-Za-z]*";
        for (kind, more, strict) in table {
            for sid in ["", "Read1"] {
                assert!(Policy::parse(&text(sid, more), kind).is_ok(), "{kind:?} {sid}");
            }
            for sid in ["Allow use", "read-only", "read_only", "é"] {
                let error = Policy::parse(&text(sid, more), kind).err().map(|error| error.message());
                assert_eq!(error.as_deref(), strict.then_some(refusal), "{kind:?} {sid}");
                assert!(Policy::stored(&text(sid, more), kind).is_ok());
            }
        }
    }
}
