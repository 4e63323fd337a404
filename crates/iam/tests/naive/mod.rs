//! A second judge: the evaluation rules written down once more, as simply as they can be said, over the JSON of a
//! case. It shares no code with the engine, reads every statement, and knows how another simulator differs.

mod condition;
mod pattern;
mod principal;

use serde_json::Value;

use pattern::Filled;

/// Points in which `@cloud-copilot/iam-simulate` decides otherwise. All off: the rules as the engine has them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Switches {
    /// A session policy limits what a resource policy grants to the session itself or to everybody.
    pub(crate) session_limits_direct_grants: bool,
    /// A variable without a value makes a negated operator false.
    pub(crate) null_variable_fails_negated: bool,
    /// `NotIpAddress` with an address (not a network) of the other family is false.
    pub(crate) not_ip_fails_for_other_family: bool,
    /// `NotResource` with a variable without a value drops the statement, unless the resource is `*`.
    pub(crate) null_variable_drops_not_resource: bool,
    /// A variable whose value is the empty text stays as it is written, and counts as text.
    pub(crate) empty_value_leaves_the_variable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) decision: &'static str,
    pub(crate) layer: &'static str,
}

/// The parts of a case that every rule looks at.
pub(crate) struct Asked<'a> {
    principal: &'a Value,
    action: &'a str,
    resource: &'a str,
    resource_account: &'a str,
    context: &'a Value,
    has_boundary: bool,
    switches: Switches,
}

/// What the statements of a layer say.
#[derive(Default, Clone, Copy)]
struct Said {
    denied: bool,
    /// 1 account, 2 role, 3 direct; 0 is silence.
    strength: u8,
}

fn verdict(decision: &'static str, layer: &'static str) -> Verdict {
    Verdict { decision, layer }
}

pub(crate) fn decide(case: &Value, switches: Switches) -> Verdict {
    let (request, policies) = (&case["request"], &case["policies"]);
    let asked = Asked {
        principal: &request["principal"],
        action: request["action"].as_str().unwrap(),
        resource: request["resource"].as_str().unwrap(),
        resource_account: request["resourceAccount"].as_str().unwrap(),
        context: &request["context"],
        has_boundary: !documents(&policies["boundary"]).is_empty(),
        switches,
    };
    asked.decide(policies)
}

