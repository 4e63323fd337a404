//! Who a `Principal` names, and what condition keys say about the caller.

use serde_json::Value;

use super::{Asked, texts};

impl Asked<'_> {
    fn principal(&self, name: &str) -> Option<&str> {
        self.principal[name].as_str()
    }

    pub(super) fn principal_strength(&self, statement: &Value) -> u8 {
        if let Some(named) = statement.get("Principal") {
            return self.strengths(named).into_iter().max().unwrap_or(0);
        }
        let Some(spared) = statement.get("NotPrincipal") else {
            return if statement["Effect"] == "Deny" { 3 } else { 0 };
        };
        let strengths = self.strengths(spared);
        let spared = if statement["Effect"] == "Deny" {
            self.is_spared(spared, &strengths)
        } else {
            strengths.iter().any(|strength| *strength > 0)
        };
        if spared { 0 } else { 3 }
    }

    fn is_spared(&self, listed: &Value, strengths: &[u8]) -> bool {
        if *listed == "*" || texts(&listed["AWS"]).iter().any(|it| it == "*") {
            return true;
        }
        if self.has_boundary {
            return false;
        }
        let has = |strength: u8| strengths.contains(&strength);
        match self.principal("type").unwrap() {
            "AssumedRole" | "FederatedUser" => has(1) && has(2) && has(3),
            "User" => has(1) && has(3),
            "Root" => has(1),
            "Anonymous" => false,
            _ => has(3),
        }
    }

    /// One strength for each principal in the element.
    fn strengths(&self, element: &Value) -> Vec<u8> {
        if *element == "*" {
            return vec![3];
        }
        let kinds = element.as_object().unwrap().iter();
        kinds.flat_map(|(kind, named)| texts(named).into_iter().map(|it| self.strength(kind, &it))).collect()
    }

    fn strength(&self, kind: &str, named: &str) -> u8 {
        let is = |name: &str| self.principal(name) == Some(named);
        let mine = self.principal("type").unwrap();
        match kind {
            "Service" => 3 * u8::from(mine == "Service" && is("arn")),
            "Federated" => {
                let provider = named.rsplit("oidc-provider/").next().unwrap();
                3 * u8::from(
                    mine == "WebIdentity" && (named == "*" || self.principal("arn").unwrap() == provider),
                )
            }
            "AWS" if named == "*" => 3,
            "AWS" if named.len() == 12 && named.bytes().all(|it| it.is_ascii_digit()) => {
                u8::from(is("account"))
            }
            "AWS" if named.ends_with(":root") => u8::from(
                self.principal("account").is_some_and(|it| named == format!("arn:aws:iam::{it}:root")),
            ),
            "AWS" if is("arn") && self.principal("account").is_some() => 3,
            "AWS" if is("uniqueId") && mine == "User" => 3,
            "AWS" if is("roleArn") || is("userArn") || is("uniqueId") => 2,
            _ => 0,
        }
    }

    /// `None`: the request has no such key.
    pub(super) fn values(&self, key: &str) -> Option<Vec<String>> {
        let context = self.context.as_object().unwrap();
        let set = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, it)| texts(it));
        if let Some(values) = set.filter(|values| !values.is_empty()) {
            return Some(values);
        }
        self.about_the_caller(&key.to_lowercase()).map(|value| vec![value])
    }

    fn about_the_caller(&self, key: &str) -> Option<String> {
        let kind = self.principal("type").unwrap();
        let arn = self.principal("arn").unwrap();
        let account = self.principal("account");
        let name = arn.rsplit('/').next().unwrap();
        let value = match key {
            "aws:principalarn" => self.principal("roleArn").or(account.map(|_| arn))?.to_owned(),
            "aws:principalaccount" => account?.to_owned(),
            "aws:principaltype" => match kind {
                "Root" => "Account".to_owned(),
                "Service" | "WebIdentity" => return None,
                other => other.to_owned(),
            },
            "aws:userid" => match kind {
                "User" => self.principal("uniqueId")?.to_owned(),
                "AssumedRole" => format!("{}:{name}", self.principal("uniqueId")?),
                "FederatedUser" => format!("{}:{name}", account?),
                "Root" => account?.to_owned(),
                "Anonymous" => "anonymous".to_owned(),
                _ => return None,
            },
            "aws:username" if kind == "User" => name.to_owned(),
            "aws:principalisawsservice" => (kind == "Service").to_string(),
            "aws:principalservicename" | "aws:principalservicenameslist" if kind == "Service" => {
                arn.to_owned()
            }
            "aws:resourceaccount" => self.resource_account.to_owned(),
            "aws:viaawsservice" => "false".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}
