//! Statements that nearly fit the request.

use serde_json::{Value, json};

use super::world::{OTHER, OWN};
use super::{Maker, Scope};

impl Maker<'_> {
    pub(super) fn statement(&mut self, with_principal: bool) -> Value {
        let deny = self.random.chance(12);
        let mut statement = json!({"Effect": if deny { "Deny" } else { "Allow" }});
        let (actions, not_action) = (self.some(Self::action), self.random.chance(8));
        statement[if not_action { "NotAction" } else { "Action" }] = actions;
        let (resources, not_resource) = (self.some(Self::resource), self.random.chance(10));
        statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
        if with_principal {
            let spare = self.random.chance(6) && (self.inside() || deny) && self.inside();
            statement[if spare { "NotPrincipal" } else { "Principal" }] = self.principals(spare);
        }
        if self.random.chance(if deny { 70 } else { 35 }) {
            statement["Condition"] = self.conditions();
        }
        statement
    }

    fn inside(&self) -> bool {
        self.world.scope == Scope::Everything
    }

    /// One value, or a list of several.
    fn some(&mut self, one: fn(&mut Self) -> String) -> Value {
        if self.random.chance(70) {
            return json!(one(self));
        }
        (0..1 + self.random.below(3)).map(|_| one(self)).collect()
    }

    fn action(&mut self) -> String {
        let own = self.world.action.clone();
        let (service, name) = own.split_once(':').unwrap();
        let cut = self.random.below(name.len());
        match self.random.below(12) {
            0..4 => own,
            4 => own.to_lowercase(),
            5 => format!("{service}:*"),
            6 => "*".to_owned(),
            7 => format!("{service}:{}*", &name[..cut]),
            8 => format!("{service}:{}?{}", &name[..cut], &name[cut + 1..]),
            9 => format!("{service}:*{}", &name[cut..]),
            10 => format!("{}:{}*", service.to_uppercase(), name[..cut].to_uppercase()),
            _ => self.random.pick(&["s3:ListBucket", "ecr:PutImage", "kms:Encrypt", "ecs:*"]).to_string(),
        }
    }

    fn resource(&mut self) -> String {
        let own = self.world.resource.clone();
        if own == "*" {
            return self
                .random
                .pick(&["*", "*", "arn:aws:ecr:*:*:*", "arn:aws:ecr:*:*:repository/*"])
                .to_string();
        }
        let fields: Vec<&str> = own.splitn(6, ':').collect();
        let (head, tail) = (fields[..5].join(":"), fields[5]);
        let any_head = format!("arn:aws:{}:*:*", fields[2]);
        // The outside judge takes wildcards in the resource type for literal text.
        let least =
            if self.inside() || fields[2] == "s3" { 0 } else { tail.find(['/', ':']).map_or(0, |at| at + 1) };
        let cut = least + self.random.below(tail.len() - least);
        let most = if self.inside() { 15 } else { 13 };
        match self.random.below(most) {
            0..3 => own.clone(),
            3 => "*".to_owned(),
            4 => format!("{head}:{}*", &tail[..cut]),
            5 => format!("{any_head}:{}*", &tail[..cut]),
            6 => format!("{any_head}:{tail}"),
            7 => format!("{head}:{}*{}", &tail[..least], &tail[cut..]),
            8 => format!("{head}:{}?{}", &tail[..cut], &tail[cut + 1..]),
            9 => format!("{head}:{}*{}", &tail[..cut], &tail[cut..]),
            10 => own.replace("blue", "${aws:PrincipalTag/team}").replace("app", "${aws:username}"),
            11 => format!("{head}:{}${{aws:PrincipalTag/team{}}}*", &tail[..cut], self.default_value()),
            12 => own.replace("111122223333", "444455556666").replace("bucket", "b"),
            13 => format!("arn:aws:{}:*", fields[2]),
            _ => self
                .random
                .pick(&["arn:aws", "arn:aws:*:*:repository/app", "arn:aws:s3:::${*}", "x", ""])
                .to_string(),
        }
    }

    fn default_value(&mut self) -> &'static str {
        if self.inside() { self.random.pick(&["", ", 'blue'"]) } else { "" }
    }

    fn principals(&mut self, spare: bool) -> Value {
        if spare {
            let listed: Vec<_> = (0..3).map(|_| self.world.some_name(self.random)).collect();
            return json!({"AWS": listed});
        }
        let role = self.world.principal["roleArn"].as_str().unwrap_or("arn:aws:iam::111122223333:user/alice");
        let arn = self.world.principal["arn"].as_str().unwrap();
        let own = if arn.starts_with("arn:") { arn } else { OWN };
        match self.random.below(if self.inside() { 13 } else { 9 }) {
            0 | 1 => json!("*"),
            2 => json!({"AWS": "*"}),
            3 => json!({"AWS": OWN}),
            4 => json!({"AWS": format!("arn:aws:iam::{OWN}:root")}),
            5 | 6 => json!({"AWS": role}),
            7 => json!({"AWS": own}),
            8 => json!({"AWS": [OTHER, role, "arn:aws:iam::111122223333:role/nobody"]}),
            9 => json!({"Service": ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"]}),
            10 => json!({"Federated": self.random.pick(&[
                "token.example.com", "arn:aws:iam::111122223333:oidc-provider/token.example.com", "other",
            ])}),
            11 => json!({"AWS": self.world.some_name(self.random)}),
            _ => json!({"AWS": ["AIDAALICE", "AROAEXEC"], "CanonicalUser": "abc"}),
        }
    }

    fn conditions(&mut self) -> Value {
        let mut conditions = json!({});
        for _ in 0..1 + self.random.below(2) {
            let (operator, key, values) = self.condition();
            let value = if values.len() == 1 { json!(values[0]) } else { json!(values) };
            conditions[operator][key] = value;
        }
        conditions
    }

    fn condition(&mut self) -> (String, String, Vec<String>) {
        let (operators, keys, values): (&[&str], &[&str], &[&str]) = match self.random.below(10) {
            0..4 => (
                &[
                    "StringEquals",
                    "StringNotEquals",
                    "StringLike",
                    "StringNotLike",
                    "StringEqualsIgnoreCase",
                    "StringNotEqualsIgnoreCase",
                ],
                &[
                    "aws:PrincipalTag/team",
                    "aws:RequestedRegion",
                    "aws:UserAgent",
                    "aws:username",
                    "aws:userid",
                    "aws:SourceVpce",
                    "AWS:principaltype",
                ],
                &[
                    "blue",
                    "red",
                    "b*",
                    "*",
                    "?lue",
                    "eu-*",
                    "eu-central-1",
                    "alice",
                    "curl/8",
                    "vpce-1",
                    "User",
                    "${aws:username}",
                    "${aws:PrincipalTag/team}",
                    "AROAEXEC:*",
                    "x${aws:UserAgent}",
                ],
            ),
            4 => (
                &["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"],
                &["aws:PrincipalOrgPaths"],
                &["o-a/r-1/ou-1/", "o-a/*", "o-b/r-1/", "o-?/r-1/ou-2/"],
            ),
            5 => (
                &[
                    "NumericEquals",
                    "NumericNotEquals",
                    "NumericLessThan",
                    "NumericLessThanEquals",
                    "NumericGreaterThan",
                    "NumericGreaterThanEquals",
                ],
                &["aws:MultiFactorAuthAge"],
                &["10", "300", "1000", "3600"],
            ),
            6 => (
                &[
                    "DateLessThan",
                    "DateGreaterThan",
                    "DateLessThanEquals",
                    "DateGreaterThanEquals",
                    "DateEquals",
                    "DateNotEquals",
                ],
                &["aws:CurrentTime"],
                &["2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "2027-01-01T00:00:00Z"],
            ),
            7 => (
                &["IpAddress", "NotIpAddress"],
                &["aws:SourceIp"],
                &["10.0.0.0/8", "203.0.113.9", "2001:db8::/32", "2001:db8::1", "192.0.2.0/24"],
            ),
            8 => (&["Bool", "Null"], &["aws:SecureTransport", "aws:MultiFactorAuthAge"], &["true", "false"]),
            _ => (
                &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
                &["aws:SourceArn", "aws:PrincipalArn"],
                &[
                    "arn:aws:ecs:eu-central-1:111122223333:cluster/prod",
                    "arn:aws:ecs:*:*:cluster/*",
                    "arn:aws:s3:::b*",
                    "arn:aws:iam::111122223333:role/*",
                    "arn:aws:iam::*:user/${aws:username}",
                ],
            ),
        };
        let mut operator = self.random.pick(operators).to_string();
        let mut key = self.random.pick(keys).to_string();
        if operator == "Bool" {
            key = "aws:SecureTransport".to_owned();
        }
        let several = key == "aws:PrincipalOrgPaths";
        // To the outside judge a list is a list even if it has one value only.
        let prefix = match self.random.below(if several && !self.inside() { 2 } else { 6 }) {
            0 => "ForAllValues:",
            1 => "ForAnyValue:",
            _ => "",
        };
        let optional = operator != "Null" && self.random.chance(20);
        if operator != "Null" && (self.inside() || several || (self.random.chance(20))) {
            operator = format!("{prefix}{operator}");
        }
        // Which of the two readings is right is open; the outside judge has the other one.
        if optional && (self.inside() || !operator.starts_with("ForAny")) {
            operator.push_str("IfExists");
        }
        let mut picked: Vec<_> =
            (0..1 + self.random.below(2)).map(|_| self.random.pick(values).to_string()).collect();
        if self.inside() && self.random.chance(8) {
            (operator, key, picked) = self.unusual();
        }
        picked.dedup();
        (operator, key, picked)
    }

    /// What only the inside judge reads as we do.
    fn unusual(&mut self) -> (String, String, Vec<String>) {
        let table: [(&str, &str, &[&str]); 8] = [
            ("BinaryEquals", "k:bytes", &["QUI=", "QUJD"]),
            ("DateGreaterThan", "aws:EpochTime", &["2026-01-01", "1780315200", "2026-06-01T14:00:00+02:00"]),
            ("DateNotEquals", "aws:EpochTime", &["1780315200"]),
            ("NumericNotEquals", "aws:UserAgent", &["5", "five"]),
            ("ArnLike", "aws:SourceArn", &["${aws:SourceArn}", "${aws:PrincipalArn}", "*"]),
            ("StringEquals", "aws:PrincipalTag/team", &["${*}", "${k:none, 'blue'}", "${aws:TagKeys}"]),
            ("Null", "aws:TagKeys", &["true"]),
            ("StringLike", "aws:PrincipalArn", &["*:role/service-role/*", "*:user/*", "arn:aws:iam::*"]),
        ];
        let (operator, key, values) = self.random.pick(&table);
        (operator.to_owned(), key.to_owned(), vec![self.random.pick(values).to_string()])
    }
}