/// A document or a list of documents.
fn documents(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// A scalar or a list of scalars.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

impl Asked<'_> {
    fn decide(&self, policies: &Value) -> Verdict {
        if self.action.eq_ignore_ascii_case("sts:GetCallerIdentity") {
            return verdict("Allow", "inherent");
        }
        let kind = self.principal["type"].as_str().unwrap();
        let account = self.principal["account"].as_str();
        let linked = self.principal["serviceLinked"] == true;
        let root = kind == "Root";
        let service = self.action.split(':').next().unwrap().to_lowercase();
        let rcp_services = ["ecr", "kms", "logs", "s3", "secretsmanager", "sts"];
        let levels = |name: &str| {
            policies[name].as_array().map_or(Vec::new(), |it| it.iter().map(documents).collect::<Vec<_>>())
        };
        let scp_counts = account.is_some() && !linked;
        let rcp_counts = !linked && rcp_services.contains(&service.as_str());
        let (scp, rcp) = (levels("scp"), levels("rcp"));
        let scp: Vec<_> = scp.iter().filter(|_| scp_counts).map(|it| self.say(it, false)).collect();
        let rcp: Vec<_> = rcp.iter().filter(|_| rcp_counts).map(|it| self.say(it, true)).collect();
        let (vpce, resource) = (documents(&policies["vpce"]), documents(&policies["resource"]));
        let own = |name: &str| if root { Vec::new() } else { documents(&policies[name]) };
        let (identity, boundary, session) = (own("identity"), own("boundary"), own("session"));
        let vpce_says = self.say(&vpce, true);
        let resource_says = self.say(&resource, true);
        let [identity_says, boundary_says, session_says] =
            [&identity, &boundary, &session].map(|it| self.say(it, false));

        let denials = [
            (rcp.iter().any(|it| it.denied), "rcp"),
            (scp.iter().any(|it| it.denied), "scp"),
            (vpce_says.denied, "vpce"),
            (identity_says.denied, "identity"),
            (resource_says.denied, "resource"),
            (boundary_says.denied, "boundary"),
            (session_says.denied, "session"),
        ];
        if let Some((_, layer)) = denials.iter().find(|(denied, _)| *denied) {
            return verdict("ExplicitDeny", layer);
        }
        let lower = self.action.to_lowercase();
        let assume = lower.starts_with("sts:assumerole");
        if root && assume {
            return verdict("ImplicitDeny", "resource");
        }
        if scp.iter().any(|it| it.strength == 0) {
            return verdict("ImplicitDeny", "scp");
        }
        if !vpce.is_empty() && vpce_says.strength == 0 {
            return verdict("ImplicitDeny", "vpce");
        }
        let grants = policies["grants"].as_array().filter(|_| service == "kms");
        if grants.is_some_and(|grants| grants.iter().any(|grant| self.is_granted(grant))) {
            return verdict("Allow", "grants");
        }
        let Some(account) = account else {
            let decision = if resource_says.strength > 0 { "Allow" } else { "ImplicitDeny" };
            return verdict(decision, "resource");
        };

        let limit = if !boundary.is_empty() && boundary_says.strength == 0 {
            Some("boundary")
        } else if !session.is_empty() && session_says.strength == 0 {
            Some("session")
        } else {
            None
        };
        let silent = match () {
            () if root => None,
            () if identity_says.strength == 0 => Some("identity"),
            () => limit,
        };
        let has_key = !resource.is_empty() || grants.is_some_and(|it| !it.is_empty());
        let key_policy = service == "kms" && (has_key || self.resource.contains(":key/"));
        let session_extra = lower == "sts:tagsession" || lower == "sts:setsourceidentity";
        let trusts = assume
            || (session_extra && self.resource.contains(":role/"))
            || (service == "sts" && !resource.is_empty());
        if account != self.resource_account {
            if key_policy && !crosses_accounts(&lower) {
                return verdict("ImplicitDeny", "resource");
            }
            return match (resource_says.strength, silent) {
                (0, _) => verdict("ImplicitDeny", "resource"),
                (1, Some("identity")) if !key_policy && !trusts => verdict("ImplicitDeny", "resource"),
                (_, Some(layer)) => verdict("ImplicitDeny", layer),
                (_, None) => verdict("Allow", "resource"),
            };
        }
        if resource_says.strength == 3 {
            let session_silent = !session.is_empty() && session_says.strength == 0;
            if self.switches.session_limits_direct_grants && session_silent {
                return verdict("ImplicitDeny", "session");
            }
            return verdict("Allow", "resource");
        }
        if resource_says.strength == 2 {
            return limit.map_or(verdict("Allow", "resource"), |layer| verdict("ImplicitDeny", layer));
        }
        if (key_policy || trusts) && resource_says.strength == 0 {
            return verdict("ImplicitDeny", "resource");
        }
        match silent {
            Some(layer) => verdict("ImplicitDeny", layer),
            None => verdict("Allow", if root { "inherent" } else { "identity" }),
        }
    }

    fn say(&self, documents: &[&Value], with_principal: bool) -> Said {
        let mut said = Said::default();
        for document in documents {
            let variables = document["Version"] == "2012-10-17";
            let statements = match &document["Statement"] {
                Value::Array(list) => list.iter().collect(),
                one => vec![one],
            };
            for statement in statements {
                let strength = self.applies(statement, variables, with_principal);
                match statement["Effect"].as_str().unwrap() {
                    "Deny" => said.denied |= strength > 0,
                    _ => said.strength = said.strength.max(strength),
                }
            }
        }
        said
    }

    /// 0 if the statement does not match.
    fn applies(&self, statement: &Value, variables: bool, with_principal: bool) -> u8 {
        if !self.action_matches(statement) || !self.resource_matches(statement, variables) {
            return 0;
        }
        let conditions = statement["Condition"].as_object();
        let holds = conditions.is_none_or(|operators| {
            operators.iter().all(|(operator, keys)| {
                let mut keys = keys.as_object().unwrap().iter();
                keys.all(|(key, wanted)| self.condition_holds(operator, key, &texts(wanted), variables))
            })
        });
        match (holds, with_principal) {
            (false, _) => 0,
            (true, true) => self.principal_strength(statement),
            (true, false) => 3,
        }
    }

    fn action_matches(&self, statement: &Value) -> bool {
        let (service, name) = self.action.split_once(':').unwrap();
        let one = |pattern: &String| {
            if pattern == "*" {
                return true;
            }
            let Some((vendor, rest)) = pattern.split_once(':') else { return false };
            vendor.eq_ignore_ascii_case(service)
                && pattern::wild(&rest.to_lowercase()).matches(&name.to_lowercase())
        };
        match (statement.get("Action"), statement.get("NotAction")) {
            (Some(actions), _) => texts(actions).iter().any(one),
            (_, Some(actions)) => !texts(actions).iter().any(one),
            _ => false,
        }
    }

    fn resource_matches(&self, statement: &Value, variables: bool) -> bool {
        if let Some(listed) = statement.get("Resource") {
            return texts(listed).iter().any(|it| self.arn_matches(it, variables) == Some(true));
        }
        let Some(listed) = statement.get("NotResource") else { return true };
        let results: Vec<_> = texts(listed).iter().map(|it| self.arn_matches(it, variables)).collect();
        let drops = self.switches.null_variable_drops_not_resource && self.resource != "*";
        if drops && results.contains(&None) {
            return false;
        }
        !results.contains(&Some(true))
    }

    /// `None`: a variable has no value.
    fn arn_matches(&self, pattern: &str, variables: bool) -> Option<bool> {
        if pattern == "*" {
            return Some(true);
        }
        let Some(actual) = pattern::six(self.resource) else {
            let unresolved = variables && self.fill(pattern, true).is_none();
            return if unresolved { None } else { Some(false) };
        };
        let fields = pattern::fields(pattern, variables);
        if fields.len() < 6 && fields.iter().any(|field| field.ends_with('*')) {
            let whole = if variables { self.fill(pattern, true)? } else { pattern::wild(pattern) };
            if whole.matches(self.resource) {
                return Some(true);
            }
        }
        let mut all = true;
        for (at, text) in actual.iter().enumerate() {
            let field = fields.get(at).map_or("*", String::as_str);
            let filled = if at == 5 && variables { self.fill(field, true)? } else { pattern::wild(field) };
            all &= filled.matches(text);
        }
        Some(all)
    }

    /// The pattern with the values of its variables as plain characters.
    fn fill(&self, text: &str, wildcards: bool) -> Option<Filled> {
        pattern::fill(text, wildcards, &|key, default| {
            let found = self.values(key).filter(|values| values.len() == 1).map(|mut it| it.remove(0));
            let empty = found.as_deref() == Some("");
            let left =
                (empty && self.switches.empty_value_leaves_the_variable).then(|| format!("${{{key}}}"));
            found.filter(|_| !empty).or(default.map(str::to_owned)).or(left)
        })
    }

    fn is_granted(&self, grant: &Value) -> bool {
        let operation = self.action.split_once(':').unwrap().1;
        let named = texts(&grant["operations"]).iter().any(|it| it.eq_ignore_ascii_case(operation));
        let grantee = grant["grantee"].as_str().unwrap();
        let p = self.principal;
        let root = p["type"] == "Root";
        let names = ["arn", "roleArn", "userArn", "uniqueId"];
        let is_grantee = !root
            && names.iter().any(|name| p[*name] == grantee)
            && (p["type"] == "Service" || !p["account"].is_null());
        let free = ["describekey", "retiregrant"].contains(&operation.to_lowercase().as_str());
        named && is_grantee && (free || self.constraint_holds(&grant["constraints"]))
    }

    fn constraint_holds(&self, constraint: &Value) -> bool {
        let Some((kind, wanted)) = constraint.as_object().and_then(|it| it.iter().next()) else {
            return true;
        };
        let prefix = "kms:encryptioncontext:";
        let context = self.context.as_object().unwrap().iter();
        let have: Vec<(String, String)> = context
            .filter(|(key, value)| key.to_lowercase().starts_with(prefix) && value.is_string())
            .map(|(key, value)| (key[prefix.len()..].to_owned(), value.as_str().unwrap().to_owned()))
            .collect();
        let wanted: Vec<_> = wanted.as_object().unwrap().iter().collect();
        let holds = |(key, value): &(&String, &Value)| {
            have.iter().any(|(k, v)| k == *key && Some(v.as_str()) == value.as_str())
        };
        wanted.iter().all(holds) && (kind != "EncryptionContextEquals" || have.len() == wanted.len())
    }
}

fn crosses_accounts(action: &str) -> bool {
    let names = "encrypt decrypt reencryptfrom reencryptto generatedatakey generatedatakeywithoutplaintext \
                 generatedatakeypair generatedatakeypairwithoutplaintext generatemac verifymac sign verify \
                 derivesharedsecret getpublickey describekey creategrant listgrants retiregrant revokegrant \
                 getkeyrotationstatus";
    names.split(' ').any(|name| action == format!("kms:{name}"))
}
