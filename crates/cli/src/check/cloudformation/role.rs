//! The execution role of a template, with the policies that lie beside it: those that name the role, and managed ones that
//! the role names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{DEEPEST, MANAGED_POLICY, Solver};
use crate::check::input::{Found, Place};
use crate::check::planned::Planned;
use crate::check::role::{Policies, Role, Written};
use crate::check::unknown::Created;

/// The execution role, if the template creates it.
pub(super) fn execution_role(
    template: &Value,
    given: &BTreeMap<String, String>,
    place: &Place,
    found: &Found,
) -> Option<Role> {
    let wanted = found.definition["executionRoleArn"].as_str()?;
    let reader = Reader { template, given, place };
    let (name, properties) = reader
        .resources(&["AWS::IAM::Role"])
        .map(|(id, properties)| (reader.solver().name_of(id, "RoleName", DEEPEST), properties))
        .find(|(name, _)| Created::Role.is_meant(name, wanted, place))?;
    let policies = reader.policies(&name, &properties);
    Some(Role {
        name,
        written: Written::Template,
        trust: properties["AssumeRolePolicyDocument"].clone(),
        policies: policies.whole(),
    })
}

/// What the template gives to a role that there is.
pub(super) fn given_to(
    template: &Value,
    given: &BTreeMap<String, String>,
    place: &Place,
    role: &str,
) -> Planned {
    let reader = Reader { template, given, place };
    let mut planned = Planned::default();
    for (id, policy) in reader.resources(&BESIDE) {
        let managed = template["Resources"][id]["Type"] == MANAGED_POLICY;
        let name = match policy["PolicyName"].as_str() {
            Some(name) if !managed => name.to_owned(),
            _ if managed => reader.solver().arn_of(id, MANAGED_POLICY, DEEPEST),
            _ => id.clone(),
        };
        if roles_of(&policy).any(|it| it == role) {
            planned.put(&name, Some(policy["PolicyDocument"].to_string()));
        } else if roles_of(&policy).any(|it| it.contains("${")) {
            planned.put(&name, None);
        }
    }
    planned
}

/// What gives roles policies, beside the roles.
const BESIDE: [&str; 3] = ["AWS::IAM::Policy", MANAGED_POLICY, "AWS::IAM::RolePolicy"];

fn roles_of(policy: &Value) -> impl Iterator<Item = &str> {
    let roles = policy["Roles"].as_array().into_iter().flatten().chain(policy.get("RoleName"));
    roles.filter_map(Value::as_str)
}

struct Reader<'a> {
    template: &'a Value,
    given: &'a BTreeMap<String, String>,
    place: &'a Place,
}

impl<'a> Reader<'a> {
    fn solver(&self) -> Solver<'a> {
        Solver { template: self.template, given: self.given, place: self.place, open: Vec::new() }
    }

    /// The resources of these types that are deployed: their ids, and their properties worked out.
    fn resources(&self, kinds: &'a [&str]) -> impl Iterator<Item = (&'a String, Value)> {
        let all = self.template["Resources"].as_object().into_iter().flatten();
        all.filter_map(move |(id, resource)| {
            let mut solver = self.solver();
            let deployed = resource["Condition"].as_str().is_none_or(|it| solver.condition(it, DEEPEST));
            let wanted = kinds.iter().any(|kind| resource["Type"] == *kind) && deployed;
            wanted.then(|| (id, solver.solve(&resource["Properties"], DEEPEST).unwrap_or_default()))
        })
    }

    fn policies(&self, name: &str, properties: &Value) -> Policies {
        let mut all = Policies { more: !properties["PermissionsBoundary"].is_null(), ..Policies::default() };
        let list = |member: &str| properties[member].as_array();
        all.told = list("Policies").or(list("ManagedPolicyArns")).is_some();
        for policy in list("Policies").into_iter().flatten() {
            all.add(Some(policy["PolicyDocument"].to_string()));
        }
        let own: BTreeMap<_, _> = self
            .resources(&[MANAGED_POLICY])
            .map(|(id, policy)| {
                (self.solver().arn_of(id, MANAGED_POLICY, DEEPEST), policy["PolicyDocument"].to_string())
            })
            .collect();
        for arn in list("ManagedPolicyArns").into_iter().flatten().map(Value::as_str) {
            match arn.and_then(|arn| own.get(arn)) {
                Some(document) => all.add(Some(document.clone())),
                None => all.add_managed(arn),
            }
        }
        for (_, policy) in self.resources(&BESIDE) {
            for role in roles_of(&policy) {
                if role == name {
                    all.add(Some(policy["PolicyDocument"].to_string()));
                } else if role.contains("${") {
                    all.more = true;
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::task_definitions;
    use super::*;

    const TEMPLATE: &str = r"
Parameters: {Other: {Type: String}}
Conditions: {Never: !Equals [a, b]}
Resources:
  Exec: {Type: 'AWS::IAM::Role', Properties: ROLE}
  Beside: {Type: 'AWS::IAM::Policy', Properties: {PolicyName: a, Roles: [!Ref Exec], PolicyDocument: {Statement: [1]}}}
  Own: {Type: 'AWS::IAM::RolePolicy', Properties: {PolicyName: b, RoleName: !Ref Exec, PolicyDocument: {Statement: [2]}}}
  Managed: {Type: 'AWS::IAM::ManagedPolicy', Properties: {Path: /p/, Roles: ROLES, PolicyDocument: {Statement: [3]}}}
  Not: {Type: 'AWS::IAM::Policy', Condition: Never, Properties: {Roles: [!Ref Exec], PolicyDocument: {Statement: [4]}}}
  Task: {Type: 'AWS::ECS::TaskDefinition', Properties: {ExecutionRoleArn: !GetAtt Exec.Arn}}
";

    fn statements(role: &str, roles: &str) -> Option<Vec<i64>> {
        let text = TEMPLATE.replace("ROLES", roles).replace("ROLE", role);
        let template = crate::check::yaml::read(&text).unwrap();
        let place = Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
        let found = task_definitions(&template, &BTreeMap::new(), &place);
        let policies = found[0].role.as_ref()?.policies.clone()?;
        let number = |text: &String| serde_json::from_str::<Value>(text).ok()?["Statement"][0].as_i64();
        Some(policies.iter().filter_map(number).collect())
    }

    #[test]
    fn policies_beside_a_role_are_the_roles() {
        for (role, roles, expected) in [
            ("{RoleName: exec}", "[]", Some(vec![1, 2])),
            ("{}", "[!Ref Exec]", Some(vec![1, 2, 3])),
            ("{ManagedPolicyArns: [!Ref Managed]}", "[]", Some(vec![3, 1, 2])),
            ("{ManagedPolicyArns: [!GetAtt Managed.PolicyArn]}", "[other]", Some(vec![3, 1, 2])),
            (
                "{ManagedPolicyArns: ['arn:aws:iam::111122223333:policy/p/Managed']}",
                "[]",
                Some(vec![3, 1, 2]),
            ),
            ("{ManagedPolicyArns: ['arn:aws:iam::111122223333:policy/other']}", "[]", None),
            ("{PermissionsBoundary: x}", "[]", None),
            ("{}", "[!Ref Other]", None),
        ] {
            assert_eq!(statements(role, roles), expected, "{role} {roles}");
        }
    }

    #[test]
    fn what_is_given_to_a_role_that_there_is() {
        let policy = |name: &str, roles: Value, document: Value| json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": name, "Roles": roles, "PolicyDocument": document}});
        let template = json!({"Resources": {
            "A": policy("a", json!(["exec"]), json!({"Statement": [1]})),
            "B": policy("b", json!(["other"]), json!({"Statement": [2]})),
            "C": policy("c", json!(["exec"]), json!({"Statement": [{"Ref": "Missing"}]})),
            "D": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": ["exec"], "PolicyDocument": {"Statement": [3]}}},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties":
                {"ExecutionRoleArn": "arn:aws:iam::111122223333:role/team/exec"}}}});
        let place = Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
        let found = task_definitions(&template, &BTreeMap::new(), &place);
        let names: Vec<_> = found[0].planned.policies.iter().map(|it| it.policy_name.as_str()).collect();
        assert_eq!(names, ["a", "arn:aws:iam::111122223333:policy/D"]);
        assert_eq!(found[0].planned.open, ["c"]);
    }

    #[test]
    fn a_document_with_what_is_not_known_is_not_known() {
        let policy =
            json!({"PolicyDocument": {"Statement": [{"Resource": {"Ref": "Missing"}}]}, "Roles": ["Exec"]});
        let template = json!({"Resources": {
            "Exec": {"Type": "AWS::IAM::Role"},
            "Beside": {"Type": "AWS::IAM::Policy", "Properties": policy},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ExecutionRoleArn": "Exec"}}}});
        let place = Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
        let found = task_definitions(&template, &BTreeMap::new(), &place);
        assert_eq!(found[0].role.as_ref().map(|it| it.policies.clone()), Some(None));
    }
}
